package bootloader

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// KernelMounts is the Mounter that mounts for real. Binds are slaves: what is
// unmounted inside is not unmounted outside.
type KernelMounts struct{}

// Bind makes source and everything below it visible at target.
func (KernelMounts) Bind(source, target string) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	return unix.Mount("", target, "", unix.MS_SLAVE|unix.MS_REC, "")
}

// Unbind takes the bind and everything below it away.
func (KernelMounts) Unbind(target string) error {
	err := unix.Unmount(target, unix.MNT_DETACH)
	if errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}
