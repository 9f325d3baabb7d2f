package simulate

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/sequence"
)

// Machine is what is known of the machine.
type Machine struct {
	inventory.Record
	// Disks are those that the inventory names; nil when it names none.
	Disks []Disk
	Facts *Facts // nil: not known
}

// Disk is one disk of an inventory.
type Disk struct {
	Name   string `json:"name"`
	Number *int   `json:"number"` // among internal fixed disks; nil for all others
	Bytes  int64  `json:"bytes"`
	Bus    string `json:"bus"`
	Model  string `json:"model"`
}

// ParseInventory reads what `bootward-agent inventory --json` wrote, with or without the addresses
// and the time that the site adds.
func ParseInventory(b []byte) (Machine, error) {
	var m Machine
	var rest struct {
		Disks []Disk `json:"disks"`
	}
	if err := json.Unmarshal(b, &m.Record); err != nil {
		return m, fmt.Errorf("it is no inventory in JSON, as `bootward-agent inventory --json` writes it: %w", err)
	}
	if err := json.Unmarshal(b, &rest); err != nil {
		return m, fmt.Errorf("disks of the inventory: %w", err)
	}
	m.Disks = rest.Disks
	return m, nil
}

func (d Disk) String() string {
	text := d.Name
	if d.Number != nil {
		text = fmt.Sprintf("disk %d (%s)", *d.Number, d.Name)
	}
	for _, part := range []string{d.Bus, d.Model} {
		if part != "" {
			text += ", " + part
		}
	}
	if d.Bytes > 0 {
		text += fmt.Sprintf(", %.0f GB", float64(d.Bytes)/1e9)
	}
	return text
}

// choose finds the disk that a step takes, and says how sure that is.
func (m *Machine) choose(p *sequence.PartitionDisk, index string) (disk string, warning string, err error) {
	if m.Disks == nil {
		return wanted(p, index), "the inventory names no disks: whether there is such a disk is not known", nil
	}
	var fit []Disk
	for _, d := range m.Disks {
		if d.Number != nil && fits(d, p, index) {
			fit = append(fit, d)
		}
	}
	switch len(fit) {
	case 0:
		return "", "", fmt.Errorf("the machine has no such disk: %s", wanted(p, index))
	case 1:
		return fit[0].String(), "", nil
	}
	return "", "", fmt.Errorf("%d disks fit, and the step takes none of them: %s", len(fit), wanted(p, index))
}

func fits(d Disk, p *sequence.PartitionDisk, index string) bool {
	if p.Select == nil {
		return strconv.Itoa(*d.Number) == index
	}
	least, most := bytesOf(p.Select.MinSize), bytesOf(p.Select.MaxSize)
	return (p.Select.Bus == "" || p.Select.Bus == d.Bus) && strings.Contains(strings.ToLower(d.Model), strings.ToLower(p.Select.Model)) &&
		float64(d.Bytes) >= least && (most == 0 || float64(d.Bytes) <= most)
}

// wanted says which disk a step wants.
func wanted(p *sequence.PartitionDisk, index string) string {
	if p.Select == nil {
		return "disk " + index + " of the internal fixed disks"
	}
	text := "the disk with"
	for _, f := range sequence.Fields(p.Select) {
		text += fmt.Sprintf(" %s %s,", f.Path, f.Value)
	}
	return strings.TrimSuffix(text, ",")
}

// units of sizes; Validate has checked the notation.
var units = []struct {
	name string
	size float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}}

// bytesOf is the number of bytes of a size; 0 when none is given.
func bytesOf(text string) float64 {
	for _, u := range units {
		if number, ok := strings.CutSuffix(text, u.name); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			if err != nil {
				return 0
			}
			return n * u.size
		}
	}
	return 0
}
