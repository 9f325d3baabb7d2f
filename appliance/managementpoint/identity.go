package managementpoint

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/policy"
)

// Limits of an identity: firmware tables are short, and a machine has few
// network cards.
const (
	maxMACs  = 32 // and adapters of an inventory
	maxLabel = 256
)

// checkIdentity brings labels into the form that is compared and kept.
func checkIdentity(id api.Identity) (api.Identity, *api.Error) {
	if len(id.MACs) == 0 || len(id.MACs) > maxMACs {
		return id, api.Errorf(api.CodeInvalid, "identity.macs", "%d addresses, want 1 to %d", len(id.MACs), maxMACs)
	}
	macs := make([]string, len(id.MACs))
	for i, m := range id.MACs {
		n, err := osd.NormalizeMAC(m)
		if err != nil {
			return id, api.Errorf(api.CodeInvalid, "identity.macs", "%v", err)
		}
		macs[i] = n
	}
	id.MACs = macs
	if id.SMBIOSGUID != "" {
		g, err := osd.NormalizeGUID(id.SMBIOSGUID)
		if err != nil && !errors.Is(err, osd.ErrNoGUID) {
			return id, api.Errorf(api.CodeInvalid, "identity.smbiosGUID", "%v", err)
		}
		id.SMBIOSGUID = g
	}
	for _, s := range []*string{&id.SerialNumber, &id.Manufacturer, &id.Model, &id.AssetTag} {
		if len(*s) > maxLabel {
			return id, api.Errorf(api.CodeInvalid, "identity", "a label of %d bytes, at most %d are taken", len(*s), maxLabel)
		}
		*s = strings.TrimSpace(printable(*s))
	}
	return id, checkInventory(id.Inventory)
}

// checkInventory bounds what a machine says of itself, and makes it printable.
func checkInventory(m *inventory.Machine) *api.Error {
	if m == nil {
		return nil
	}
	if n := max(len(m.Adapters), len(m.Memory), len(m.Disks)); len(m.Adapters) > maxMACs || n > inventory.MaxParts {
		return api.Errorf(api.CodeInvalid, "identity.inventory", "%d adapters, %d memory modules, %d disks: at most %d, %d and %d are taken",
			len(m.Adapters), len(m.Memory), len(m.Disks), maxMACs, inventory.MaxParts, inventory.MaxParts)
	}
	for _, s := range m.Texts() {
		*s = strings.TrimSpace(printable((*s)[:min(len(*s), maxLabel)]))
	}
	return nil
}

// printable replaces what a terminal might obey: texts of machines end up on
// consoles and in reports.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// machine is an identity as policy looks at it.
func machine(id api.Identity) policy.Machine {
	m := policy.Machine{MACs: id.MACs, SMBIOSGUID: id.SMBIOSGUID, SerialNumber: id.SerialNumber}
	if id.Inventory != nil {
		m.Facts = &inventory.Record{Machine: *id.Inventory}
	}
	return m
}

// machineKey names a machine in the box's memory: by its computer if it is
// known, else by its GUID, else by its lowest MAC. Addresses of docks and dongles
// name nobody; with nothing else the key is empty.
func machineKey(c *osd.Computer, m policy.Machine, s *osd.SiteSettings) string {
	if c != nil {
		return "computer:" + c.ID
	}
	if g := s.GUID(m.SMBIOSGUID); g != "" {
		return "guid:" + g
	}
	var macs []string
	for _, a := range m.MACs {
		if n, err := osd.NormalizeMAC(a); err == nil && !s.Shared(n) {
			macs = append(macs, n)
		}
	}
	slices.Sort(macs)
	if len(macs) == 0 {
		return ""
	}
	return "mac:" + macs[0]
}

// differs says in words why two identities cannot be the same hardware, ""
// if they may be. Network cards come and go with docks; GUID and serial number
// are burnt in.
func differs(pinned, now api.Identity) string {
	switch {
	case pinned.SMBIOSGUID != "" && now.SMBIOSGUID != "" && pinned.SMBIOSGUID != now.SMBIOSGUID:
		return "its SMBIOS GUID is " + now.SMBIOSGUID + ", the job's is " + pinned.SMBIOSGUID
	case pinned.SerialNumber != "" && now.SerialNumber != "" && pinned.SerialNumber != now.SerialNumber:
		return "its serial number is " + now.SerialNumber + ", the job's is " + pinned.SerialNumber
	}
	return ""
}

// hostName is what a job's machine is called: the computer's name, or one made
// of the first MAC that is its own, for a machine that the site does not know.
func hostName(c *osd.Computer, id api.Identity, s *osd.SiteSettings) string {
	if c != nil {
		return c.Name
	}
	own := id.MACs[0]
	if i := slices.IndexFunc(id.MACs, func(m string) bool { return !s.Shared(m) }); i >= 0 {
		own = id.MACs[i]
	}
	return "bw-" + strings.ReplaceAll(own, ":", "")
}
