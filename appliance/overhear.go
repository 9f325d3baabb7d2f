package appliance

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/internal/recent"
)

// ear keeps offers of other servers to machines that boot from the network. Those
// to everybody else are forgotten: a ward's PCs renew their addresses all day.
// An offer may be heard before the box has read the question that it answers.
type ear struct {
	mu       sync.Mutex
	machines recent.Map[string, *hearing]
}

type hearing struct {
	asked  time.Time // as a machine that boots from the network; zero: not yet
	id     uint32    // transaction of that question
	offers []heardOffer
}

type heardOffer struct {
	dhcp.Overheard
	told bool // it is recorded
}

const (
	listens    = 2 * time.Minute // after a machine asked
	maxHearing = 1024            // machines
	maxOffers  = 8               // of one machine, the newest
)

// of finds or makes what is known of a machine. The caller holds the lock.
func (e *ear) of(mac string) *hearing {
	h, known := e.machines.Get(mac)
	if !known {
		h = &hearing{}
	}
	e.machines.Put(mac, h, maxHearing)
	return h
}

// asked notes that a machine boots from the network, and returns what other servers
// were heard to answer to this question.
func (e *ear) asked(q dhcp.Event, now time.Time) []dhcp.Overheard {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.of(q.MAC.String())
	h.asked, h.id = now, q.TransactionID
	h.offers = slices.DeleteFunc(h.offers, func(o heardOffer) bool { return o.TransactionID != q.TransactionID })
	var tell []dhcp.Overheard
	for i, o := range h.offers {
		if !o.told {
			tell = append(tell, o.Overheard)
		}
		h.offers[i].told = true
	}
	return tell
}

// heard notes an offer, and says whether it is to be recorded now.
func (e *ear) heard(o dhcp.Overheard, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.of(o.MAC.String())
	again := slices.ContainsFunc(h.offers, func(b heardOffer) bool { return b.TransactionID == o.TransactionID && b.Server == o.Server })
	if again {
		return false
	}
	if len(h.offers) >= maxOffers {
		h.offers = h.offers[1:]
	}
	tell := o.TransactionID == h.id && now.Sub(h.asked) < listens
	h.offers = append(h.offers, heardOffer{o, tell})
	return tell
}

// overhear listens for offers of other servers until stop is called. PXE goes on
// without: only diagnoses know less.
func (b *Box) overhear(ctx context.Context, name string, log *slog.Logger) (stop func()) {
	e, err := dhcp.OpenEar(name)
	if err != nil {
		log.Warn("offers of other servers are not heard", "error", err)
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		own := b.watch.Source(name)
		err := e.Run(ctx, func(o dhcp.Overheard) {
			if o.Server != own() {
				b.flight.overheard(o)
			}
		})
		if err != nil {
			log.Warn("offers of other servers are no longer heard", "error", err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

func (r *recorder) overheard(o dhcp.Overheard) {
	if r.ear.heard(o, r.now()) {
		r.other(o)
	}
}
