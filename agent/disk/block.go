package disk

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// block is one folder of /sys/block.
type block struct {
	sys  fs.FS
	name string
	dir  string // resolved
}

// notDisks are devices that are no disk of the machine: in memory, made of other
// devices, or for media that nobody installs a system on.
var notDisks = regexp.MustCompile(`^(loop|ram|zram|dm-|md|sr|fd|nbd|mtdblock|drbd|rbd|zd)|^mmcblk\d+(boot|rpmb|gp)\d*`)

func (b block) isDisk() bool { return !notDisks.MatchString(b.name) && b.read("hidden") != "1" }

// read returns a file's text without spaces at its ends, and "" if there is none.
func (b block) read(name string) string {
	raw, err := fs.ReadFile(b.sys, path.Join(b.dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.ToValidUTF8(strings.Trim(string(raw), "\x00"), "?"))
}

func (b block) number(name string) int64 {
	n, _ := strconv.ParseInt(b.read(name), 10, 64)
	return n
}

func (b block) disk(medium []string) Disk {
	at := b.attachment()
	bus := busOf(at)
	d := Disk{
		Name: b.name, Path: at, Bus: bus,
		Size:       b.number("size") * 512, // sysfs counts 512 bytes always
		SectorSize: int(b.number("queue/logical_block_size")),
		Vendor:     b.read("device/vendor"),
		Model:      b.first("device/model", "device/name"),
		Serial:     b.serial(),
		Removable:  b.read("removable") == "1" || b.detachable(at) || bus == MMC && b.read("device/type") != "MMC",
		ReadOnly:   b.read("ro") == "1",
		BootMedium: b.isOneOf(medium),
	}
	if d.SectorSize == 0 {
		d.SectorSize = 512
	}
	if strings.HasPrefix(d.Vendor, "0x") { // virtio and mmc give numbers
		d.Vendor = ""
	}
	return d
}

func (b block) first(names ...string) string {
	for _, name := range names {
		if text := b.read(name); text != "" {
			return text
		}
	}
	return ""
}

// serial is where each bus keeps it; SCSI disks in vital product data page 80h
// (SPC-4, 7.8.18), after four bytes of header.
func (b block) serial() string {
	if text := b.first("serial", "device/serial"); text != "" {
		return text
	}
	raw, err := fs.ReadFile(b.sys, path.Join(b.dir, "device/vpd_pg80"))
	if err != nil || len(raw) < 4 {
		return ""
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(raw[4:]), "?"))
}

// attachment is the path of the disk below devices/. An NVMe disk that the
// kernel could reach by several paths hangs under virtual/nvme-subsystem; its
// first controller says where it really is.
func (b block) attachment() string {
	if !strings.Contains(b.dir, "virtual/nvme-subsystem/") {
		return b.dir
	}
	subsystem := path.Dir(b.dir)
	entries, err := fs.ReadDir(b.sys, subsystem)
	if err != nil {
		return b.dir
	}
	var found []string
	for _, e := range entries {
		if controller.MatchString(e.Name()) {
			if dir, err := resolve(b.sys, path.Join(subsystem, e.Name())); err == nil {
				found = append(found, path.Join(dir, b.name))
			}
		}
	}
	if len(found) == 0 {
		return b.dir
	}
	return slices.MinFunc(found, comparePaths)
}

var controller = regexp.MustCompile(`^nvme\d+$`)

// busOf reads the bus out of the path of the device.
func busOf(at string) Bus {
	has := func(part string) bool { return strings.Contains(at, part) }
	switch {
	case has("/usb"):
		return USB
	case has("/session"), has("/rport-"), has("nvme-fabrics"):
		return Network
	case has("/nvme"):
		return NVMe
	case has("/mmc"):
		return MMC
	case has("/virtio"):
		return VirtIO
	case has("/ata"):
		return ATA
	case has("VMBUS"), has("/vmbus"):
		return HyperV
	case has("/vbd-"):
		return Xen
	case has("/host"):
		return SCSI
	}
	return Other
}

// detachable says whether the disk hangs on a port that users can reach: the
// kernel writes "removable" beside devices behind such ports (USB, Thunderbolt,
// external PCI), and FireWire always is one.
func (b block) detachable(at string) bool {
	if strings.Contains(at, "/fw") {
		return true
	}
	for dir := path.Dir(at); dir != "." && dir != "/" && dir != "devices"; dir = path.Dir(dir) {
		raw, err := fs.ReadFile(b.sys, path.Join(dir, "removable"))
		if err == nil && strings.TrimSpace(string(raw)) == "removable" {
			return true
		}
	}
	return false
}

// isOneOf says whether the disk or one of its partitions is on the list, by name
// or by device number.
func (b block) isOneOf(list []string) bool {
	if slices.Contains(list, b.name) || slices.Contains(list, b.read("dev")) {
		return true
	}
	entries, err := fs.ReadDir(b.sys, b.dir)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		if !strings.HasPrefix(e.Name(), b.name) {
			return false
		}
		return slices.Contains(list, e.Name()) || slices.Contains(list, b.read(e.Name()+"/dev"))
	})
}
