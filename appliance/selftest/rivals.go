package selftest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// goneAfter is how long another PXE server must be silent to count as gone.
	goneAfter = 10 * time.Minute
	maxRivals = 64 // on all segments: who makes up more is reported once too few
)

// Rival is another PXE server on a segment.
type Rival struct {
	Interface string
	Server    netip.Addr
	MAC       string // of who sent its answers
	Class     string // option 60, "" if it sends none
	File      string // boot file or URL, "" if it sends none
}

// String is the warning.
func (r Rival) String() string {
	what := "no file"
	if r.File != "" {
		what = fmt.Sprintf("file %q", r.File)
	}
	return fmt.Sprintf("another PXE server answers on %s: %s (MAC %s; option 60 %s, %s)", r.Interface, r.Server, r.MAC, cmp.Or(r.Class, "none"), what)
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
	seen map[rivalKey]sighting
}

type sighting struct {
	Rival
	at time.Time
}

// Heard takes in an offer and says whether it is news: the first of a PXE server that
// policy does not know.
func (r *Rivals) Heard(iface string, o Offer, known []string, now time.Time) (Rival, bool) {
	if !o.Boots || slices.Contains(known, o.Server.String()) {
		return Rival{}, false
	}
	key := rivalKey{iface, o.Server}
	rival := Rival{Interface: iface, Server: o.Server, MAC: o.Sender.String(), Class: o.Class, File: o.File}
	r.mu.Lock()
	defer r.mu.Unlock()
	last, was := r.seen[key]
	if !was && len(r.seen) >= maxRivals {
		return Rival{}, false
	}
	if r.seen == nil {
		r.seen = map[rivalKey]sighting{}
	}
	r.seen[key] = sighting{rival, now}
	return rival, !was || now.Sub(last.at) >= goneAfter
}

// Gone forgets and returns those of an interface that have been silent for ten
// minutes.
func (r *Rivals) Gone(iface string, now time.Time) []Rival {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Rival
	for key, s := range r.seen {
		if key.iface == iface && now.Sub(s.at) >= goneAfter {
			all = append(all, s.Rival)
			delete(r.seen, key)
		}
	}
	return all
}
