package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/diskfs"
)

// Mount is a volume and its place in the installed system.
type Mount struct {
	Device     string // /dev/vda1
	At         string // in the installed system: /, /boot/efi
	FileSystem diskfs.FileSystem
}

// MountAll mounts the volumes below root, outer folders first, and makes the
// folders they need. If one fails, those mounted before are unmounted again.
// Swap and volumes without a place are passed over.
func MountAll(root string, mounts []Mount) error {
	sorted := slices.Clone(mounts)
	slices.SortStableFunc(sorted, func(a, b Mount) int { return depth(a.At) - depth(b.At) })
	var done []Mount
	for _, m := range sorted {
		if m.At == "" || m.FileSystem == diskfs.Swap {
			continue
		}
		if err := mountOne(root, m); err != nil {
			return errors.Join(err, UnmountAll(root, done))
		}
		done = append(done, m)
	}
	return nil
}

func mountOne(root string, m Mount) error {
	at := filepath.Join(root, m.At)
	if err := os.MkdirAll(at, 0o755); err != nil {
		return fmt.Errorf("mount %s at %s: %w", m.Device, at, err)
	}
	kind := string(m.FileSystem)
	if m.FileSystem == diskfs.FAT32 {
		kind = "vfat"
	}
	if err := unix.Mount(m.Device, at, kind, unix.MS_NOATIME, ""); err != nil {
		return fmt.Errorf("mount %s (%s) at %s: %w", m.Device, kind, at, err)
	}
	return nil
}

// UnmountAll unmounts them, inner folders first, which writes everything to the
// disk. A volume that is not mounted is no error.
func UnmountAll(root string, mounts []Mount) error {
	sorted := slices.Clone(mounts)
	slices.SortStableFunc(sorted, func(a, b Mount) int { return depth(b.At) - depth(a.At) })
	var errs []error
	for _, m := range sorted {
		if m.At == "" || m.FileSystem == diskfs.Swap {
			continue
		}
		at := filepath.Join(root, m.At)
		err := unix.Unmount(at, 0)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("unmount %s: %w", at, err))
		}
	}
	return errors.Join(errs...)
}

// depth orders folders: the root before all, /boot before /boot/efi.
func depth(at string) int {
	clean := strings.Trim(filepath.Clean(at), "/")
	if clean == "" {
		return 0
	}
	return 1 + strings.Count(clean, "/")
}
