package machine

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/agent/share"
)

// Connect implements step.Shares. What is mounted goes with Close, as volumes do.
func (v *Volumes) Connect(ctx context.Context, s share.Share, at string) error {
	if there, err := v.is(s.String(), at); there || err != nil {
		return err
	}
	if err := emptyFolder(at); err != nil {
		return fmt.Errorf("connect to %s: %w", s, err)
	}
	if err := s.Mount(ctx, at); err != nil {
		return err
	}
	v.mounted = append(v.mounted, mounted{s.String(), at})
	return nil
}

// emptyFolder makes a folder, and refuses one that holds something: a share would hide it.
func emptyFolder(at string) error {
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(at)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("the folder %s is not empty; choose another", at)
	}
	return err
}

// unmount takes a mount away. A share that something still uses goes when that ends.
func unmount(at string) error {
	err := unix.Unmount(at, 0)
	var f unix.Statfs_t
	if errors.Is(err, unix.EBUSY) && unix.Statfs(at, &f) == nil && isSMB(int64(f.Type)) {
		return unix.Unmount(at, unix.MNT_DETACH)
	}
	return err
}

// isSMB knows the file system by its number (CIFS_SUPER_MAGIC and SMB2_SUPER_MAGIC, linux/magic.h).
func isSMB(magic int64) bool { return magic == 0xFF534D42 || magic == 0xFE534D42 }
