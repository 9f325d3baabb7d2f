package site

import (
	"slices"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
)

// Kinds of objects that reach farther than the folder that they lie in.

// authorizeBox bounds whom a box serves: it gets the policy of its machines, with
// the secrets of their sequences. A new one gets what is advertised to queries
// besides, so it wants a right on every box.
func (p *plan) authorizeBox(old world, s *step, b *osd.Box) {
	was, _ := s.was.(*osd.Box)
	if was != nil && slices.Equal(was.Boundaries, b.Boundaries) || old.viewer.Can(osd.Change, osd.Subject{Kind: osd.KindBox}) {
		return
	}
	if was == nil {
		p.deny(s, "name", osd.Change, "every Box", "a new box gets policy and secrets of machines that others deploy")
		return
	}
	if len(b.Boundaries) == 0 && !old.everyComputer(osd.Deploy) {
		p.deny(s, "boundaries", osd.Deploy, "every Computer", "without boundaries it would serve every computer")
	}
	for _, n := range b.Boundaries {
		if c := p.world.collection(n); c != nil && !slices.Contains(was.Boundaries, n) && p.world.can(osd.See, c) && !p.world.can(osd.Deploy, c) {
			p.deny(s, "boundaries", osd.Deploy, title(c), "it would serve a collection to which you may not deploy")
		}
	}
}

// authorizeBoxes wants deploy on each box that gets content, or loses it, as
// mayDistribute does.
func (p *plan) authorizeBoxes(s *step) {
	now, before := distributionOf(s.Object), osd.Distribution{}
	if now == nil {
		return
	}
	if s.was != nil {
		before = *distributionOf(s.was)
	}
	for _, b := range all[*osd.Box](p.world, osd.KindBox) {
		if now.AssignedTo(b.Name) != before.AssignedTo(b.Name) && !p.world.can(osd.Deploy, b) {
			p.deny(s, "boxes", osd.Deploy, p.world.named(b), "you may not deploy to it")
		}
	}
}

// authorizeSecrets wants deploy on each secret that a sequence comes to use, also by way of one
// that it runs, whose variables it may set: whoever runs it can have the value.
func (p *plan) authorizeSecrets(old world, s *step, q *sequence.Sequence) {
	var before []string
	if was, ok := s.was.(*sequence.Sequence); ok {
		before = old.secretsOf(was)
	}
	for _, n := range p.world.secretsOf(q) {
		if c := p.world.look(osd.KindSecret, n); c != nil && !slices.Contains(before, n) && !p.world.can(osd.Deploy, c) {
			p.deny(s, "secrets", osd.Deploy, title(c), "a sequence that uses it can show its value")
		}
	}
}

// checkFormer refuses a history that is not the computer's: boxes take jobs, PXE marks
// and claims of those IDs for its own. A merge names the ID of a record that goes.
func (p *plan) checkFormer() {
	for _, s := range p.steps {
		c, ok := s.Object.(*osd.Computer)
		if !ok {
			continue
		}
		var before []string
		if was, ok := s.was.(*osd.Computer); ok {
			before = was.Former
		}
		for _, id := range c.Former {
			if slices.Contains(before, id) {
				continue
			}
			if osd.Local(id) || slices.ContainsFunc(all[*osd.Computer](p.world, osd.KindComputer), func(o *osd.Computer) bool {
				return o.ID == id || o != c && slices.Contains(o.Former, id)
			}) {
				p.errs = append(p.errs, p.formerFault(s, id))
			}
		}
	}
}

func (p *plan) formerFault(s *step, id string) *document.Error {
	return s.fault("former", "leave it out: bootward computer merge writes it", "%s is none of its earlier records", id)
}
