package diskfs

import (
	"encoding/binary"
	"fmt"
	"os"
)

// An extended partition (UEFI specification 2.10, 5.2.1, names only its types) holds logical volumes: in front of each lies a
// boot record of the form of an MBR, whose first entry is that volume and whose second one leads to the
// next boot record. Sectors of the first entry count from its own record, those of the second from the extended partition.

// firstLogical is the number of the first logical volume, whatever primary ones there are.
const firstLogical = 5

// checkExtended refuses extended partitions and logical volumes that no MBR disk can have.
func checkExtended(style Style, volumes []Volume) error {
	at, logical := -1, 0
	for i, v := range volumes {
		switch {
		case v.Type != Extended && v.Type != Logical:
		case style != MBR:
			return fmt.Errorf("volume %d %q: type %s exists on MBR disks only; use type primary", i+1, v.Name, v.Type)
		case v.Bootable:
			return fmt.Errorf("volume %d %q: firmware starts from primary volumes only; make one of these bootable", i+1, v.Name)
		case v.Type == Extended && at >= 0:
			return fmt.Errorf("volume %d: an MBR disk has one extended partition, and volume %d is it", i+1, at+1)
		case v.Type == Extended && (v.FileSystem != "" || v.Encrypted):
			return fmt.Errorf("volume %d: an extended partition holds logical volumes and no file system", i+1)
		case v.Type == Extended:
			at = i
		case at < 0:
			return fmt.Errorf("volume %d %q: no extended partition stands before this logical volume; add one", i+1, v.Name)
		default:
			logical++
		}
	}
	switch {
	case at >= 0 && logical == 0:
		return fmt.Errorf("volume %d: the extended partition holds no logical volume; add one behind it", at+1)
	case logical > maxLogical:
		return fmt.Errorf("%d logical volumes: an extended partition holds %d at most", logical, maxLogical)
	}
	return nil
}

// split gives the indices of the volumes on the disk itself, and of those inside of its extended partition.
func split(volumes []Volume) (outer, inner []int) {
	for i, v := range volumes {
		if v.Type == Logical {
			inner = append(inner, i)
		} else {
			outer = append(outer, i)
		}
	}
	return outer, inner
}

// place gives partitions number and start, from byte at on: logical ones inside of the extended one, each
// behind its boot record.
func place(parts []Partition, at int64) {
	number, logical, inside := 1, firstLogical, int64(0)
	for i := range parts {
		p := &parts[i]
		if p.Type == Logical {
			p.Number, p.Start = logical, inside+Alignment
			logical, inside = logical+1, p.Start+p.Length
			continue
		}
		p.Number, p.Start = number, at
		number, at = number+1, at+p.Length
		if p.Type == Extended {
			inside = p.Start
		}
	}
}

// The types of entries that lead to boot records.
const (
	typeExtended = 0x0f // by LBA
	typeLink     = 0x05
)

// writeLogical writes the boot records in front of the logical volumes.
func writeLogical(f *os.File, l Layout) error {
	sector := int64(l.Geometry.SectorSize)
	var extended int64
	var logical []Partition
	for _, p := range l.Partitions {
		switch p.Type {
		case Extended:
			extended = p.Start
		case Logical:
			logical = append(logical, p)
		}
	}
	for i, p := range logical {
		record := make([]byte, sector)
		entry(record, 0, p.MBRType, Alignment/sector, p.Length/sector)
		if i+1 < len(logical) {
			next := logical[i+1]
			entry(record, 1, typeLink, (next.Start-Alignment-extended)/sector, (next.Length+Alignment)/sector)
		}
		record[510], record[511] = 0x55, 0xaa
		if _, err := f.WriteAt(record, p.Start-Alignment); err != nil {
			return fmt.Errorf("boot record of logical volume %d: %w", p.Number, err)
		}
	}
	return nil
}

// entry fills in entry n of a boot record. Cylinder, head and sector say "look at the LBA", as every tool writes.
func entry(record []byte, n int, kind byte, start, size int64) {
	e := record[446+16*n:]
	copy(e, []byte{0, 0xfe, 0xff, 0xff, kind, 0xfe, 0xff, 0xff})
	binary.LittleEndian.PutUint32(e[8:], uint32(start))
	binary.LittleEndian.PutUint32(e[12:], uint32(size))
}
