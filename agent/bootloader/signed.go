package bootloader

import (
	"errors"
	"fmt"
	"os"

	"github.com/bootward/bootward/agent/tree"
)

// loader is a boot loader that the distribution signed: where its packages put it, and
// its name on the ESP.
type loader struct{ from, to string }

// signedLoaders are Debian's: shim where firmware looks by itself, and beside it what
// shim starts. Shim's fallback (fbx64.efi) is not among them: in that folder shim starts
// it first, it makes boot entries of what it finds in other folders and restarts the
// machine, and on some that is a loop (https://github.com/rhboot/shim/issues/545).
func signedLoaders() []loader {
	return []loader{
		{"usr/lib/shim/shimx64.efi.signed", "BOOTX64.EFI"},
		{"usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "grubx64.efi"},
		{"usr/lib/shim/mmx64.efi.signed", "mmx64.efi"}, // for who enrolls a key
	}
}

// signedPackages are where they come from.
const signedPackages = "shim-signed and grub-efi-amd64-signed"

// removable is the folder on the ESP in which firmware looks by itself.
const removable = espMount + "/EFI/BOOT"

// signedPrefix is where Debian's signed GRUB looks first. If there is nothing it asks all disks for
// an installation medium before it looks beside itself: one that was left in the machine
// would start instead of the system.
const signedPrefix = espMount + "/EFI/debian"

// signed says whether the system brings signed loaders; where Secure Boot is on it must.
func signed(root *os.Root, s System) (bool, error) {
	if s.Firmware != UEFI {
		return false, nil
	}
	for _, l := range signedLoaders() {
		f, err := tree.Open(root, l.from)
		switch {
		case err == nil:
			f.Close()
		case s.SecureBoot:
			return false, fmt.Errorf("Secure Boot is on, and the firmware would not start what the image brings; put %s into it: %w", signedPackages, err)
		default:
			return false, nil
		}
	}
	return true, nil
}

// copySigned puts the signed loaders onto the ESP. The signed GRUB has its modules built
// in, so grub-install has nothing to add but its grub.cfg.
func copySigned(root *os.Root, s System) error {
	for _, dir := range []string{removable, signedPrefix} {
		if err := root.MkdirAll(dir[1:], 0o755); err != nil {
			return err
		}
		if err := tree.Write(root, dir[1:]+"/grub.cfg", espConfig(s)); err != nil {
			return err
		}
	}
	for _, l := range signedLoaders() {
		if err := copyLoader(root, l); err != nil {
			return err
		}
	}
	return nil
}

func copyLoader(root *os.Root, l loader) error {
	f, err := tree.Open(root, l.from)
	if err != nil {
		return err
	}
	return errors.Join(tree.Copy(root, removable[1:]+"/"+l.to, 0o644, f), f.Close())
}

// espConfig leads GRUB from the ESP to the configuration of the system.
func espConfig(s System) []byte {
	boot, dir := s.boot()
	return fmt.Appendf(nil, "# Written by the deployment.\nsearch.fs_uuid %s root\nset prefix=($root)%s/grub\nconfigfile $prefix/grub.cfg\n", boot.UUID, dir)
}
