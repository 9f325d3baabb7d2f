package agent

import (
	"context"
	"time"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/keys"
	"github.com/bootward/bootward/agent/wizard"
	"github.com/bootward/bootward/api"
)

// idle is how long a person who is there may press no key; then the machine boots its
// disk.
const idle = 15 * time.Minute

// wizard shows the pages until the person has decided; first is for his first key, and
// key the one that called for it. A machine whose mandatory deployment came due
// meanwhile gets that.
func (s *session) wizard(ctx context.Context, o api.Offers, first time.Duration, key keys.Key) (chosen *api.Offer, seen []disk.Disk, person bool) {
	w := wizard.New(s.about(o), o)
	s.networkPage(ctx, w, isNetwork(key))
	s.console.Forget()
	defer s.console.Again()
	wrong := 0
	for wait := first; ; wait = idle {
		s.console.Page(w.Lines())
		k, ok := s.key(ctx, wait)
		if !ok {
			s.console.Line("nobody pressed a key for %s", wait)
			return nil, nil, false
		}
		switch w.Press(k) {
		case wizard.GiveUp:
			return nil, nil, false
		case wizard.Unlock:
			offers, ok := s.unlock(ctx, w, &wrong)
			if m := mandatory(offers); m != nil { // its time came meanwhile
				return m, nil, false
			}
			if ok && w.Page() != wizard.Password && len(offers.Offers) == 0 {
				s.none(offers)
				ok = false
			}
			if !ok {
				return nil, nil, false
			}
		case wizard.ListDisks:
			var err error
			seen, err = candidates()
			w.Disks(described(seen), err)
		case wizard.TryNetwork:
			s.console.Page(w.Lines())
			w.Tested(s.tryNetwork(ctx, w.Wanted()))
			s.console.Forget()
		case wizard.Begin:
			a := w.Answers()
			s.typed = typed{name: a.Name, replaces: a.Replaces, asked: a.Offer.AskName || o.AskReplaces}
			s.answers = a.Values
			return &a.Offer, seen, true
		}
	}
}

// isNetwork says whether a key asks for the page of the network.
func isNetwork(k keys.Key) bool { return k == keys.F2 || k == keys.Ctrl('O') }

// key waits for a key for some time.
func (s *session) key(ctx context.Context, wait time.Duration) (keys.Key, bool) {
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return s.console.Key(limited)
}

func described(disks []disk.Disk) []string {
	var out []string
	for _, d := range disks {
		out = append(out, d.String())
	}
	return out
}

// about is what stands on every page.
func (s *session) about(o api.Offers) wizard.About {
	a := wizard.About{Organisation: o.Organisation, Text: o.WelcomeText, Box: s.met.Name}
	if s.anchor != nil {
		a.Site = s.anchor.Site
	}
	return a
}
