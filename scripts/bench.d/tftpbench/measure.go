package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/bootward/bootward/appliance/tftp/tftptest"
)

// cell is a place in the table.
type cell struct {
	server string
	window int           // asked for
	trip   time.Duration // 0 in a crowd
	crowd  int           // 0: one client, as fast as it can
}

// figures are what was measured in a cell: medians of its turns.
type figures struct {
	agreed     int     // the window
	rate       float64 // MB/s
	cost       float64 // CPU-s/GB
	waited     time.Duration
	done, lost int // sessions
	resent     int // by clients, which heard nothing
	doubled    int // blocks that came twice
	took       time.Duration
}

type results map[cell]figures

// speed fills the cells of one window and round trip.
func (r results) speed(ctx context.Context, servers []*server, rounds int, turn time.Duration, window int, trip time.Duration) error {
	turns := map[string][]figures{}
	for range rounds {
		for _, s := range servers {
			if err := s.ready(ctx); err != nil {
				return err
			}
			f, err := oneClient(ctx, s, turn, window, trip)
			if err != nil {
				return fmt.Errorf("%s, window %d, round trip %v: %w", s.name, window, trip, err)
			}
			turns[s.name] = append(turns[s.name], f)
		}
	}
	for _, s := range servers {
		f := median(turns[s.name])
		r[cell{server: s.name, window: window, trip: trip}] = f
		fmt.Printf("%-9s window %2d (%2d)  round trip %3.1f ms  %6.1f MB/s  %s\n",
			s.name, window, f.agreed, trip.Seconds()*1000, f.rate, s.costs(f.cost))
	}
	return nil
}

func median(turns []figures) figures {
	slices.SortFunc(turns, func(a, b figures) int { return int(a.rate*100) - int(b.rate*100) })
	f := turns[len(turns)/2]
	slices.SortFunc(turns, func(a, b figures) int { return int(a.cost*1000) - int(b.cost*1000) })
	f.cost = turns[len(turns)/2].cost
	return f
}

// oneClient fetches the big file again and again for the length of a turn.
func oneClient(ctx context.Context, s *server, turn time.Duration, window int, trip time.Duration) (f figures, err error) {
	c := tftptest.Client{Server: s.at, Window: window, Delay: trip}
	if window > 0 {
		c.Block = block
	}
	before, start := s.cpu(), time.Now()
	bytes, acks, waited := int64(0), 0, time.Duration(0)
	for left := turn; left > 0; left = turn - time.Since(start) {
		c.Limit = left
		x, err := c.Fetch(ctx, "big")
		if err != nil {
			return f, err
		}
		bytes, acks, waited, f.agreed = bytes+x.Bytes, acks+x.Acks, waited+x.Waited, x.Window
	}
	f.took = time.Since(start)
	f.rate = float64(bytes) / 1e6 / f.took.Seconds()
	f.cost = (s.cpu() - before).Seconds() / (float64(bytes) / 1e9)
	f.waited = waited / time.Duration(max(acks, 1))
	return f, nil
}

// crowd has many clients fetch the small file at once, each from an address of its own.
func (r results) crowd(ctx context.Context, servers []*server, clients int) error {
	for _, s := range servers {
		if err := s.ready(ctx); err != nil {
			return err
		}
		f := manyClients(ctx, s, clients)
		r[cell{server: s.name, window: 64, crowd: clients}] = f
		note := ""
		if s.ready(ctx) == nil && s.deaths > 0 {
			note, s.deaths = "  the server ended", 0
		}
		fmt.Printf("%-9s %4d clients  %4d complete  %4d failed  %5d resends of clients  %5d blocks twice  %5.1f s  %6.1f MB/s  %s%s\n",
			s.name, clients, f.done, f.lost, f.resent, f.doubled, f.took.Seconds(), f.rate, s.costs(f.cost), note)
	}
	return nil
}

func manyClients(ctx context.Context, s *server, clients int) (f figures) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	before, start := s.cpu(), time.Now()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range clients {
		c := tftptest.Client{Server: s.at, Block: block, Window: 64,
			Local: netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)})}
		wg.Go(func() {
			x, err := c.Fetch(ctx, "small")
			mu.Lock()
			defer mu.Unlock()
			if err != nil || x.Bytes != smallSize {
				f.lost++
			} else {
				f.done++
			}
			f.resent, f.doubled = f.resent+x.Resent, f.doubled+x.Doubled
		})
	}
	wg.Wait()
	f.took = time.Since(start)
	bytes := float64(f.done) * smallSize
	f.rate = bytes / 1e6 / f.took.Seconds()
	f.cost = (s.cpu() - before).Seconds() / max(bytes/1e9, 1e-9)
	return f
}
