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

// figures are what was measured in a turn.
type figures struct {
	agreed     int     // the window
	bytes      float64 // in GB
	rate       float64 // MB/s
	cpu        float64 // seconds
	waited     time.Duration
	done, lost int // sessions
	resent     int // by clients, which heard nothing
	doubled    int // blocks that came twice
	took       time.Duration
}

// cost is in CPU-s/GB; 0 where nothing was sent, as by a server that ended.
func (f figures) cost() float64 {
	if f.bytes == 0 {
		return 0
	}
	return f.cpu / f.bytes
}

// results are the turns of each cell, in the order they were taken: the n-th turns of all
// servers lie next to each other.
type results map[cell][]figures

// speed fills the cells of one window and round trip. Every other round goes backwards, so
// that a machine that slows down hurts all servers alike.
func (r results) speed(ctx context.Context, servers []*server, rounds int, turn time.Duration, window int, trip time.Duration) error {
	servers = slices.Clone(servers)
	for range rounds {
		for _, s := range servers {
			if err := s.ready(ctx); err != nil {
				return err
			}
			f, err := oneClient(ctx, s, turn, window, trip)
			if err != nil {
				return fmt.Errorf("%s, window %d, round trip %v: %w", s.name, window, trip, err)
			}
			c := cell{server: s.name, window: window, trip: trip}
			r[c] = append(r[c], f)
		}
		slices.Reverse(servers)
	}
	if rounds%2 == 1 {
		slices.Reverse(servers)
	}
	for _, s := range servers {
		f := r.sum(cell{server: s.name, window: window, trip: trip})
		fmt.Printf("%-9s window %2d (%2d)  round trip %3.1f ms  %6.1f MB/s  %s\n",
			s.name, window, f.agreed, trip.Seconds()*1000, f.rate, s.costs(f.cost()))
	}
	return nil
}

// sum is the turns of a cell as one: the median rate, and all processor time and bytes, as
// the kernel counts the former in steps of 10 ms.
func (r results) sum(c cell) (f figures) {
	turns := r[c]
	if len(turns) == 0 {
		return f
	}
	rates := make([]float64, len(turns))
	for i, t := range turns {
		rates[i] = t.rate
		f.bytes, f.cpu, f.waited = f.bytes+t.bytes, f.cpu+t.cpu, f.waited+t.waited
	}
	f.agreed, f.rate, f.waited = turns[0].agreed, quantile(rates, 0.5), f.waited/time.Duration(len(turns))
	return f
}

// quantile is the value that a share of all is below; 0.5: the median.
func quantile(values []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(share*float64(len(sorted)-1)+0.5)]
}

// oneClient fetches the big file again and again for the length of a turn.
func oneClient(ctx context.Context, s *server, turn time.Duration, window int, trip time.Duration) (f figures, err error) {
	c := tftptest.Client{Server: s.at, Window: window, Delay: trip}
	if window > 0 {
		c.Block = block
	}
	before, err := s.cpu()
	if err != nil {
		return f, err
	}
	start := time.Now()
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
	after, err := s.cpu()
	f.bytes, f.cpu = float64(bytes)/1e9, (after - before).Seconds()
	f.rate = f.bytes * 1e3 / f.took.Seconds()
	f.waited = waited / time.Duration(max(acks, 1))
	return f, err
}

// crowd has many clients fetch the small file at once, each from an address of its own.
func (r results) crowd(ctx context.Context, servers []*server, clients int) error {
	for _, s := range servers {
		if err := s.ready(ctx); err != nil {
			return err
		}
		f := manyClients(ctx, s, clients)
		r[cell{server: s.name, window: 64, crowd: clients}] = []figures{f}
		note := ""
		if s.ready(ctx) == nil && s.deaths > 0 {
			note, s.deaths = "  the server ended", 0
		}
		fmt.Printf("%-9s %4d clients  %4d complete  %4d failed  %5d resends of clients  %5d blocks twice  %5.1f s  %6.1f MB/s  %s%s\n",
			s.name, clients, f.done, f.lost, f.resent, f.doubled, f.took.Seconds(), f.rate, s.costs(f.cost()), note)
	}
	return nil
}

func manyClients(ctx context.Context, s *server, clients int) (f figures) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	before, _ := s.cpu()
	start := time.Now()
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
	after, _ := s.cpu() // of local ones it cannot fail
	f.bytes, f.cpu = float64(f.done)*smallSize/1e9, (after - before).Seconds()
	f.rate = f.bytes * 1e3 / f.took.Seconds()
	return f
}
