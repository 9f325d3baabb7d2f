package sequence

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// PartitionDisk erases a disk and makes its volumes (Format and Partition
// Disk).
type PartitionDisk struct {
	Options
	// Disk is the number of the disk, from 0, among the internal fixed disks.
	// It is read only when Select is left out.
	Disk int `json:"disk"`
	// Select chooses the disk by what it is; more than one match fails.
	Select *Select `json:"select,omitempty"`
	// Style is gpt or mbr.
	Style   string   `json:"style"`
	Volumes []Volume `json:"volumes"`
}

// Select describes a disk. Fields that are left out fit every disk.
type Select struct {
	Bus     string `json:"bus,omitempty"`     // ata, nvme, scsi, virtio, mmc, hyperv or xen
	Model   string `json:"model,omitempty"`   // part of the model, any case
	MinSize string `json:"minSize,omitempty"` // such as 100GiB
	MaxSize string `json:"maxSize,omitempty"`
}

// Volume is one partition.
type Volume struct {
	Name string `json:"name,omitempty"`
	// Type is efi, biosBoot, primary, msr or recovery, and on mbr disks extended or logical.
	Type string `json:"type"`
	// Size is a number of bytes with its unit, such as 256MiB, or a share of
	// the rest, such as 100%.
	Size string `json:"size"`
	// FileSystem is fat32, ext4, xfs, swap or ntfs; empty leaves it unformatted.
	FileSystem  string `json:"fileSystem,omitempty"`
	QuickFormat bool   `json:"quickFormat,omitempty"`
	Bootable    bool   `json:"bootable,omitempty"`
	// Variable receives the volume, for later steps.
	Variable string `json:"variable,omitempty"`
	// MountPoint is where the installed system mounts it, such as /srv/records.
	MountPoint string `json:"mountPoint,omitempty"`
	// Encryption makes it a LUKS volume. One for an operating system needs a volume with the
	// mountPoint /boot beside it.
	Encryption *Encryption `json:"encryption,omitempty"`
}

// needsTools says whether the boot image cannot make the volume by itself.
func (v Volume) needsTools() bool {
	return v.FileSystem == "xfs" || v.FileSystem == "ntfs" || v.Encryption != nil && v.FileSystem != "swap"
}

// Encryption is how a volume is encrypted: by LUKS2, and swap by a random key that is new at
// each start.
type Encryption struct {
	// Passphrase opens it. It names the variable that holds it, such as %DiskPassphrase%. Swap
	// has none.
	Passphrase string `json:"passphrase,omitempty"`
}

// ConvertDiskToDynamic makes a disk dynamic (Convert Disk to Dynamic).
type ConvertDiskToDynamic struct {
	Options
	Disk int `json:"disk"`
}

// EnableBitLocker encrypts a volume of Windows (Enable BitLocker).
type EnableBitLocker struct {
	Options
	Volume string `json:"volume,omitempty"` // the one of the operating system when left out
	// Protector is tpm, tpmAndPIN, tpmAndStartupKey or startupKey.
	Protector string `json:"protector"`
	// Recovery says where the recovery key goes: activeDirectory or none.
	Recovery string `json:"recovery,omitempty"`
	// Wait waits until the whole volume is encrypted.
	Wait bool `json:"wait,omitempty"`
}

// DisableBitLocker suspends the encryption of a volume of Windows (Disable BitLocker).
type DisableBitLocker struct {
	Options
	Volume string `json:"volume,omitempty"` // the one of the operating system when left out
}

// PreprovisionBitLocker encrypts a volume of Windows before it is filled (Pre-provision
// BitLocker).
type PreprovisionBitLocker struct {
	Options
	Volume string `json:"volume"`
}

// Type implements Step.
func (*PartitionDisk) Type() Type         { return TypePartitionDisk }
func (*ConvertDiskToDynamic) Type() Type  { return TypeConvertDiskToDynamic }
func (*EnableBitLocker) Type() Type       { return TypeEnableBitLocker }
func (*DisableBitLocker) Type() Type      { return TypeDisableBitLocker }
func (*PreprovisionBitLocker) Type() Type { return TypePreprovisionBitLocker }

var (
	sizeForm  = regexp.MustCompile(`^[0-9]+(\.[0-9]+)? ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$`)
	pathForm  = regexp.MustCompile(`^(/[A-Za-z0-9_.-]+)+$`)
	shareForm = regexp.MustCompile(`^([1-9][0-9]?|100)%$`)
)

