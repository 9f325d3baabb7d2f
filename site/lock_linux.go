package site

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lockDir keeps a second server from the directory of a site: two programs that
// take numbers of policy and write the same content would contradict each other.
// The kernel lets go of the lock when the program ends, however it ends.
func lockDir(dir string) (unlock func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, "site.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = errors.New("another program serves this site: end it, or give another directory")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serve: %s: %w", dir, err), f.Close())
	}
	return f.Close, nil
}
