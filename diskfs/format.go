package diskfs

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/diskfs/tool"
)

// Tools says how to reach the foreign programs that Format needs.
type Tools struct {
	Runner   tool.Runner
	MkfsExt4 string   // path; empty: mkfs.ext4 from PATH
	Env      []string // see tool.Command
}

// The programs that are not in every boot image. Runner finds them by these names.
const (
	MkfsXFS    = "mkfs.xfs"
	Mkntfs     = "mkntfs"
	Cryptsetup = "cryptsetup"
)

// Ready asks the programs that the volumes need for their versions, so that what is
// missing is found before anything is erased.
func (t Tools) Ready(ctx context.Context, volumes []Volume) error {
	asked := map[string]bool{}
	for _, v := range volumes {
		for _, c := range t.needs(v) {
			if asked[c.Path] {
				continue
			}
			asked[c.Path] = true
			if err := t.Runner.Run(ctx, c); err != nil {
				return fmt.Errorf("volume %q cannot be made here: %w", v.Name, err)
			}
		}
	}
	return nil
}

// needs are harmless calls of the programs that a volume needs.
func (t Tools) needs(v Volume) []tool.Command {
	var out []tool.Command
	if v.Encrypted && v.FileSystem != Swap {
		out = append(out, tool.Command{Path: Cryptsetup, Args: []string{"--version"}, Env: t.Env})
	}
	switch v.FileSystem {
	case Ext4:
		out = append(out, tool.Command{Path: cmp.Or(t.MkfsExt4, "mkfs.ext4"), Args: []string{"-V"}, Env: t.Env})
	case XFS:
		out = append(out, tool.Command{Path: MkfsXFS, Args: []string{"-V"}, Env: t.Env})
	case NTFS:
		out = append(out, tool.Command{Path: Mkntfs, Args: []string{"--version"}, Env: t.Env})
	}
	return out
}

// maxFAT32 is the largest volume that go-diskfs's FAT32 is trusted with; its
// count of FAT sectors is 16 bits wide.
const maxFAT32 = 128 << 30

// Format makes the volume's file system on the target, destroying what is
// there, and returns its identity as read back from the disk. A volume without a
// file system is left as it is. A volume that is not QuickFormat is overwritten
// with zeros first.
//
// NTFS and XFS need a device node or a file of their own (Offset 0), as their tools
// know no offset.
func Format(ctx context.Context, tools Tools, t Target, v Volume) (Signature, error) {
	if v.FileSystem == "" || v.Encrypted && v.FileSystem == Swap {
		return Signature{}, nil
	}
	fail := func(err error) (Signature, error) {
		return Signature{}, fmt.Errorf("format %s as %s: %w", t.Path, v.FileSystem, err)
	}
	if !v.QuickFormat {
		if err := zero(ctx, t); err != nil {
			return fail(err)
		}
	}
	var err error
	switch v.FileSystem {
	case FAT32:
		err = makeFAT32(t, v.Name)
	case Swap:
		err = makeSwap(t, v.Name)
	case Ext4:
		err = tools.ext4(ctx, t, v.Name)
	case XFS:
		err = tools.xfs(ctx, t, v.Name)
	case NTFS:
		err = tools.ntfs(ctx, t, v.Name)
	default:
		err = errors.New("unknown file system")
	}
	if err != nil {
		return fail(err)
	}
	s, err := ReadSignature(t)
	if err == nil && s.FileSystem != v.FileSystem {
		err = fmt.Errorf("read back %q; the disk does not keep what is written to it", s.FileSystem)
	}
	if err != nil {
		return fail(err)
	}
	return s, nil
}

// openTarget opens it for writing: a device exclusively.
func openTarget(t Target) (*os.File, error) {
	return os.OpenFile(t.Path, os.O_RDWR|unix.O_EXCL, 0)
}

