package selftest

import (
	"slices"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/internal/recent"
)

const (
	deafOffers   = 3                // offers to one machine without a reaction: firmware asks four times
	reactsWithin = 10 * time.Minute // what is older says nothing of now
	maxMachines  = 512              // on one interface
)

// Reactions counts how machines on one segment react to the box's offers. Switches
// with DHCP snooping drop a server's answers and let the questions through: from the
// box it looks as if nobody heard it. The zero value is ready; its methods may be
// called by several goroutines.
type Reactions struct {
	mu       sync.Mutex
	machines recent.Map[string, reaction]
}

type reaction struct {
	offers  int // since the last reaction
	reacted bool
	at      time.Time
}

// Note takes in a packet of a machine and what the box answers. A REQUEST, or a
// question on port 4011, shows that the machine heard some offer; what it made of the
// box's own one is not known here.
func (r *Reactions) Note(p dhcp.Packet, sent dhcp.Reply, now time.Time) {
	if p.Message.HostName() == hostName { // another box, which takes nothing
		return
	}
	asks := p.Port == dhcp.ServerPort && p.Message.MessageType() == dhcpv4.MessageTypeDiscover
	if asks && (!sent.Send || !sent.Ours) {
		return
	}
	mac := p.Message.ClientHWAddr.String()
	r.mu.Lock()
	defer r.mu.Unlock()
	m, known := r.machines.Get(mac)
	switch {
	case asks && now.Sub(m.at) > reactsWithin:
		m = reaction{offers: 1}
	case asks:
		m.offers++
	case !known: // renews an address, or boots by another server
		return
	default:
		m = reaction{reacted: true}
	}
	m.at = now
	r.machines.Put(mac, m, maxMachines)
}

// Deaf lists machines that asked again and again after offers of the box, and counts
// those that reacted, both of the last ten minutes.
func (r *Reactions) Deaf(now time.Time) (macs []string, reacted int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for mac, m := range r.machines.All() {
		switch {
		case now.Sub(m.at) > reactsWithin:
		case m.reacted && m.offers < deafOffers:
			reacted++
		case m.offers >= deafOffers:
			macs = append(macs, mac)
		}
	}
	slices.Sort(macs)
	return macs, reacted
}
