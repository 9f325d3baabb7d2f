package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/bootward/bootward/diskfs/tool"
)

// untouched is when a disk was changed last that nothing was written to: it is set, and
// no write leaves it.
var untouched = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Touched says whether anything was written to the machine's disk since it was made, be
// it what stood there before.
func (d *Deployment) Touched() (bool, error) {
	info, err := os.Stat(d.config.Disks[0].Path)
	if err != nil {
		return false, fmt.Errorf("disk of %s: %w", d.Target.Name, err)
	}
	return !info.ModTime().Equal(untouched), nil
}

// newDisk makes the disk of a target: blank, full of words, or one that says words when it boots.
func (l *Lab) newDisk(ctx context.Context, path string, t Target) error {
	size := cmp.Or(t.DiskMiB<<20, targetDisk)
	var err error
	switch {
	case t.Boots != "":
		err = speakingDisk(ctx, path, filepath.Join(l.options.Kit, "efi", "grubnetx64.efi"), t.Boots)
	case t.Holds != "":
		err = fullDisk(path, size, t.Holds)
	default:
		err = blankDisk(path, size)
	}
	if err != nil {
		return err
	}
	if err := os.Chtimes(path, untouched, untouched); err != nil {
		return fmt.Errorf("disk %s: %w", path, err)
	}
	return nil
}

// fullDisk makes a disk on which words stand at the begin of each MiB, with its number.
func fullDisk(path string, size int64, words string) error {
	if err := blankDisk(path, size); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("disk %s: %w", path, err)
	}
	for at := int64(0); at < size && err == nil; at += 1 << 20 {
		_, err = f.WriteAt(fmt.Appendf(nil, "%s %d\n", words, at>>20), at)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("disk %s: %w", path, err)
	}
	return nil
}

// speakingSize is the size of a speaking disk, in bytes.
const speakingSize = 64 << 20

// speakingDisk makes a disk that BIOS and UEFI boot from, and that says words on the
// console then and does nothing else: a FAT file system without a partition table. Its
// boot sector holds the words for BIOS (mkfs.fat(8), -m); for UEFI grub is a GRUB that
// looks for its configuration in /grub.
func speakingDisk(ctx context.Context, path, grub, words string) (err error) {
	dir, err := os.MkdirTemp("", "bootward-disk-")
	if err != nil {
		return fmt.Errorf("disk %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	message, config := filepath.Join(dir, "message"), filepath.Join(dir, "grub.cfg")
	err = errors.Join(blankDisk(path, speakingSize), os.WriteFile(message, []byte(words+"\r\n"), 0o600),
		os.WriteFile(config, fmt.Appendf(nil, "echo '%s'\nsleep 3600\n", words), 0o600))
	for _, args := range [][]string{
		{"mkfs.vfat", "--mbr=n", "-m", message, path},
		{"mmd", "-i", path, "::EFI", "::EFI/BOOT", "::grub"},
		{"mcopy", "-i", path, grub, "::EFI/BOOT/BOOTX64.EFI"},
		{"mcopy", "-i", path, config, "::grub/grub.cfg"},
	} {
		if err != nil {
			return fmt.Errorf("disk %s: %w", path, err)
		}
		err = tool.Exec{}.Run(ctx, tool.Command{Path: args[0], Args: args[1:]})
	}
	return err
}
