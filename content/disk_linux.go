package content

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// syncDir makes what was renamed and removed in a directory survive a power
// cut (fsync(2)).
func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", name, err)
	}
	return nil
}

// freeBytes is what may still be written, without what root alone may use.
func freeBytes(name string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(name, &st); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", name, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// allocated is how much of the disk a file takes up.
func allocated(info os.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}

func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
