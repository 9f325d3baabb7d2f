package site

import (
	"slices"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// authorize holds the plan against the rights of who looks at the old world. Each
// object counts as it was and as it will be, so that nobody moves an object to
// where he may do more. When it finds anything, nothing else of the plan is told.
func (p *plan) authorize(old world) {
	if old.administrator() || len(p.errs) > 0 {
		return
	}
	for _, s := range p.steps {
		if !p.authorizeStep(old, s) {
			continue
		}
		switch o := s.Object.(type) {
		case *osd.Advertisement:
			p.authorizeAdvertisement(s, o)
		case *osd.Association:
			p.authorizeAssociation(s, o)
		case *osd.Collection:
			p.authorizeCollection(old, s, o)
		case *sequence.Sequence:
			p.authorizeSequence(s, o)
			p.authorizeSecrets(old, s, o)
		case *osd.Box:
			p.authorizeBox(old, s, o)
		case *osd.Computer:
			p.authorizeTPM(s, o)
		}
		p.authorizeBoxes(s)
		p.authorizeReferences(old, s)
	}
	p.authorizeMembers(old)
}

// deny notes that a right is missing.
func (p *plan) deny(s *step, field string, do osd.Permission, object, what string) {
	if !p.forbidden {
		p.errs, p.forbidden = nil, true
	}
	p.errs = append(p.errs, s.fault(field, remedyForRight(do, object), "%s", what))
}

// authorizeStep says whether the object itself may be changed and is.
func (p *plan) authorizeStep(old world, s *step) bool {
	hidden := s.was != nil && !old.can(osd.See, s.was)
	switch {
	case s.action == actionUnchanged && !hidden:
		return false
	case s.ObjectKind() == osd.KindPerson:
		p.deny(s, "name", osd.Change, title(s.Object), "persons are changed by administrators alone")
	case !p.world.can(osd.Change, s.Object):
		// The same whether there is such an object or not.
		p.deny(s, "name", osd.Change, title(s.Object), "you may not change it as it would be then")
	case hidden:
		p.deny(s, "name", osd.See, title(s.Object), "the name belongs to an object that you may not see; choose another")
	case s.was != nil && !old.can(osd.Change, s.was):
		p.deny(s, "name", osd.Change, title(s.was), "you may not change it")
	case s.was != nil && p.world.can(osd.Deploy, s.Object) && !old.can(osd.Deploy, s.was):
		p.deny(s, "name", osd.Deploy, title(s.was), "the change would let you deploy it, and you may not")
	default:
		return true
	}
	return false
}

// authorizeTPM wants deploy on the boxes that serve a computer whose TPM changes: it
// says whom they trust without a person, as an approval there does.
func (p *plan) authorizeTPM(s *step, c *osd.Computer) {
	if was, ok := s.was.(*osd.Computer); ok && was.TPM == c.TPM || c.TPM == "" && s.was == nil {
		return
	}
	served := false
	for _, b := range all[*osd.Box](p.world, osd.KindBox) {
		if !p.world.serves(b, c) {
			continue
		}
		served = true
		if !p.world.can(osd.Deploy, b) {
			p.deny(s, "tpm", osd.Deploy, title(b), "a TPM stands for an approval at the box that serves the computer")
		}
	}
	if !served && !p.world.can(osd.Deploy, c) {
		p.deny(s, "tpm", osd.Deploy, title(c), "a TPM stands for an approval")
	}
}

// authorizeAdvertisement wants deploy on the collection, also on the one that it
// was for.
func (p *plan) authorizeAdvertisement(s *step, a *osd.Advertisement) {
	names := []string{a.Collection}
	if was, ok := s.was.(*osd.Advertisement); ok && was.Collection != a.Collection {
		names = append(names, was.Collection)
	}
	for _, n := range names {
		if c := p.world.collection(n); c != nil && p.world.can(osd.See, c) && !p.world.can(osd.Deploy, c) {
			p.deny(s, "collection", osd.Deploy, title(c), "you may not deploy to it")
		}
	}
}

// authorizeAssociation wants change on both computers: the data of one go to the
// other.
func (p *plan) authorizeAssociation(s *step, a *osd.Association) {
	for _, name := range []string{a.Source, a.To()} {
		if c := p.world.look(osd.KindComputer, name); c != nil && !p.world.can(osd.Change, c) {
			p.deny(s, "source", osd.Change, title(c), "you may not change it")
		}
	}
}

// authorizeCollection wants deploy where mandatory advertisements would follow
// the change, and bounds for rules that may take in the computers of others.
func (p *plan) authorizeCollection(old world, s *step, c *osd.Collection) {
	was, _ := s.was.(*osd.Collection)
	if was == nil {
		was = &osd.Collection{}
	} else if !old.can(osd.Deploy, was) && (old.mandatory(was.Name) || p.world.mandatory(c.Name)) {
		p.deny(s, "name", osd.Deploy, title(c), "mandatory advertisements use it, so a change deploys")
	}
	same := slices.Equal(c.Queries, was.Queries) && slices.Equal(c.Include, was.Include) && slices.Equal(c.Exclude, was.Exclude) && c.LimitTo == was.LimitTo
	for _, do := range []osd.Permission{osd.Change, osd.Deploy} {
		if same || do == osd.Deploy && !p.world.can(do, c) || old.everyComputer(do) || old.limits(c, do) {
			continue
		}
		p.deny(s, "limitTo", do, `Collection "`+c.LimitTo+`"`, "rules that may take in any computer need a limiting collection on which you have the same rights")
	}
}

// limits says whether the limiting collection of c is one on which the viewer has
// the permission.
func (w world) limits(c *osd.Collection, do osd.Permission) bool {
	l := w.collection(c.LimitTo)
	return l != nil && l.Name != c.Name && w.can(do, l)
}

// mandatory says whether a mandatory advertisement is for a collection, or for
// one that leans on it.
func (w world) mandatory(collection string) bool {
	leaning := map[string]bool{collection: true}
	for grown := true; grown; {
		grown = false
		for _, c := range all[*osd.Collection](w, osd.KindCollection) {
			if !leaning[c.Name] && slices.ContainsFunc(slices.Concat(c.Include, c.Exclude, []string{c.LimitTo}), func(n string) bool { return leaning[n] }) {
				leaning[c.Name], grown = true, true
			}
		}
	}
	return slices.ContainsFunc(all[*osd.Advertisement](w, osd.KindAdvertisement), func(a *osd.Advertisement) bool { return a.IsMandatory() && leaning[a.Collection] })
}

// authorizeSequence wants deploy on the collections that run the sequence
// unasked, also by way of another one: what it says is done there.
func (p *plan) authorizeSequence(s *step, q *sequence.Sequence) {
	for _, a := range all[*osd.Advertisement](p.world, osd.KindAdvertisement) {
		c := p.world.collection(a.Collection)
		if a.IsMandatory() && c != nil && p.world.runsIn(a.Sequence, q) && !p.world.can(osd.Deploy, c) {
			p.deny(s, "name", osd.Deploy, p.world.named(c), "a mandatory advertisement runs it there, so a change deploys")
		}
	}
}

// firstOf is the first object of a kind that the plan changes.
func (p *plan) firstOf(k osd.Kind) osd.Object {
	for _, s := range p.steps {
		if s.ObjectKind() == k && s.action != actionUnchanged {
			return s.Object
		}
	}
	return p.steps[0].Object
}
