package firmware

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Offsets in a FAT32 boot sector and in its folder entries (Microsoft's FAT32 File System Specification 1.03).
const (
	bpbSectorSize   = 11 // u16
	bpbPerCluster   = 13 // u8
	bpbReserved     = 14 // u16
	bpbFATs         = 16 // u8
	bpbSectorsOfFAT = 36 // u32
	bpbRootCluster  = 44 // u32
	entrySize       = 32
	entryAttributes = 11 // u8
	entryCreated    = 14 // u16 time, u16 date, u16 date of access
	entryHigh       = 20 // u16, high half of the first cluster
	entryModified   = 22 // u16 time, u16 date
	entryLow        = 26 // u16
	isFolder        = 0x10
	isLabel         = 0x08
	isLongName      = 0x0f
	firstDate       = 0x21 // 1980-01-01
)

// readerWriterAt is what the repair works on.
type readerWriterAt interface {
	io.ReaderAt
	io.WriterAt
}

// fixFAT mends what the library leaves in a new FAT32 file system at offset start: the ".." of folders in the root
// must name cluster 0 (fsck.fat complains), and the volume label must not carry the time of day.
func fixFAT(d readerWriterAt, start int64) error {
	boot := make([]byte, sectorSize)
	if _, err := d.ReadAt(boot, start); err != nil {
		return err
	}
	sector := int64(binary.LittleEndian.Uint16(boot[bpbSectorSize:]))
	cluster := sector * int64(boot[bpbPerCluster])
	if cluster == 0 || cluster > 1<<16 {
		return errors.New("the boot sector is not that of FAT32")
	}
	data := start + sector*(int64(binary.LittleEndian.Uint16(boot[bpbReserved:]))+int64(boot[bpbFATs])*int64(binary.LittleEndian.Uint32(boot[bpbSectorsOfFAT:])))
	at := func(n uint32) int64 { return data + int64(n-2)*cluster }
	root := make([]byte, cluster) // a dozen entries: the first cluster holds them all
	rootAt := at(binary.LittleEndian.Uint32(boot[bpbRootCluster:]))
	if _, err := d.ReadAt(root, rootAt); err != nil {
		return err
	}
	for e := root; len(e) >= entrySize && e[0] != 0; e = e[entrySize:] {
		switch attr := e[entryAttributes]; {
		case attr == isLongName:
		case attr&isLabel != 0:
			stampEntry(e)
		case attr&isFolder != 0:
			first := uint32(binary.LittleEndian.Uint16(e[entryHigh:]))<<16 | uint32(binary.LittleEndian.Uint16(e[entryLow:]))
			if err := fixParent(d, at(first)); err != nil {
				return err
			}
		}
	}
	_, err := d.WriteAt(root, rootAt)
	return err
}

// fixParent points the ".." of a folder at the root.
func fixParent(d readerWriterAt, at int64) error {
	e := make([]byte, entrySize)
	if _, err := d.ReadAt(e, at+entrySize); err != nil {
		return err
	}
	if string(e[:3]) != ".. " {
		return fmt.Errorf("folder at %d: second entry is %q", at, e[:11])
	}
	clear(e[entryHigh : entryHigh+2])
	clear(e[entryLow : entryLow+2])
	_, err := d.WriteAt(e, at+entrySize)
	return err
}

func stampEntry(e []byte) {
	put := binary.LittleEndian.PutUint16
	put(e[entryCreated:], 0)
	put(e[entryCreated+2:], firstDate)
	put(e[entryCreated+4:], firstDate)
	put(e[entryModified:], 0)
	put(e[entryModified+2:], firstDate)
}
