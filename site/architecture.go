package site

import (
	"slices"

	"github.com/bootward/bootward/osd"
)

// misfits are the machines of an advertisement that cannot start its boot image, as far
// as the site knows them: one that was never deployed has no inventory, and its box
// refuses it in words.
func (w world) misfits(b booting) []*osd.Computer {
	return slices.DeleteFunc(slices.Clone(w.members(b.collection)), func(c *osd.Computer) bool {
		has := w.inventory[c.ID].Architecture
		return has == "" || has == b.image.Arch()
	})
}

// checkArchitectures refuses to advertise to machines what the boot image of the task
// sequence cannot run on.
func (p *plan) checkArchitectures() {
	for _, b := range p.world.bootings() {
		s := p.changes(b.Advertisement, b.sequence, b.image, b.collection)
		if s == nil {
			continue
		}
		others := p.world.misfits(b)
		if len(others) == 0 {
			continue
		}
		has := p.world.inventory[others[0].ID].Architecture
		if b.IsMandatory() {
			p.errs = append(p.errs, s.fault("", "give them a collection and a task sequence of their own, with a boot image for "+has,
				"%s sends %d machines into %s, which is for %s: %s is %s", p.world.named(b.Advertisement), len(others), p.world.named(b.image), b.image.Arch(), p.world.named(others[0]), has))
			continue
		}
		s.note("%s offers nothing to %d machines: %s is for %s, and %s is %s", p.world.named(b.Advertisement), len(others), p.world.named(b.image), b.image.Arch(), p.world.named(others[0]), has)
	}
}

// changes is the step of the first of the objects that is changed, nil if none is.
func (p *plan) changes(objects ...osd.Object) *step {
	for _, o := range objects {
		if s := p.seen[objectKey{o.ObjectKind(), o.ObjectName()}]; s != nil && s.action != actionUnchanged {
			return s
		}
	}
	return nil
}
