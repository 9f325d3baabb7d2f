package site

import (
	"slices"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
)

// What a plan takes into use of others: what objects name, and computers that come
// into collections.

// authorizeReferences takes references that were there before, and new ones to
// what the viewer may see. What he may not see is not there.
func (p *plan) authorizeReferences(old world, s *step) {
	var before []sequence.Reference
	bases := p.world.lists()
	if s.was != nil {
		before = old.allReferences(s.was, bases)
	}
	for _, r := range p.world.allReferences(s.Object, bases) {
		known := slices.ContainsFunc(before, func(b sequence.Reference) bool { return b.Kind == r.Kind && b.Name == r.Name })
		if known || p.forbidden || p.shows(old, r) {
			continue
		}
		p.errs = append(p.errs, s.missing(r))
	}
}

// missing is the error of a reference to nothing.
func (s *step) missing(r sequence.Reference) *document.Error {
	return s.fault(r.Field, remedyFor(r), "there is no %s %q", r.Kind, r.Name)
}

// shows says whether a reference leads to something that the viewer could see
// before, or that this plan makes.
func (p *plan) shows(old world, r sequence.Reference) bool {
	if !p.world.has(r) {
		return false
	}
	if s, ok := p.seen[objectKey{r.Kind, r.Name}]; ok {
		return s.was == nil || old.can(osd.See, s.was)
	}
	return old.look(r.Kind, r.Name) != nil
}

// authorizeMembers wants rights on every computer that comes into a collection by
// the plan: whoever has rights on the collection gets them on the computer.
func (p *plan) authorizeMembers(old world) {
	if p.forbidden || len(p.errs) > 0 {
		return
	}
	before := map[string]*osd.Computer{}
	for _, c := range all[*osd.Computer](old, osd.KindComputer) {
		before[c.ID] = c
	}
	for _, k := range all[*osd.Collection](p.world, osd.KindCollection) {
		needs := []osd.Permission{osd.Change}
		if p.world.can(osd.Deploy, k) {
			needs = append(needs, osd.Deploy)
		}
		for _, c := range p.world.members(k) {
			was, existed := before[c.ID]
			if !existed || slices.Contains(old.collectionsOf(was.Name), k.Name) {
				continue
			}
			for _, do := range needs {
				if !old.can(do, was) {
					p.deny(p.blame(k, c), "members", do, old.named(was), "collection \""+k.Name+"\" would take in a computer that you may not "+string(do))
				}
			}
		}
	}
}

// blame finds the step that made a computer a member.
func (p *plan) blame(k *osd.Collection, c *osd.Computer) *step {
	for _, o := range []osd.Object{k, c} {
		if s, ok := p.seen[objectKey{o.ObjectKind(), o.ObjectName()}]; ok && s.action != actionUnchanged {
			return s
		}
	}
	return p.steps[0]
}
