package diskfs

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf16"
)

// check validates style, geometry and volumes, and parses the sizes. It reports
// every mistake, not only the first.
func check(style Style, g Geometry, volumes []Volume) ([]Size, error) {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("plan partitions: "+format, args...)) }
	limit := maxGPT
	switch style {
	case GPT:
	case MBR:
		limit = maxMBR
	default:
		fail("style %q: want gpt or mbr", style)
	}
	if g.SectorSize != 512 && g.SectorSize != 4096 {
		fail("sector size %d: want 512 or 4096", g.SectorSize)
	}
	if g.Size < 4*Alignment {
		fail("the disk has %s; want at least %s", Bytes(g.Size), Bytes(4*Alignment))
	}
	if len(volumes) == 0 {
		fail("no volumes given; name at least one")
	}
	if outer, _ := split(volumes); len(outer) > limit {
		fail("%d volumes: a disk of style %s holds %d at most", len(outer), style, limit)
	}
	if err := checkExtended(style, volumes); err != nil {
		fail("%w", err)
	}
	sizes := make([]Size, len(volumes))
	active := 0
	for i, v := range volumes {
		var err error
		if sizes[i], err = checkVolume(style, v); err != nil {
			fail("volume %d %q: %w", i+1, v.Name, err)
		}
		if v.Bootable {
			active++
		}
	}
	if style == MBR && active > 1 {
		fail("%d volumes are bootable; an MBR disk can have one active partition", active)
	}
	return sizes, errors.Join(errs...)
}

func checkVolume(style Style, v Volume) (Size, error) {
	types := []VolumeType{EFI, BIOSBoot, Primary, MSR, Recovery, Extended, Logical}
	if !slices.Contains(types, v.Type) {
		return Size{}, fmt.Errorf("type %q: want one of %v", v.Type, types)
	}
	if style == MBR && (v.Type == BIOSBoot || v.Type == MSR) {
		return Size{}, fmt.Errorf("type %s exists on GPT disks only; leave the volume out or use style gpt", v.Type)
	}
	systems := []FileSystem{"", FAT32, Ext4, XFS, Swap, NTFS}
	if !slices.Contains(systems, v.FileSystem) {
		return Size{}, fmt.Errorf("file system %q: want one of %v or none", v.FileSystem, systems[1:])
	}
	if v.Type == EFI && v.FileSystem != FAT32 {
		return Size{}, fmt.Errorf("file system %q: firmware reads only fat32 on an EFI system partition", v.FileSystem)
	}
	if (v.Type == BIOSBoot || v.Type == MSR) && v.FileSystem != "" {
		return Size{}, fmt.Errorf("file system %q: a partition of type %s holds none", v.FileSystem, v.Type)
	}
	if err := v.checkEncryption(); err != nil {
		return Size{}, err
	}
	if n := len(utf16.Encode([]rune(v.Name))); n > 36 {
		return Size{}, fmt.Errorf("name has %d characters; a GPT partition name holds 36", n)
	}
	if limit := labelLimit(v.FileSystem); len(v.Name) > limit {
		return Size{}, fmt.Errorf("name has %d bytes; a label of %s holds %d", len(v.Name), v.FileSystem, limit)
	}
	return ParseSize(v.Size)
}

// labelLimit is how many bytes a label holds.
func labelLimit(f FileSystem) int {
	switch f {
	case FAT32:
		return 11
	case XFS:
		return 12
	case Ext4, Swap:
		return 16
	case NTFS:
		return 32
	}
	return 36 * 4
}

// typeGUID is the partition type of a volume on a GPT disk (UEFI 2.10, table
// 5-8, and the Discoverable Partitions Specification).
func typeGUID(v Volume) string {
	switch v.Type {
	case EFI:
		return "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
	case BIOSBoot:
		return "21686148-6449-6E6F-744E-656564454649"
	case MSR:
		return "E3C9E316-0B5C-4DB8-817D-F92DF00215AE"
	case Recovery:
		return "DE94BBA4-06D1-4D40-A16A-BFD50179D6AC"
	}
	switch {
	case v.Encrypted && v.FileSystem == Swap: // plain dm-crypt
		return "7FFEC5C9-2D00-49B7-8941-3EA10A5586B7"
	case v.Encrypted:
		return "CA7D7CCB-63ED-4C53-861C-1742536059CC"
	}
	switch v.FileSystem {
	case Swap:
		return "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"
	case NTFS, FAT32:
		return "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
	}
	return "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
}

// mbrType is the partition type of a volume on an MBR disk.
func mbrType(v Volume) byte {
	switch v.Type {
	case EFI:
		return 0xef
	case Recovery:
		return 0x27
	case Extended:
		return typeExtended
	}
	if v.Encrypted {
		return 0xe8 // LUKS; swap without a header is not taken for swap space
	}
	switch v.FileSystem {
	case Swap:
		return 0x82
	case NTFS:
		return 0x07
	case FAT32:
		return 0x0c
	}
	return 0x83
}
