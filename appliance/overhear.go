package appliance

import (
	"slices"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/selftest"
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
	selftest.Offer
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
func (e *ear) asked(q dhcp.Event, now time.Time) []selftest.Offer {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.of(q.MAC.String())
	h.asked, h.id = now, q.TransactionID
	h.offers = slices.DeleteFunc(h.offers, func(o heardOffer) bool { return o.TransactionID != q.TransactionID })
	var tell []selftest.Offer
	for i, o := range h.offers {
		if !o.told {
			tell = append(tell, o.Offer)
		}
		h.offers[i].told = true
	}
	return tell
}

// heard notes an offer, and says whether it is to be recorded now.
func (e *ear) heard(o selftest.Offer, now time.Time) bool {
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

// overheard takes in an answer of another server to a machine.
func (r *recorder) overheard(o selftest.Offer) {
	if o.Type == dhcpv4.MessageTypeOffer && r.ear.heard(o, r.now()) {
		r.other(o)
	}
}
