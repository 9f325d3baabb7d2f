package disk

import (
	"fmt"
	"strings"

	"github.com/bootward/bootward/diskfs"
)

// Wanted says which disk a step means. Every field that is set must hold; the
// zero value fits every candidate.
type Wanted struct {
	Number  *int   // as counted by Scan
	MinSize int64  // bytes
	MaxSize int64  // bytes
	Bus     Bus    //
	Model   string // part of vendor and model, any case
	Serial  string // whole, any case
}

// String names what is wanted, for messages.
func (w Wanted) String() string {
	var parts []string
	add := func(set bool, format string, args ...any) {
		if set {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	if w.Number != nil {
		add(true, "number %d", *w.Number)
	}
	add(w.MinSize > 0, "at least %s", diskfs.Bytes(w.MinSize))
	add(w.MaxSize > 0, "at most %s", diskfs.Bytes(w.MaxSize))
	add(w.Bus != "", "bus %s", w.Bus)
	add(w.Model != "", "model like %q", w.Model)
	add(w.Serial != "", "serial %q", w.Serial)
	if len(parts) == 0 {
		return "any internal fixed disk"
	}
	return "internal fixed disk with " + strings.Join(parts, ", ")
}

func (w Wanted) fits(d Disk) bool {
	has := func(text, part string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(part)) }
	switch {
	case w.Number != nil && d.Number != *w.Number:
	case w.MinSize > 0 && d.Size < w.MinSize:
	case w.MaxSize > 0 && d.Size > w.MaxSize:
	case w.Bus != "" && d.Bus != w.Bus:
	case w.Model != "" && !has(d.Vendor+" "+d.Model, w.Model):
	case w.Serial != "" && !strings.EqualFold(d.Serial, w.Serial):
	default:
		return true
	}
	return false
}

// Select returns the one candidate that fits. None or several is an error that
// lists every disk there is, and why some are no candidates.
func Select(disks []Disk, w Wanted) (Disk, error) {
	var found []Disk
	for _, d := range disks {
		if d.Excluded() == "" && w.fits(d) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Disk{}, fmt.Errorf("select disk: no %s; this machine has %s", w, list(disks))
	}
	return Disk{}, fmt.Errorf("select disk: %d disks fit %s, name one by number, size, bus, model or serial; this machine has %s", len(found), w, list(disks))
}

func list(disks []Disk) string {
	if len(disks) == 0 {
		return "no disks; check the cabling, the firmware's storage mode, and that the boot image has the driver"
	}
	lines := make([]string, len(disks))
	for i, d := range disks {
		lines[i] = d.String()
	}
	return strings.Join(lines, "; ")
}