// makeFAT32 formats through go-diskfs. The serial number is replaced by a random
// one, since go-diskfs derives it from the clock, which may stand at 1970; the
// hidden sectors are filled in for BIOS boot code.
func makeFAT32(t Target, label string) error {
	if t.Length > maxFAT32 {
		return fmt.Errorf("the volume has %s; at most %s are possible, use ntfs or ext4", Bytes(t.Length), Bytes(maxFAT32))
	}
	f, err := openTarget(t)
	if err != nil {
		return err
	}
	defer f.Close()
	for length, excess := t.Length, int64(1); excess > 0; length -= excess {
		if _, err := fat32.Create(file.New(f, false), length, t.Offset, int64(t.SectorSize), cmp.Or(label, "NO NAME"), false); err != nil {
			return err
		}
		if excess, err = fatExcess(f, t.Offset); err != nil {
			return err
		}
	}
	serial := make([]byte, 4)
	rand.Read(serial)
	hidden := binary.LittleEndian.AppendUint32(nil, uint32(t.DiskOffset/int64(t.SectorSize)))
	for _, sector := range []int64{0, 6} { // boot sector and its backup
		at := t.Offset + sector*int64(t.SectorSize)
		_, err1 := f.WriteAt(serial, at+0x43)
		_, err2 := f.WriteAt(hidden, at+0x1c)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
	}
	return f.Sync()
}

// fatExcess is how many bytes the FAT32 volume at an offset has beyond those that its
// allocation table has entries for: go-diskfs forgets that the first two entries stand
// for no cluster.
func fatExcess(f *os.File, offset int64) (int64, error) {
	b := make([]byte, 64) // BIOS parameter block, Microsoft's FAT specification, 3.1 and 3.3
	if _, err := f.ReadAt(b, offset); err != nil {
		return 0, err
	}
	sector, cluster := int64(binary.LittleEndian.Uint16(b[11:])), int64(b[13])
	reserved, total, table := int64(binary.LittleEndian.Uint16(b[14:])), int64(binary.LittleEndian.Uint32(b[32:])), int64(binary.LittleEndian.Uint32(b[36:]))
	if sector == 0 || cluster == 0 {
		return 0, errors.New("read back no FAT32; the disk does not keep what is written to it")
	}
	excess := (total-reserved-2*table)/cluster + 2 - table*sector/4
	return max(0, excess) * cluster * sector, nil
}

// makeSwap writes the header of Linux's swap space, version 1 (linux/swap.h,
// union swap_header): the kernel needs nothing else.
func makeSwap(t Target, label string) error {
	const page = 4096
	id := uuid.New() // random, version 4
	header := make([]byte, page)
	binary.LittleEndian.PutUint32(header[1024:], 1)
	binary.LittleEndian.PutUint32(header[1028:], uint32(t.Length/page-1))
	copy(header[1036:], id[:])
	copy(header[1052:1068], label)
	copy(header[page-10:], "SWAPSPACE2")
	f, err := openTarget(t)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(header, t.Offset); err != nil {
		return err
	}
	return f.Sync()
}

// ext4 runs mkfs.ext4. GRUB 2.06 cannot read orphan_file and metadata_csum_seed.
func (t Tools) ext4(ctx context.Context, at Target, label string) error {
	args := []string{"-q", "-F", "-O", "^orphan_file,^metadata_csum_seed"}
	if label != "" {
		args = append(args, "-L", label)
	}
	if at.Offset > 0 {
		args = append(args, "-E", "offset="+strconv.FormatInt(at.Offset, 10))
	}
	args = append(args, at.Path, strconv.FormatInt(at.Length>>10, 10)+"k")
	return t.Runner.Run(ctx, tool.Command{Path: cmp.Or(t.MkfsExt4, "mkfs.ext4"), Args: args, Env: t.Env})
}

// xfs runs mkfs.xfs, without what GRUB 2.06 does not know.
func (t Tools) xfs(ctx context.Context, at Target, label string) error {
	if at.Offset > 0 {
		return noOffset("mkfs.xfs", at)
	}
	args := []string{"-q", "-f", "-i", "nrext64=0"}
	if label != "" {
		args = append(args, "-L", label)
	}
	return t.Runner.Run(ctx, tool.Command{Path: MkfsXFS, Args: append(args, at.Path), Env: t.Env})
}

func noOffset(program string, at Target) error {
	return fmt.Errorf("%s cannot write at an offset; give %s a device node or a file of its own", program, filepath.Base(at.Path))
}

func (t Tools) ntfs(ctx context.Context, at Target, label string) error {
	if at.Offset > 0 {
		return noOffset(Mkntfs, at)
	}
	args := []string{"-Q", "-F", "-p", strconv.FormatInt(at.DiskOffset/int64(at.SectorSize), 10), "-H", "255", "-S", "63"}
	if label != "" {
		args = append(args, "-L", label)
	}
	return t.Runner.Run(ctx, tool.Command{Path: Mkntfs, Args: append(args, at.Path), Env: t.Env})
}
