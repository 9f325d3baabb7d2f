package diskfs

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/diskfs/go-diskfs/backend"
	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/partition/gpt"
	"github.com/diskfs/go-diskfs/partition/mbr"
	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// Target is where one partition's bytes are: a device node of its own, or a
// stretch of an image file.
type Target struct {
	Path       string // /dev/vda1, or the image file
	Offset     int64  // of the partition inside Path, in bytes; 0 for a device node
	Length     int64  // bytes
	SectorSize int    // logical, bytes
	DiskOffset int64  // of the partition on its disk, in bytes
	PartUUID   string // of the partition, as Linux writes PARTUUID=
}

// geometry asks a block device for its size, or a regular file, which is taken to
// have sectors of 512 bytes.
func geometry(f *os.File) (Geometry, error) {
	info, err := f.Stat()
	if err != nil {
		return Geometry{}, err
	}
	if info.Mode().IsRegular() {
		return Geometry{Size: info.Size(), SectorSize: 512}, nil
	}
	size, err := unix.IoctlGetInt(int(f.Fd()), unix.BLKGETSIZE64)
	if err != nil {
		return Geometry{}, fmt.Errorf("read size of %s: not a block device or file: %w", f.Name(), err)
	}
	sector, err := unix.IoctlGetInt(int(f.Fd()), unix.BLKSSZGET)
	if err != nil {
		return Geometry{}, fmt.Errorf("read sector size of %s: %w", f.Name(), err)
	}
	return Geometry{Size: int64(size), SectorSize: sector}, nil
}

// Write erases what was on the disk or image file at path and puts the layout
// on it: it opens a device exclusively (so a disk that is mounted is refused),
// checks that the geometry is the planned one, clears old tables and signatures,
// writes the table, syncs, has the kernel read it again, and waits for the
// partitions' device nodes until ctx ends. It returns where each partition is.
func Write(ctx context.Context, path string, l Layout) ([]Target, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_EXCL, 0)
	if errors.Is(err, unix.EBUSY) {
		return nil, fmt.Errorf("partition %s: the disk is in use; unmount what is on it: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("partition %s: %w", path, err)
	}
	defer f.Close()
	g, err := geometry(f)
	if err != nil {
		return nil, fmt.Errorf("partition %s: %w", path, err)
	}
	if g != l.Geometry {
		return nil, fmt.Errorf("partition %s: the layout was planned for %s in sectors of %d, the disk has %s in sectors of %d; plan again",
			path, Bytes(l.Geometry.Size), l.Geometry.SectorSize, Bytes(g.Size), g.SectorSize)
	}
	if err := errors.Join(clearSignatures(f, l), f.Sync()); err != nil {
		return nil, fmt.Errorf("partition %s: erase old signatures: %w", path, err)
	}
	names, err := writeTable(f, l)
	if err := errors.Join(err, f.Sync()); err != nil {
		return nil, fmt.Errorf("partition %s: write %s table: %w", path, l.Style, err)
	}
	out, err := targets(ctx, f, l)
	for i := range out {
		out[i].PartUUID = names[i]
	}
	return out, err
}

// clearSignatures overwrites what could be taken for an older table or file
// system: both ends of the disk and the start and end of every new partition.
func clearSignatures(f *os.File, l Layout) error {
	spots := []int64{0, max(0, l.Geometry.Size-Alignment)}
	for _, p := range l.Partitions {
		spots = append(spots, p.Start, p.Start+p.Length-Alignment)
	}
	zero := make([]byte, Alignment)
	for _, at := range spots {
		if _, err := f.WriteAt(zero, at); err != nil {
			return err
		}
	}
	return nil
}

// writeTable writes the table through go-diskfs, and returns the PARTUUID of each
// partition.
func writeTable(f *os.File, l Layout) ([]string, error) {
	w, err := backend.Storage(file.New(f, false)).Writable()
	if err != nil {
		return nil, err
	}
	names := make([]string, len(l.Partitions))
	if l.Style == GPT {
		for i := range names {
			names[i] = uuid.NewString()
		}
		return names, gptTable(l, names).Write(w, l.Geometry.Size)
	}
	if err := errors.Join(mbrTable(l).Write(w, l.Geometry.Size), writeLogical(f, l)); err != nil {
		return nil, err
	}
	// go-diskfs leaves the disk signature (offset 440) as it is; without one two
	// disks of a machine could not be told apart.
	signature := make([]byte, 4)
	rand.Read(signature)
	for i, p := range l.Partitions {
		names[i] = fmt.Sprintf("%08x-%02x", binary.LittleEndian.Uint32(signature), p.Number)
	}
	_, err = f.WriteAt(signature, 440)
	return names, err
}

func gptTable(l Layout, names []string) *gpt.Table {
	const legacyBoot = 1 << 2 // UEFI 2.10, 5.3.3: legacy BIOS bootable
	sector := uint64(l.Geometry.SectorSize)
	t := &gpt.Table{LogicalSectorSize: int(sector), PhysicalSectorSize: int(sector), ProtectiveMBR: true}
	for i, p := range l.Partitions {
		entry := &gpt.Partition{
			Index: p.Number, GUID: strings.ToUpper(names[i]), Name: p.Name, Type: gpt.Type(p.TypeGUID),
			Start: uint64(p.Start) / sector, Size: uint64(p.Length),
			End: uint64(p.Start+p.Length)/sector - 1,
		}
		if p.Bootable {
			entry.Attributes |= legacyBoot
		}
		t.Partitions = append(t.Partitions, entry)
	}
	return t
}

func mbrTable(l Layout) *mbr.Table {
	sector := int64(l.Geometry.SectorSize)
	t := &mbr.Table{LogicalSectorSize: int(sector), PhysicalSectorSize: int(sector)}
	for _, p := range l.Partitions {
		if p.Type == Logical {
			continue
		}
		// Cylinder, head and sector say "look at the LBA", as every tool writes.
		t.Partitions = append(t.Partitions, &mbr.Partition{
			Index: p.Number, Bootable: p.Bootable, Type: mbr.Type(p.MBRType),
			Start: uint32(p.Start / sector), Size: uint32(p.Length / sector),
			StartHead: 0xfe, StartSector: 0xff, StartCylinder: 0xff,
			EndHead: 0xfe, EndSector: 0xff, EndCylinder: 0xff,
		})
	}
	return t
}
