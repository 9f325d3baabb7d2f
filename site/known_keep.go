package site

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bootward/bootward/osd"
)

// keep writes the computer, what it said of itself, and the association that a
// person at the machine asked for. Without a text the computer is as it was.
func (k *known) keep(c *osd.Computer, text string) error {
	if text != "" {
		p := makePlan(k.w, []written{{Object: c, file: "box " + k.box.Name}})
		if len(p.errs) > 0 {
			return k.conflict(p.errs.Error())
		}
		for _, step := range p.steps {
			if err := k.site.putStep(k.x, step); err != nil {
				return err
			}
		}
		if err := k.audit(auditKnown, title(c), text); err != nil {
			return err
		}
		k.w = p.world
	}
	if at := k.in.Inventory.Time; at.IsZero() || !at.After(k.w.inventory[c.ID].Time) {
		return errors.Join(k.associate(c), k.x.NoteChange())
	}
	return errors.Join(k.site.putInventory(k.x, k.w, k.from, c, k.in.Inventory), k.associate(c))
}

// associate makes the association that says whose place a machine takes.
func (k *known) associate(c *osd.Computer) error {
	if k.in.Known == nil || k.in.Known.Replaces == "" {
		return nil
	}
	name := k.in.Known.Replaces
	source, _ := k.w.find(osd.KindComputer, name).(*osd.Computer)
	for n, o := range k.w.kinds[osd.KindComputer] {
		if source == nil && strings.EqualFold(n, name) {
			source, _ = o.(*osd.Computer)
		}
	}
	for _, a := range all[*osd.Association](k.w, osd.KindAssociation) {
		if a.To() == c.Name {
			if source != nil && a.Source == source.Name {
				return nil // the event came again
			}
			return k.audit(auditConflict, title(c), fmt.Sprintf("a person at the machine said that it replaces %q, but %s says that it gets the state of %q", name, title(a), a.Source))
		}
	}
	if source != nil && !k.w.serves(k.box, source) { // the box itself lets nobody name one that it does not serve
		return k.audit(auditConflict, title(c), fmt.Sprintf("a person at the machine said that it replaces %q, which another box serves; no association was made", source.Name))
	}
	if source == nil || source.ID == c.ID {
		return k.audit(auditConflict, title(c), fmt.Sprintf("a person at the machine said that it replaces %q: there is no such other computer; no association was made", name))
	}
	a := &osd.Association{Meta: osd.Meta{Name: source.Name + " to " + c.Name}, Source: source.Name, Destination: c.Name}
	p := makePlan(k.w, []written{{Object: a, file: "box " + k.box.Name}})
	if len(p.errs) > 0 {
		return k.audit(auditConflict, title(c), p.errs.Error())
	}
	for _, step := range p.steps {
		if err := k.site.putStep(k.x, step); err != nil {
			return err
		}
	}
	return k.audit(auditKnown, title(a), "a person at the machine said that it replaces "+source.Name)
}

// conflict says in the audit log and as an alarm why what a box says of a machine was
// not taken.
func (k *known) conflict(why string) error {
	text := fmt.Sprintf("machine %s at box %s (%s): %s", k.c.Name, k.box.Name, k.labels(), why)
	k.site.log.Warn("what a box says of a machine contradicts what the site knows", "box", k.box.Name, "machine", k.c.Name, "why", why)
	err := k.audit(auditConflict, k.in.Computer, text)
	at := k.in.Inventory.Time
	if at.IsZero() || checkTime(at) != nil {
		at = k.site.now()
	}
	return errors.Join(err, k.site.alarm(k.x, k.from.ID, &k.c, at, text))
}

func (k *known) audit(what, object, text string) error {
	cut(maxText, &text)
	return k.site.audit(k.x, "box "+k.box.Name, what, object, text)
}

// labels are those of the machine, for people.
func (k *known) labels() string {
	var parts []string
	if k.in.Inventory.SerialNumber != "" {
		parts = append(parts, "serial "+k.in.Inventory.SerialNumber)
	}
	if k.c.SMBIOSGUID != "" {
		parts = append(parts, "GUID "+k.c.SMBIOSGUID)
	}
	if len(k.c.MACs) > 0 {
		parts = append(parts, "MAC "+strings.Join(k.c.MACs, " "))
	}
	return strings.Join(parts, ", ")
}

// prefixed is a text with something before it; nothing stays nothing.
func prefixed(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}
