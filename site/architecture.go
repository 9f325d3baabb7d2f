package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
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
		what, remedy := p.world.misfitWords(b, others)
		if b.IsMandatory() {
			p.errs = append(p.errs, s.fault("", remedy, "%s", what))
			continue
		}
		s.note("%s", what)
	}
}

// misfitWords says what becomes of an advertisement at machines that cannot start its
// boot image, and what to do.
func (w world) misfitWords(b booting, others []*osd.Computer) (what, remedy string) {
	has := w.inventory[others[0].ID].Architecture
	advertisement, image, first := w.named(b.Advertisement), w.named(b.image), w.named(others[0])
	what = fmt.Sprintf("%s offers nothing to %d machines: %s is for %s, and %s is %s", advertisement, len(others), image, b.image.Arch(), first, has)
	if b.IsMandatory() {
		what = fmt.Sprintf("%s sends %d machines into %s, which is for %s: %s is %s", advertisement, len(others), image, b.image.Arch(), first, has)
	}
	return what, "give them a collection and a task sequence of their own, with a boot image for " + has
}

// misfitWarnings are those of the advertisements that have not ended, by name.
func (w world) misfitWarnings() map[string][]string {
	all := map[string][]string{}
	for _, b := range w.bootings() {
		if others := w.misfits(b); len(others) > 0 && !b.Ended(w.now) && w.can(osd.See, b.Advertisement) {
			what, remedy := w.misfitWords(b, others)
			all[b.Name] = append(all[b.Name], what+": "+remedy)
		}
	}
	return all
}

// putInventory keeps what a computer said of itself. What was advertised to it before
// that was known was checked against nothing: now it is, once.
func (s *Site) putInventory(x store.Tx, w world, b store.Box, c *osd.Computer, r inventory.Record) error {
	raw, err := json.Marshal(r)
	if err == nil {
		err = errors.Join(x.PutInventory(c.ID, raw), x.NoteChange())
	}
	other := func(b booting) bool { return b.image.Arch() != r.Architecture && !b.Ended(w.now) }
	if err != nil || r.Architecture == "" || r.Architecture == w.inventory[c.ID].Architecture || !slices.ContainsFunc(w.bootings(), other) {
		return err
	}
	after := w.asSite().clone()
	after.inventory = maps.Clone(w.inventory)
	after.inventory[c.ID] = r
	for _, a := range slices.DeleteFunc(after.bootings(), func(b booting) bool { return !other(b) }) {
		if !slices.ContainsFunc(after.misfits(a), func(o *osd.Computer) bool { return o.ID == c.ID }) {
			continue
		}
		what, remedy := after.misfitWords(a, []*osd.Computer{c})
		s.log.Warn("an advertisement does not fit a machine", "advertisement", a.Name, "computer", c.Name, "why", what)
		text := what + ": " + remedy
		cut(maxText, &text)
		if err := errors.Join(s.audit(x, "box "+nameOf(x, osd.KindBox, b.ID), auditMisfit, title(c), text), s.alarm(x, b.ID, c, s.now(), text)); err != nil {
			return err
		}
	}
	return nil
}

// alarm adds one to the flight recorder of a computer; without an address it has none.
func (s *Site) alarm(x store.Tx, box string, c *osd.Computer, at time.Time, text string) error {
	macs, _ := labels(c)
	if len(macs) == 0 {
		return nil
	}
	return x.AddFlight(box, status.FlightEvent{Time: at.UTC().Truncate(time.Millisecond), Client: macs[0], What: "alarm", Text: "ALARM: " + text})
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
