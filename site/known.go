package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
)

// The words of the audit log about machines that became known by their jobs.
const (
	auditKnown    = "known"
	auditConflict = "conflict"
)

// maxProvisional bounds the computers that one box made and that no job has
// confirmed: labels can be made up.
const maxProvisional = 1000

// checkKnown says what is wrong with a computer that a box made, and leaves only
// what a box may say of one.
func checkKnown(d *api.Discovered) error {
	k := d.Known
	if k == nil {
		return nil
	}
	if k.ID != d.Computer || !osd.Local(k.ID) || len(k.MACs) > maxAdapters {
		return fmt.Errorf("computer %q of a box: want an id that begins with %s and at most %d addresses", k.ID, osd.LocalPrefix, maxAdapters)
	}
	if err := osd.CheckComputerName(k.Name); err != nil {
		return err
	}
	if at := d.Inventory.Time; !at.IsZero() && checkTime(at) != nil {
		return checkTime(at)
	}
	k.Computer = osd.Computer{Meta: osd.Meta{ID: k.ID, Name: k.Name}, MACs: k.MACs, SMBIOSGUID: k.SMBIOSGUID, Provisional: k.Provisional}
	if err := k.Computer.Validate(); err != nil {
		return err
	}
	cut(osd.MaxComputerName, &k.Was)
	cut(63, &k.Replaces)
	return nil
}

// known is a machine that became known at a box, on its way into the site.
type known struct {
	site *Site
	x    store.Tx
	w    world
	box  *osd.Box
	from store.Box
	in   api.Discovered
	c    osd.Computer // with labels in normal form, without shared ones
}

// becameKnown merges a computer that a box made with the one that has its labels,
// or makes one. The same event may come again.
func (s *Site) becameKnown(x store.Tx, b store.Box, d api.Discovered) error {
	w, err := s.loadWorld(x)
	if err != nil {
		return err
	}
	box, ok := w.byID(osd.KindBox, b.ID).(*osd.Box)
	if !ok {
		return nil
	}
	k := &known{site: s, x: x, w: w, box: box, from: b, in: d, c: d.Known.Computer}
	settings := w.settings()
	macs, guid := labels(&k.c)
	k.c.MACs, k.c.SMBIOSGUID = slices.DeleteFunc(macs, settings.Shared), guid
	fitting := w.labelled(k.c.MACs, guid)
	switch {
	case len(k.c.MACs) == 0 && guid == "":
		return k.conflict("it shows nothing that is its own; it is not made a computer")
	case len(fitting) > 1:
		return k.conflict(fmt.Sprintf("its labels fit computer %q and computer %q; make one of them: bootward computer merge %s --into %s",
			fitting[1].Name, fitting[0].Name, fitting[1].Name, fitting[0].Name))
	case len(fitting) == 1:
		return k.merge(fitting[0])
	}
	return k.create()
}

// labelled lists the computers that have one of some labels in normal form, by
// name.
func (w world) labelled(macs []string, guid string) []*osd.Computer {
	settings := w.settings()
	return slices.DeleteFunc(all[*osd.Computer](w, osd.KindComputer), func(c *osd.Computer) bool {
		own, g := labels(c)
		return c.Obsolete || (guid == "" || g != guid) && !slices.ContainsFunc(own, func(m string) bool { return !settings.Shared(m) && slices.Contains(macs, m) })
	})
}

// create makes a computer. A name that is taken gets a suffix.
func (k *known) create() error {
	provisional := 0
	for _, c := range all[*osd.Computer](k.w, osd.KindComputer) {
		if c.Provisional && c.Box == k.box.Name {
			provisional++
		}
	}
	if provisional >= maxProvisional {
		return k.conflict(fmt.Sprintf("the box has made %d computers that no job has confirmed; delete those that are none, or import this one", provisional))
	}
	c := k.c
	c.ID, c.Box = "", k.box.Name
	c.Name = osd.FreeName(c.Name, func(n string) bool { return k.w.nameTaken(n, "") })
	text := "became known by its job: " + k.labels()
	if c.Name != k.c.Name {
		text += fmt.Sprintf("; its machine is called %s, but another computer has that name: rename one of them", k.c.Name)
		k.site.log.Warn("two computers want one name", "box", k.box.Name, "name", k.c.Name, "becomes", c.Name)
	}
	return k.keep(&c, text)
}

