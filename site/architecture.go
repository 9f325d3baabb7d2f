package site

import (
	"cmp"
	"slices"

	"github.com/bootward/bootward/osd"
)

// checkArchitectures refuses to advertise to machines what the boot image of the task
// sequence cannot run on, as far as the site knows them: a machine that was never
// deployed has no inventory, and its box refuses it in words.
func (p *plan) checkArchitectures() {
	for _, a := range all[*osd.Advertisement](p.world, osd.KindAdvertisement) {
		q := p.world.sequence(a.Sequence)
		if q == nil || !a.To(osd.ToBootMediaAndPXE) {
			continue
		}
		image, _ := p.world.find(osd.KindBootImage, q.BootImage).(*osd.BootImage)
		c := p.world.collection(a.Collection)
		if image == nil || c == nil {
			continue
		}
		s := p.changes(a, q, image, c)
		if s == nil {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(p.world.members(c)), func(c *osd.Computer) bool {
			return cmp.Or(p.world.inventory[c.ID].Architecture, image.Arch()) == image.Arch()
		})
		if len(others) == 0 {
			continue
		}
		has := p.world.inventory[others[0].ID].Architecture
		if a.IsMandatory() {
			p.errs = append(p.errs, s.fault("", "give them a collection and a task sequence of their own, with a boot image for "+has,
				"%s sends %d machines into %s, which is for %s: %s is %s", p.world.named(a), len(others), p.world.named(image), image.Arch(), p.world.named(others[0]), has))
			continue
		}
		s.note("%s offers nothing to %d machines: %s is for %s, and %s is %s", p.world.named(a), len(others), p.world.named(image), image.Arch(), p.world.named(others[0]), has)
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