func (p *PartitionDisk) check(c *checker) {
	c.disk(p.Disk)
	if p.Select != nil {
		c.selector(p.Select, p.Disk)
	}
	switch p.Style {
	case "gpt":
		c.count(len(p.Volumes), 128, "give 1 to 128 volumes")
	case "mbr":
		logical := c.logical(p.Volumes)
		c.count(len(p.Volumes)-logical, 4, "give 1 to 4 volumes besides logical ones: with one of type extended, more follow it as type logical; style gpt takes 128")
	default:
		c.fail("style", p.Style, "give gpt or mbr")
	}
	at := map[string]bool{}
	for i, v := range p.Volumes {
		field := fmt.Sprintf("volumes[%d]", i)
		c.volume(field, p.Style, v)
		if v.MountPoint != "" && at[v.MountPoint] {
			c.fail(field+".mountPoint", v.MountPoint, "another volume is mounted there: give each a folder of its own")
		}
		at[v.MountPoint] = true
	}
}

func (c *checker) count(n, most int, remedy string) {
	if n == 0 || n > most {
		c.fail("volumes", fmt.Sprint(n), "%s", remedy)
	}
}

// maxLogical is diskfs's.
const maxLogical = 56

// logical counts the logical volumes of an mbr disk, and checks that they are in its extended one.
func (c *checker) logical(volumes []Volume) (n int) {
	extended := 0
	for i, v := range volumes {
		switch v.Type {
		case "extended":
			if extended++; extended == 2 {
				c.fail(fmt.Sprintf("volumes[%d].type", i), v.Type, "a disk has one extended volume: put all logical ones behind that")
			}
		case "logical":
			if n++; extended == 0 {
				c.fail(fmt.Sprintf("volumes[%d].type", i), v.Type, "put a volume of type extended before it, which it is a part of")
			}
		}
	}
	if extended == 1 && n == 0 || n > maxLogical {
		c.fail("volumes", fmt.Sprint(n), "give 1 to %d volumes of type logical behind the extended one", maxLogical)
	}
	return n
}

func (c *checker) disk(n int) {
	if n < 0 || n > 99 {
		c.fail("disk", fmt.Sprint(n), "give the number of the disk, from 0")
	}
}

// buses are those that the agent tells apart; ata is SATA too.
var buses = []string{"ata", "nvme", "scsi", "virtio", "mmc", "hyperv", "xen"}

func (c *checker) selector(s *Select, disk int) {
	if disk != 0 {
		c.fail("disk", fmt.Sprint(disk), "give disk or select, not both")
	}
	if *s == (Select{}) {
		c.fail("select", "", "give at least one of bus, model, minSize and maxSize")
	}
	if s.Bus != "" && !slices.Contains(buses, s.Bus) {
		c.fail("select.bus", s.Bus, "give one of %s; disks on other buses are never taken", strings.Join(buses, ", "))
	}
	c.size("select.minSize", s.MinSize)
	c.size("select.maxSize", s.MaxSize)
}

// size checks a number of bytes that may be left out.
func (c *checker) size(field, value string) {
	if value != "" && !sizeForm.MatchString(value) {
		c.fail(field, value, "give a number with its unit, such as 100GiB")
	}
}

func (c *checker) volume(field, style string, v Volume) {
	switch v.Type {
	case "efi", "primary", "recovery":
	case "biosBoot", "msr":
		if style == "mbr" {
			c.fail(field+".type", v.Type, "exists on gpt disks only")
		}
	case "extended", "logical":
		c.inside(field, style, v)
	default:
		c.fail(field+".type", v.Type, "give efi, biosBoot, primary, msr or recovery, and on mbr disks extended or logical")
	}
	if !sizeForm.MatchString(v.Size) && !shareForm.MatchString(v.Size) {
		c.fail(field+".size", v.Size, "give a number with its unit, such as 256MiB, or a share of the rest, such as 100%%")
	}
	switch {
	case !slices.Contains([]string{"", "fat32", "ext4", "xfs", "swap", "ntfs"}, v.FileSystem):
		c.fail(field+".fileSystem", v.FileSystem, "give fat32, ext4, xfs, swap or ntfs, or leave it out")
	case v.Type == "efi" && v.FileSystem != "fat32":
		c.fail(field+".fileSystem", v.FileSystem, "firmware reads only fat32 on an efi volume")
	case (v.Type == "biosBoot" || v.Type == "msr") && v.FileSystem != "":
		c.fail(field+".fileSystem", v.FileSystem, "a volume of type %s holds none; leave it out", v.Type)
	}
	if most := map[string]int{"fat32": 11, "ext4": 16, "xfs": 12, "swap": 16, "ntfs": 32}[v.FileSystem]; most > 0 && len(v.Name) > most || len(v.Name) > 36 {
		c.fail(field+".name", v.Name, "a label of this file system is shorter: fat32 11, xfs 12, ext4 16, ntfs 32 bytes; without one 36")
	}
	if v.Variable != "" {
		c.name(field+".variable", v.Variable)
	}
	if v.MountPoint != "" {
		c.mountPoint(field+".mountPoint", v)
	}
	if v.Encryption != nil {
		c.encryption(field+".encryption", v)
	}
}

