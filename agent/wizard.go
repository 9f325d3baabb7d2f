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

// person is somebody at the wizard.
type person struct {
	*session
	pages  *wizard.Wizard
	offers api.Offers
	wrong  int // passwords
	seen   []disk.Disk
}

// wizard shows the pages until the person has decided; first is for his first key, and
// key the one that called for it. A machine whose mandatory deployment came due
// meanwhile gets that.
func (s *session) wizard(ctx context.Context, o api.Offers, first time.Duration, key keys.Key) (chosen *api.Offer, seen []disk.Disk, byPerson bool) {
	p := &person{session: s, pages: wizard.New(s.about(o), o), offers: o}
	s.networkPage(ctx, p.pages, isNetwork(key))
	s.console.Forget()
	defer s.console.Again()
	for wait := first; ; wait = idle {
		s.refresh(ctx, p.pages)
		s.console.Page(p.pages.Lines())
		k, ok := s.key(ctx, wait)
		if !ok {
			s.console.Line("nobody pressed a key for %s", wait)
			return nil, nil, false
		}
		effect := p.pages.Press(k)
		if effect == wizard.Begin {
			return p.begin(), p.seen, true
		}
		if due, goOn := p.act(ctx, effect); !goOn {
			return due, nil, false
		}
	}
}

// act does what a key asks for, and is false when the pages are over: due is the
// mandatory deployment whose time has come, if there is one.
func (p *person) act(ctx context.Context, effect wizard.Effect) (due *api.Offer, goOn bool) {
	switch effect {
	case wizard.GiveUp:
		return nil, false
	case wizard.Unlock:
		return p.unlocked(ctx)
	case wizard.ListDisks:
		var err error
		p.seen, err = candidates()
		p.pages.Disks(described(p.seen), err)
	case wizard.TryNetwork:
		p.console.Page(p.pages.Lines()) // says that it takes a while
		p.pages.Tested(p.tryNetwork(ctx, p.pages.Wanted()))
		p.console.Forget()
	}
	return nil, true
}

// unlocked goes on behind a password.
func (p *person) unlocked(ctx context.Context) (due *api.Offer, goOn bool) {
	offers, ok := p.unlock(ctx, p.pages, &p.wrong)
	if m := mandatory(offers); m != nil { // its time came meanwhile
		return m, false
	}
	if ok && p.pages.Page() != wizard.Password {
		if len(offers.Offers) == 0 {
			p.none(offers)
			return nil, false
		}
		p.offers = offers
	}
	return nil, ok
}

// begin takes what was decided.
func (p *person) begin() *api.Offer {
	a := p.pages.Answers()
	p.typed = typed{name: a.Name, replaces: a.Replaces, asked: a.Offer.AskName || p.offers.AskReplaces}
	p.answers = a.Values
	return &a.Offer
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