// nameTaken says whether a computer other than that of an ID is called so.
func (w world) nameTaken(name, except string) bool {
	for _, o := range w.kinds[osd.KindComputer] {
		if m := meta(o); m.ID != except && strings.EqualFold(m.Name, name) {
			return true
		}
	}
	return false
}

// merge gives the computer that has one of the labels the others, unless another
// box serves it, or it is other hardware.
func (k *known) merge(was *osd.Computer) error {
	if !k.w.serves(k.box, was) {
		return k.conflict(fmt.Sprintf("its labels are those of computer %q, which another box serves; if it moved: set the `box` of %s", was.Name, was.Name))
	}
	settings := k.w.settings()
	m := policy.Machine{MACs: k.c.MACs, SMBIOSGUID: k.c.SMBIOSGUID, SerialNumber: k.in.Inventory.SerialNumber}
	if why := policy.Contradiction(was, k.w.inventory[was.ID], m, settings.Shared); why != "" {
		return k.conflict(why)
	}
	c := *was
	have, guid := labels(was)
	c.MACs = slices.Clone(was.MACs)
	for _, a := range k.c.MACs {
		if !slices.Contains(have, a) {
			c.MACs = append(c.MACs, a)
		}
	}
	if guid == "" {
		c.SMBIOSGUID = k.c.SMBIOSGUID
	}
	c.Provisional = c.Provisional && k.c.Provisional
	text := "a machine that box " + k.box.Name + " did not know is this computer: " + k.labels()
	if was.Provisional && !c.Provisional {
		text = "its job has succeeded: it is provisional no longer"
	}
	if k.renames(was) {
		c.Name = k.c.Name
		text += "; a person at the machine has named it anew, it was " + was.Name
	}
	if equal(&c, was) {
		text = ""
	}
	return k.keep(&c, text)
}

// renames says whether a person at the machine gave a provisional computer, which
// still has the name that its box gave it, another one that is free.
func (k *known) renames(was *osd.Computer) bool {
	return was.Provisional && k.in.Known.Was == was.Name && k.c.Name != was.Name && !k.w.nameTaken(k.c.Name, was.ID) && len(k.w.referrers(was)) == 0
}

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
	record, err := json.Marshal(k.in.Inventory)
	if err != nil {
		return err
	}
	return errors.Join(k.x.PutInventory(c.ID, record), k.associate(c), k.x.NoteChange())
}

// associate makes the association that says whose place a machine takes.
func (k *known) associate(c *osd.Computer) error {
	name := k.in.Known.Replaces
	if name == "" {
		return nil
	}
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

// conflict says in the audit log and as an alarm why a machine did not become a
// computer of the site.
func (k *known) conflict(why string) error {
	text := fmt.Sprintf("machine %s at box %s (%s): %s", k.in.Known.Name, k.box.Name, k.labels(), why)
	k.site.log.Warn("a machine did not become a computer of the site", "box", k.box.Name, "machine", k.in.Known.Name, "why", why)
	err := k.audit(auditConflict, k.in.Computer, text)
	if len(k.c.MACs) > 0 {
		at := k.in.Inventory.Time
		if at.IsZero() || checkTime(at) != nil {
			at = k.site.now().UTC().Truncate(time.Millisecond)
		}
		e := status.FlightEvent{Time: at, Client: k.c.MACs[0], What: "alarm", Text: "ALARM: " + text}
		err = errors.Join(err, k.x.AddFlight(k.from.ID, e))
	}
	return err
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
