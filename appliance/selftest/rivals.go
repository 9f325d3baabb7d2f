package selftest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/bootward/bootward/appliance/network"
	"github.com/bootward/bootward/internal/recent"
)

const (
	// goneAfter is how long another PXE server must be silent to count as gone.
	goneAfter = 10 * time.Minute
	maxRivals = 64 // on all segments; beyond that the one heard longest ago is forgotten, and news again
)

// Rival is another PXE server on a segment, or any server under the box's address.
type Rival struct {
	Interface string
	Server    netip.Addr
	MAC       string // of who sent its answers
	Class     string // option 60, "" if it sends none
	File      string // boot file or URL, "" if it sends none
	Impostor  bool   // it answers under an address of the box
}

// String is the warning.
func (r Rival) String() string {
	what := "no file"
	if r.File != "" {
		what = fmt.Sprintf("file %q", r.File)
	}
	if r.Impostor {
		return fmt.Sprintf("ALARM: somebody else answers on %s under this box's own address %s (MAC %s; option 60 %s, %s): two hosts have one address, or one passes for the box; find that MAC at the switch and take the address from it",
			r.Interface, r.Server, r.MAC, cmp.Or(r.Class, "none"), what)
	}
	return fmt.Sprintf("another PXE server answers on %s: %s (MAC %s; option 60 %s, %s)", r.Interface, r.Server, r.MAC, cmp.Or(r.Class, "none"), what)
}

func (o Offer) rival() Rival {
	return Rival{Interface: o.Interface, Server: o.Server, MAC: o.Sender.String(), Class: o.Class, File: o.File, Impostor: o.Impostor}
}

// foreign says whether somebody else than the box made an answer, and marks an
// impostor. What a relay agent on the segment hands on for the box is the box's own; it
// comes from the relay's address.
func (o Offer) foreign(n network.Snapshot) (Offer, bool) {
	from := n.Has(o.Interface, o.From)
	if Owns(n, o.Sender) || o.Relayed && n.Has("", o.Server) && !from {
		return o, false
	}
	if o.Impostor = from || n.Has(o.Interface, o.Server); o.Impostor {
		if from { // and names another as the server, or nobody
			o.Server = o.From
		}
		o.Words = []string{o.rival().String()}
	}
	return o, true
}

type rivalKey struct {
	iface  string
	server netip.Addr
}

// Rivals remembers other PXE servers, so that each is reported once until it has been
// gone for ten minutes. The zero value is ready; its methods may be called by several
// goroutines.
type Rivals struct {
	mu   sync.Mutex
	seen recent.Map[rivalKey, sighting]
}

type sighting struct {
	Rival
	at time.Time
}

// Heard takes in an offer and says whether it is news: the first of a PXE server that
// policy does not know, or of an impostor.
func (r *Rivals) Heard(o Offer, known []string, now time.Time) (Rival, bool) {
	if !o.Impostor && (!o.Boots || slices.Contains(known, o.Server.String())) {
		return Rival{}, false
	}
	key := rivalKey{o.Interface, o.Server}
	rival := o.rival()
	r.mu.Lock()
	defer r.mu.Unlock()
	last, was := r.seen.Get(key)
	r.seen.Put(key, sighting{rival, now}, maxRivals)
	return rival, !was || now.Sub(last.at) >= goneAfter
}

// Gone forgets and returns those of an interface that have been silent for ten
// minutes.
func (r *Rivals) Gone(iface string, now time.Time) []Rival {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Rival
	var keys []rivalKey
	for key, s := range r.seen.All() {
		if key.iface == iface && now.Sub(s.at) >= goneAfter {
			all, keys = append(all, s.Rival), append(keys, key)
		}
	}
	for _, key := range keys {
		r.seen.Delete(key)
	}
	return all
}
