package site

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site/store"
)

// The words of the audit log about machines that became known by their jobs.
const (
	auditKnown    = "known"
	auditConflict = "conflict"
	auditMisfit   = "misfit" // what was advertised to them before does not start on them
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
	k.MACs = slices.DeleteFunc(k.MACs, func(m string) bool { // what a card was set to says nothing
		n, err := osd.NormalizeMAC(m)
		return err == nil && !osd.OwnMAC(n)
	})
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
	w = w.asSite()
	k := &known{site: s, x: x, w: w, box: box, from: b, in: d, c: d.Known.Computer}
	settings := w.settings()
	macs, _ := labels(&k.c)
	guid := settings.GUID(k.c.SMBIOSGUID)
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
		own, _ := labels(c)
		return c.Obsolete || (guid == "" || settings.GUID(c.SMBIOSGUID) != guid) && !slices.ContainsFunc(own, func(m string) bool { return !settings.Shared(m) && slices.Contains(macs, m) })
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
	shown, err := k.takeTPM(&c)
	if err != nil {
		return err
	}
	c.Name = osd.FreeName(c.Name, func(n string) bool { return k.w.nameTaken(n, "") })
	text := "became known by its job: " + k.labels() + prefixed("; ", shown)
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
	if why := policy.Contradiction(was, k.w.inventory[was.ID], m, &settings); why != "" {
		return k.conflict(why)
	}
	c := *was
	if k.c.Provisional && !was.Provisional {
		k.addLabels(&c) // later, what a computer lacks was taken from it
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
	shown, err := k.takeTPM(&c)
	if err != nil {
		return err
	}
	text += prefixed("; ", shown)
	if equal(&c, was) {
		text = ""
	}
	return k.keep(&c, text)
}

// takeTPM gives a computer the TPM that a person approved with the machine, and says
// so in words. It does not if another computer has it, or if the computer's TPM is not
// the one that the person knew of: he would have been told something else.
func (k *known) takeTPM(c *osd.Computer) (text string, err error) {
	if k.in.TPM == "" || k.in.TPM == c.TPM {
		return "", nil
	}
	if k.in.TPMWas != c.TPM {
		return "", k.conflict(fmt.Sprintf("a TPM was approved with it (%s) before the box knew what the site knows of the computer's TPM; it was not taken. If it is right: bootward computer replace %s --tpm %s",
			k.in.TPM, c.Name, k.in.TPM))
	}
	for _, other := range all[*osd.Computer](k.w, osd.KindComputer) {
		if other.TPM == k.in.TPM && other.ID != c.ID && !other.Obsolete {
			return "", k.conflict(fmt.Sprintf("its TPM is that of computer %q: it does not prove this one. If both are one machine: bootward computer merge; if the board went from one to the other: bootward computer replace %s --tpm none",
				other.Name, other.Name))
		}
	}
	text = "its TPM was approved with it: " + k.in.TPM
	if c.TPM != "" {
		text += ", in place of " + c.TPM
	}
	c.TPM = k.in.TPM
	return text, nil
}

// learnTPM gives a computer that the site knows the TPM that a person approved with
// it.
func (k *known) learnTPM(was *osd.Computer) error {
	c := *was
	text, err := k.takeTPM(&c)
	if err != nil {
		return err
	}
	return k.keep(&c, text)
}

// addLabels gives a computer the labels of the machine that it lacks; no other
// computer has them.
func (k *known) addLabels(c *osd.Computer) {
	have, guid := labels(c)
	c.MACs = slices.Clone(c.MACs)
	for _, a := range k.c.MACs {
		if !slices.Contains(have, a) {
			c.MACs = append(c.MACs, a)
		}
	}
	if guid == "" {
		c.SMBIOSGUID = k.c.SMBIOSGUID
	}
}

// renames says whether a person at the machine gave a provisional computer, which
// still has the name that its box gave it, another one that is free.
func (k *known) renames(was *osd.Computer) bool {
	return was.Provisional && k.in.Known.Was == was.Name && k.c.Name != was.Name && !k.w.nameTaken(k.c.Name, was.ID) && len(k.w.referrers(was)) == 0
}
