package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
)

// Contradiction says why a machine that has a label of a computer is another
// one, "" if it may be the same. known is what was recorded of the computer;
// the settings say what identifies nobody.
//
// GUID and serial number are burnt in, network cards come and go; but makers give
// one GUID to two machines, and a dongle goes from machine to machine. So one
// label that fits is believed unless what else is known of that very hardware
// stands against it.
func Contradiction(c *osd.Computer, known inventory.Record, m Machine, settings *osd.SiteSettings) string {
	own, guid := settings.GUID(c.SMBIOSGUID), settings.GUID(m.SMBIOSGUID)
	if own != "" && guid != "" && own != guid {
		return fmt.Sprintf("a MAC fits computer %s, but its SMBIOS GUID is %s and the machine says %s", c.Name, own, guid)
	}
	serial := m.serial()
	if known.SerialNumber == "" || serial == "" || strings.EqualFold(known.SerialNumber, serial) {
		return ""
	}
	recorded := settings.GUID(known.UUID)
	switch {
	case own != "" && own == guid:
		// A record of another GUID is that of hardware that was replaced since.
		if recorded != "" && recorded != own || shareMAC(append(known.MACs(), c.MACs...), m.MACs, settings.Shared) {
			return ""
		}
		return fmt.Sprintf("its SMBIOS GUID is that of computer %[1]s, but no MAC is, and its serial number is %[2]s, not %[3]s: two machines with one GUID; "+
			"list it among the sharedGUIDs of the site, or, if %[1]s has a new motherboard: bootward computer replace %[1]s", c.Name, serial, known.SerialNumber)
	case own == "" && (recorded == "" || recorded != guid) && shareMAC(known.MACs(), m.MACs, settings.Shared):
		return fmt.Sprintf("a MAC fits computer %[1]s, but its serial number is %[2]s, not %[3]s, and no GUID says that it is the same: a network card that moved, or a new motherboard; "+
			"at the site: bootward computer replace %[1]s, or list the address among the sharedMACs of the site", c.Name, serial, known.SerialNumber)
	}
	return ""
}

// Fitting lists the computers that have one of the machine's labels: more than
// one, or one that it contradicts, where Identify reports a conflict.
func (e *Evaluator) Fitting(m Machine) []*osd.Computer {
	var all []*osd.Computer
	for _, i := range e.matching(m.MACs, m.SMBIOSGUID) {
		all = append(all, &e.computers[i])
	}
	return all
}

// serial is the serial number that the machine says.
func (m Machine) serial() string {
	if m.Facts != nil {
		return cmp.Or(m.SerialNumber, m.Facts.SerialNumber)
	}
	return m.SerialNumber
}

// shareMAC says whether two lists hold one address that is no dock's or dongle's.
func shareMAC(a, b []string, shared func(string) bool) bool {
	return slices.ContainsFunc(a, func(x string) bool {
		n, err := osd.NormalizeMAC(x)
		return err == nil && !shared(n) && slices.ContainsFunc(b, func(y string) bool { o, err := osd.NormalizeMAC(y); return err == nil && o == n })
	})
}

// Successor is the computer of the snapshot that a local computer became, or nil
// while the site does not know it, or cannot tell which of two it is.
func (e *Evaluator) Successor(local osd.Computer) *osd.Computer {
	c, _ := e.Identify(Machine{MACs: local.MACs, SMBIOSGUID: local.SMBIOSGUID, SerialNumber: e.inventory[local.ID].SerialNumber})
	if c == nil || osd.Local(c.ID) {
		return nil
	}
	return c
}
