// Package diskfs lays out, partitions and formats disks and image files.
//
// Plan is pure: from a disk's geometry and the volumes wanted it computes
// partitions (GPT: UEFI specification 2.10, chapter 5; MBR: the same, 5.2.1).
// Write puts them on the disk through go-diskfs and waits until the kernel shows
// them; Encrypt makes a partition a LUKS2 volume (cryptsetup); Format makes file
// systems: FAT32 through go-diskfs, swap by itself, ext4, XFS and NTFS by
// mkfs.ext4, mkfs.xfs and mkntfs.
//
// It refuses layouts that do not fit, and it asks nobody: whether a disk may be
// written is decided by the caller (see agent/disk).
package diskfs

import (
	"fmt"
)

// Style is the kind of partition table.
type Style string

// The kinds of partition table.
const (
	GPT Style = "gpt"
	MBR Style = "mbr"
)

// VolumeType says what a partition is for.
type VolumeType string

// What a partition can be for.
const (
	EFI      VolumeType = "efi"      // EFI system partition
	BIOSBoot VolumeType = "biosBoot" // holds GRUB's core on a GPT disk that BIOS boots; GPT only
	Primary  VolumeType = "primary"  // a volume with a file system
	MSR      VolumeType = "msr"      // Microsoft reserved; GPT only
	Recovery VolumeType = "recovery" // Windows recovery tools
	Extended VolumeType = "extended" // holds logical volumes, and nothing itself; MBR only
	Logical  VolumeType = "logical"  // as primary, inside of the extended partition; MBR only
)

// FileSystem names what a volume is formatted with; empty is nothing.
type FileSystem string

// The file systems that Format can make.
const (
	FAT32 FileSystem = "fat32"
	Ext4  FileSystem = "ext4"
	XFS   FileSystem = "xfs"
	Swap  FileSystem = "swap"
	NTFS  FileSystem = "ntfs"
)

// Alignment is where partitions start, in bytes: at multiples of 1 MiB, which
// suits 512-byte and 4-KiB sectors, RAID stripes and flash.
const Alignment = 1 << 20

// Geometry is what Plan must know of a disk.
type Geometry struct {
	Size       int64 // bytes
	SectorSize int   // logical, 512 or 4096 bytes
}

// Volume is one partition that is wanted.
type Volume struct {
	Name        string // GPT partition name and file system label
	Type        VolumeType
	Size        string // see ParseSize
	FileSystem  FileSystem
	QuickFormat bool // do not overwrite the whole volume first
	Bootable    bool // active flag (MBR), legacy boot attribute (GPT)
	// Encrypted volumes are LUKS2, opened by Passphrase. Swap is left without a file
	// system instead: the installed system gives it a new random key at each start.
	Encrypted  bool
	Passphrase Passphrase
	// Unlock is a second key that opens the volume; empty: there is none.
	Unlock Passphrase
}

// Partition is one partition of a layout.
type Partition struct {
	Volume
	Number   int    // from 1; those of logical volumes from 5
	Start    int64  // bytes from the disk's start
	Length   int64  // bytes
	TypeGUID string // GPT, upper case
	MBRType  byte   // MBR
}

// Layout is a partition table that fits its disk.
type Layout struct {
	Style      Style
	Geometry   Geometry
	Partitions []Partition
}

// maxVolumes of each table. Programs for partitions number 60 of an MBR disk at most.
const (
	maxGPT     = 128
	maxMBR     = 4 // besides logical ones
	maxLogical = 56
)

// usable returns the first and the end byte that partitions may take, both
// aligned. A GPT disk keeps its last 33 sectors for the second table (34 with
// 512-byte sectors: header and 16 KiB); an MBR disk ends where 32-bit sector
// numbers end.
func usable(style Style, g Geometry) (first, end int64) {
	end = g.Size
	if style == GPT {
		end -= int64(g.SectorSize) + 16<<10
	} else {
		end = min(end, int64(g.SectorSize)<<32)
	}
	return Alignment, end / Alignment * Alignment
}

