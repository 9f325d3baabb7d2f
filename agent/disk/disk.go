// Package disk knows the disks of the machine that is being deployed, chooses
// the one a task sequence means, and is the only way by which the agent writes
// partition tables and file systems.
//
// Disk numbers count internal fixed disks only, from 0, in the order of where
// they are attached: the path of the device in sysfs, compared piece by piece
// with numbers as numbers, so PCI slot before PCI slot, port before port,
// namespace before namespace. The order does not depend on which driver was
// ready first, and so not on names like sda.
//
// Never counted and never written: anything on USB, FireWire or behind a port
// that the firmware calls external, SD cards, optical and floppy drives, disks
// over a network, drives without a medium, read-only disks, and the medium that
// the machine booted from. Nothing is written without a Permit.
package disk

import (
	"fmt"
	"strings"

	"github.com/bootward/bootward/diskfs"
)

// Disk is one disk of this machine.
type Disk struct {
	Name       string // vda; the device is /dev/vda
	Path       string // where it is attached, in sysfs, from devices/
	Number     int    // among internal fixed disks, from 0; -1 for all others
	Size       int64  // bytes
	SectorSize int    // logical, bytes
	Vendor     string
	Model      string
	Serial     string
	Bus        Bus
	Removable  bool // the medium or the whole disk can be taken away
	ReadOnly   bool
	BootMedium bool // the machine booted from it
}

// Bus says how a disk is attached.
type Bus string

// The ways of attachment that are told apart.
const (
	ATA     Bus = "ata"
	NVMe    Bus = "nvme"
	SCSI    Bus = "scsi"
	VirtIO  Bus = "virtio"
	MMC     Bus = "mmc"
	USB     Bus = "usb"
	Network Bus = "network" // iSCSI, Fibre Channel, NVMe over fabrics
	HyperV  Bus = "hyperv"
	Xen     Bus = "xen"
	Other   Bus = "other"
)

// Device is the path of the disk's node.
func (d Disk) Device() string { return "/dev/" + d.Name }

// Geometry is what diskfs.Plan wants.
func (d Disk) Geometry() diskfs.Geometry {
	return diskfs.Geometry{Size: d.Size, SectorSize: d.SectorSize}
}

// Excluded says why the disk is no candidate for an operating system, or is
// empty if it is one.
func (d Disk) Excluded() string {
	switch {
	case d.BootMedium:
		return "the machine booted from it"
	case d.Bus == USB:
		return "attached by USB"
	case d.Bus == Network:
		return "attached over a network"
	case d.Removable:
		return "removable"
	case d.Size == 0:
		return "no medium"
	case d.ReadOnly:
		return "read-only"
	}
	return ""
}

// String describes the disk to a person, in one line.
func (d Disk) String() string {
	var b strings.Builder
	if d.Number >= 0 {
		fmt.Fprintf(&b, "disk %d: ", d.Number)
	}
	fmt.Fprintf(&b, "%s, %s, %s", d.Name, diskfs.Bytes(d.Size), d.Bus)
	if model := strings.TrimSpace(d.Vendor + " " + d.Model); model != "" {
		b.WriteString(", " + model)
	}
	if d.Serial != "" {
		b.WriteString(", serial " + d.Serial)
	}
	if why := d.Excluded(); why != "" {
		b.WriteString(" (not a candidate: " + why + ")")
	}
	return b.String()
}