// inside checks what is peculiar to an extended volume and those that are a part of it.
func (c *checker) inside(field, style string, v Volume) {
	if style == "gpt" {
		c.fail(field+".type", v.Type, "exists on mbr disks only: give primary")
	}
	if v.Bootable {
		c.fail(field+".bootable", "true", "firmware starts from primary volumes: leave it out")
	}
	if v.Type == "extended" && v.FileSystem != "" {
		c.fail(field+".fileSystem", v.FileSystem, "a volume of type extended holds logical ones: leave it out")
	}
	if v.Type == "extended" && v.Variable != "" {
		c.fail(field+".variable", v.Variable, "a volume of type extended holds logical ones: give these a variable")
	}
}

func (c *checker) encryption(field string, v Volume) {
	if v.Type != "primary" && v.Type != "logical" || v.FileSystem == "" || v.FileSystem == "ntfs" || v.FileSystem == "fat32" {
		c.fail(field, v.Type+" "+v.FileSystem, "encrypt primary or logical volumes with ext4, xfs or swap")
	}
	if v.FileSystem != "swap" {
		c.secretValue(field+".passphrase", v.Encryption.Passphrase)
	} else if v.Encryption.Passphrase != "" {
		c.fail(field+".passphrase", "********", "swap gets a new random key at each start: leave it out")
	}
}

// ofSystem are folders that the image of the operating system fills, or its kernel.
var ofSystem = []string{"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "root", "run", "sbin", "sys", "usr", "_SMSTaskSequence"}

// bootMount is where the volume of kernels and boot loader is mounted.
const bootMount = "/boot"

// Boot is the index of the volume that is mounted at /boot, -1 if there is none.
func (p *PartitionDisk) Boot() int {
	return slices.IndexFunc(p.Volumes, func(v Volume) bool { return v.MountPoint == bootMount })
}

// mountPoint checks where the installed system mounts a volume.
func (c *checker) mountPoint(field string, v Volume) {
	first, _, _ := strings.Cut(strings.TrimPrefix(v.MountPoint, "/"), "/")
	switch {
	case v.MountPoint == bootMount:
		if v.Type != "primary" || v.FileSystem != "ext4" || v.Encryption != nil {
			c.fail(field, v.MountPoint, "the boot loader reads this volume: make it primary with ext4, not encrypted")
		}
	case !pathForm.MatchString(v.MountPoint) || path.Clean(v.MountPoint) != v.MountPoint:
		c.fail(field, v.MountPoint, "give a folder such as /srv/records: letters, digits, '_', '-' and '.'")
	case slices.Contains(ofSystem, first) || v.MountPoint == "/var" || v.MountPoint == "/":
		c.fail(field, v.MountPoint, "the system itself is there: give another folder, such as /srv/records")
	case v.Type != "primary" && v.Type != "logical" || !slices.Contains([]string{"ext4", "xfs", "fat32"}, v.FileSystem):
		c.fail(field, v.MountPoint, "primary and logical volumes with ext4, xfs or fat32 are mounted")
	}
}

// systemVolumes refuses an operating system on an encrypted volume without a volume beside it
// from which it starts, and a mount point for its volume. Which volume it is, the variable says.
func (c *checker) systemVolumes(s *Sequence) {
	systems := map[string]bool{}
	walk(s.Steps, "", func(_ string, n Node) {
		if a, ok := n.Step.(*ApplyOperatingSystem); ok {
			systems[strings.ToLower(a.To)] = true
		}
	})
	walk(s.Steps, "steps", func(path string, n Node) {
		p, ok := n.Step.(*PartitionDisk)
		if !ok {
			return
		}
		for i, v := range p.Volumes {
			field := fmt.Sprintf("%s.%s.volumes[%d]", path, p.Type(), i)
			switch {
			case v.Variable == "" || !systems["%"+strings.ToLower(v.Variable)+"%"]:
			case v.Encryption != nil && p.Boot() < 0:
				c.fail(field+".encryption", v.Variable, "an operating system is applied to this volume, and its kernel must lie where the boot loader can read it: give the step the volume {name: Boot, type: primary, size: 1GiB, fileSystem: ext4, mountPoint: /boot}")
			case v.MountPoint != "":
				c.fail(field+".mountPoint", v.MountPoint, "an operating system is applied to this volume, which is mounted at /: leave it out")
			}
		}
	})
}

func (d *ConvertDiskToDynamic) check(c *checker) { c.disk(d.Disk) }

func (e *EnableBitLocker) check(c *checker) {
	c.oneOf("protector", e.Protector, "tpm", "tpmAndPIN", "tpmAndStartupKey", "startupKey")
	if e.Recovery != "" {
		c.oneOf("recovery", e.Recovery, "activeDirectory", "none")
	}
}

func (*DisableBitLocker) check(*checker) {}

func (p *PreprovisionBitLocker) check(c *checker) { c.given("volume", p.Volume, "name the volume") }