// Plan computes the partitions. Volumes come in the order given, each starting
// at a multiple of 1 MiB and rounded up to whole MiB. Sizes in percent are of
// what remains after all volumes of fixed size and the earlier volumes in
// percent; the space that rounding loses stays free. On an MBR disk on which no
// volume is bootable, the first volume that could hold a system is made so,
// since some BIOSes start nothing else. Percent of logical volumes are of what
// remains in the extended partition.
func Plan(style Style, g Geometry, volumes []Volume) (Layout, error) {
	sizes, err := check(style, g, volumes)
	if err != nil {
		return Layout{}, err
	}
	first, end := usable(style, g)
	lengths, err := shares(sizes, volumes, end-first, g)
	if err != nil {
		return Layout{}, err
	}
	l := Layout{Style: style, Geometry: g}
	for i, v := range volumes {
		p := Partition{Volume: v, Length: lengths[i]}
		if style == GPT {
			p.TypeGUID = typeGUID(v)
		} else {
			p.MBRType = mbrType(v)
		}
		l.Partitions = append(l.Partitions, p)
	}
	place(l.Partitions, first)
	if style == MBR {
		activate(l.Partitions)
	}
	return l, nil
}

// shares gives every volume its length in bytes.
func shares(sizes []Size, volumes []Volume, room int64, g Geometry) ([]int64, error) {
	outer, inner := split(volumes)
	least := make([]int64, len(sizes))
	inside := int64(len(inner)) * Alignment // their boot records
	for i, v := range volumes {
		if least[i] = minimum(v, g.SectorSize); v.Type == Logical {
			inside += roundUp(max(sizes[i].Bytes, least[i]))
		}
	}
	lengths := make([]int64, len(sizes))
	place := fmt.Sprintf("disk of %s", Bytes(g.Size))
	for _, i := range outer {
		if volumes[i].Type == Extended {
			least[i] = inside
		}
	}
	if err := share(lengths, outer, sizes, volumes, least, room, place); err != nil || len(inner) == 0 {
		return lengths, err
	}
	for _, i := range outer {
		if volumes[i].Type == Extended {
			room, place = lengths[i]-int64(len(inner))*Alignment, fmt.Sprintf("extended partition of %s", Bytes(lengths[i]))
		}
	}
	return lengths, share(lengths, inner, sizes, volumes, least, room, place)
}

// share gives some volumes their lengths: those on the disk itself, or those in its extended partition.
func share(lengths []int64, of []int, sizes []Size, volumes []Volume, least []int64, room int64, place string) error {
	need, rest := int64(0), room
	for _, i := range of {
		if s := sizes[i]; s.Percent == 0 {
			lengths[i] = roundUp(s.Bytes)
			rest -= lengths[i]
			need += lengths[i]
		} else {
			need += roundUp(least[i])
		}
	}
	if need > room {
		return fmt.Errorf("plan partitions: the volumes need at least %s and the %s has room for %s; make volumes smaller or choose a larger disk",
			Bytes(need), place, Bytes(room))
	}
	for _, i := range of {
		if s := sizes[i]; s.Percent > 0 {
			lengths[i] = rest / 100 * s.Percent / Alignment * Alignment
			if s.Percent == 100 {
				lengths[i] = rest
			}
			rest -= lengths[i]
		}
		if floor := max(least[i], Alignment); lengths[i] < floor {
			return fmt.Errorf("plan partitions: volume %d %q would get %s, and %s needs at least %s",
				i+1, volumes[i].Name, Bytes(lengths[i]), contentName(volumes[i]), Bytes(floor))
		}
	}
	return nil
}

// minimum is the smallest volume that a file system makes sense on. FAT32 wants
// 65,525 clusters (Microsoft's FAT specification), each of one sector at least.
func minimum(v Volume, sector int) int64 {
	if v.Encrypted && v.FileSystem != Swap {
		v.Encrypted = false
		return LUKSHeader + minimum(v, sector)
	}
	switch v.FileSystem {
	case FAT32:
		return roundUp(66_600 * int64(sector))
	case Ext4:
		return 8 << 20
	case XFS:
		return 300 << 20 // mkfs.xfs refuses less
	case NTFS:
		return 8 << 20
	}
	return Alignment
}

func roundUp(n int64) int64 { return (n + Alignment - 1) / Alignment * Alignment }

func contentName(v Volume) string {
	switch {
	case v.Type == Extended:
		return "what the logical volumes hold"
	case v.FileSystem == "":
		return "a partition"
	}
	return string(v.FileSystem)
}

// activate marks one partition active if none is.
func activate(parts []Partition) {
	for _, p := range parts {
		if p.Bootable {
			return
		}
	}
	for i := range parts {
		if parts[i].Type == Primary && parts[i].FileSystem != Swap {
			parts[i].Bootable = true
			return
		}
	}
}
