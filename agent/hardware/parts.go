package hardware

import (
	"io/fs"
	"strings"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/smbios"
	"github.com/bootward/bootward/osd/inventory"
)

func modules(memory []smbios.Memory) []inventory.Module {
	var out []inventory.Module
	for _, m := range memory[:min(len(memory), inventory.MaxParts)] {
		out = append(out, inventory.Module{Bytes: m.Bytes, MTs: m.MTs, Locator: m.Locator, Bank: m.Bank,
			Manufacturer: m.Manufacturer, SerialNumber: m.SerialNumber, PartNumber: m.PartNumber})
	}
	return out
}

// disks lists the disks of the machine. What it booted from is one like the others: the disk of
// a running system has a number.
func disks(root fs.FS) []inventory.Disk {
	sys, err := fs.Sub(root, "sys")
	if err != nil {
		return nil
	}
	all, err := disk.Scan(sys, nil)
	if err != nil {
		return nil
	}
	var out []inventory.Disk
	for _, d := range all[:min(len(all), inventory.MaxParts)] {
		i := inventory.Disk{Name: d.Name, Bytes: d.Size, Bus: string(d.Bus), Model: strings.TrimSpace(d.Vendor + " " + d.Model), Serial: d.Serial, Removable: d.Removable}
		if d.Number >= 0 {
			i.Number = &d.Number
		}
		out = append(out, i)
	}
	return out
}

// Limits of texts, in bytes, so that what a machine says of itself fits into one request (64 KiB)
// whatever its firmware holds. SMBIOS before 2.7 had no longer ones than those of parts.
const (
	longestText     = 256
	longestPartText = 64
)

func shorten(m *inventory.Machine) {
	parts := inventory.Machine{Memory: m.Memory, Disks: m.Disks, Adapters: m.Adapters} // the same elements
	for most, texts := range map[int][]*string{longestText: m.Texts(), longestPartText: parts.Texts()} {
		for _, s := range texts {
			*s = strings.ToValidUTF8((*s)[:min(len(*s), most)], "")
		}
	}
}
