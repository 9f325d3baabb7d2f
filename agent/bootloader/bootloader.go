// Package bootloader makes a Linux system that was laid down on a disk bootable
// from there: GRUB by the system's own grub-install, in a chroot, or on UEFI the
// loaders that its distribution signed, where it brings them; a grub.cfg of our own;
// fstab by UUID, crypttab, and for an encrypted root an initramfs that opens it.
//
// It writes grub.cfg itself, because grub-mkconfig is slow and its graphical
// terminal hangs machines that have no display. It leaves the firmware's boot
// entries alone: on UEFI the loader goes where firmware looks by itself
// (EFI/BOOT/BOOTX64.EFI, UEFI specification 2.10, 3.5.1.1). It refuses a system
// that has no kernel, no initramfs or no boot loader, and one without signed loaders
// where Secure Boot is on.
package bootloader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/diskfs/tool"
)

// Firmware is what starts the machine.
type Firmware string

// The kinds of firmware.
const (
	BIOS Firmware = "bios"
	UEFI Firmware = "uefi"
)

// Volume is a volume of the installed system.
type Volume struct {
	At         string // where it is mounted there: /, /boot, /boot/efi, /srv/records; none for swap
	FileSystem diskfs.FileSystem
	UUID       string // as in diskfs.Signature; none for swap with a random key
	// LUKS is the UUID of the volume's LUKS2 header, RandomKey the PARTUUID of swap that gets
	// a new random key at each start; both are empty where nothing is encrypted.
	LUKS, RandomKey string
}

// System is what is to be made bootable. Its volumes are mounted below Root.
type System struct {
	Root     string // folder
	Firmware Firmware
	Disk     string   // /dev/vda: where BIOS looks; unused on UEFI
	Volumes  []Volume // one at /, and on UEFI one at /boot/efi
	Name     string   // for the menu; empty: Linux
	Consoles []string // console= arguments, the last is /dev/console; nil: DefaultConsoles
	// SecureBoot says that the firmware starts what is signed only.
	SecureBoot bool
}

// DefaultConsoles are screen and first serial port.
func DefaultConsoles() []string { return []string{"tty0", "ttyS0,115200"} }

// Mounter makes /dev, /proc and /sys visible inside the system. Bind mounts
// source and all below it at target; Unbind takes that away again, and is not an
// error where nothing is mounted.
type Mounter interface {
	Bind(source, target string) error
	Unbind(target string) error
}

// Installer installs boot loaders.
type Installer struct {
	Runner tool.Runner
	Mounts Mounter
	// Step, if not nil, is told in words what is done next.
	Step func(string)
}

// Install writes fstab, grub.cfg and GRUB's settings, and puts the boot loader in
// place. It may be repeated.
func (in Installer) Install(ctx context.Context, s System) error {
	if err := in.install(ctx, s); err != nil {
		return fmt.Errorf("install boot loader (%s) in %s: %w", s.Firmware, s.Root, err)
	}
	return nil
}

func (in Installer) install(ctx context.Context, s System) error {
	if err := s.check(); err != nil {
		return err
	}
	if s.Consoles == nil {
		s.Consoles = DefaultConsoles()
	}
	root, err := os.OpenRoot(s.Root)
	if err != nil {
		return err
	}
	defer root.Close()
	kernels, err := Kernels(root.FS())
	if err != nil {
		return err
	}
	chain, err := signed(root, s)
	if err != nil {
		return err
	}
	if err := s.able(root, kernels); err != nil {
		return err
	}
	in.say("write fstab and grub.cfg")
	if err := writeFiles(root, s, kernels); err != nil {
		return err
	}
	if s.root().LUKS != "" {
		if err := in.initramfs(ctx, s, kernels); err != nil {
			return err
		}
	}
	if chain {
		in.say("copy the signed shim and GRUB" + map[bool]string{true: ": Secure Boot is on"}[s.SecureBoot])
		return copySigned(root, s)
	}
	in.say("grub-install for " + string(s.Firmware))
	return in.grub(ctx, root.FS(), s)
}

func (in Installer) say(text string) {
	if in.Step != nil {
		in.Step(text)
	}
}

// check refuses a system that could not boot.
func (s System) check() error {
	if s.at("/") == nil {
		return errors.New("no volume is mounted at /; name the one that holds the system")
	}
	for _, v := range s.Volumes {
		if v.UUID == "" && v.RandomKey == "" {
			return fmt.Errorf("volume %q (%s) has no UUID; format it first", v.At, v.FileSystem)
		}
	}
	if err := s.checkSealed(); err != nil {
		return err
	}
	switch s.Firmware {
	case BIOS:
		if s.Disk == "" {
			return errors.New("no disk named to write the boot sector to")
		}
	case UEFI:
		if v := s.at(espMount); v == nil || v.FileSystem != diskfs.FAT32 {
			return fmt.Errorf("no fat32 volume at %s; add a volume of type efi to the partition step", espMount)
		}
	default:
		return fmt.Errorf("firmware %q: want bios or uefi", s.Firmware)
	}
	return nil
}

func (s System) at(dir string) *Volume {
	i := slices.IndexFunc(s.Volumes, func(v Volume) bool { return v.At == dir })
	if i < 0 {
		return nil
	}
	return &s.Volumes[i]
}

const (
	espMount    = "/boot/efi"
	grubInstall = "/usr/sbin/grub-install"
)

// binds are made visible in the chroot, in this order.
func binds() []string { return []string{"/dev", "/proc", "/sys"} }

// grub runs the system's grub-install inside it.
func (in Installer) grub(ctx context.Context, tree fs.FS, s System) error {
	target, args := "i386-pc", []string{s.Disk}
	if s.Firmware == UEFI {
		target = "x86_64-efi"
		args = []string{"--removable", "--no-nvram", "--no-uefi-secure-boot", "--efi-directory=" + espMount}
	}
	if _, err := fs.Stat(tree, "usr/lib/grub/"+target+"/moddep.lst"); err != nil {
		return fmt.Errorf("the system has no GRUB for %s; put grub-pc-bin and grub-efi-amd64-bin into the image: %w", target, err)
	}
	if _, err := fs.Stat(tree, grubInstall[1:]); err != nil {
		return fmt.Errorf("the system has no grub-install; put grub2-common into the image: %w", err)
	}
	boot, _ := s.boot()
	args = append([]string{"--target=" + target, "--boot-directory=/boot", "--modules=part_gpt part_msdos " + grubModule(boot.FileSystem)}, args...)
	return in.inside(s, func() error {
		return in.Runner.Run(ctx, tool.Command{Path: grubInstall, Args: args, Root: s.Root})
	})
}

// inside runs what needs the devices and the kernel's file systems in the system.
func (in Installer) inside(s System, run func() error) (err error) {
	for _, dir := range binds() {
		at := s.Root + dir
		if err := in.Mounts.Bind(dir, at); err != nil {
			return fmt.Errorf("bind %s: %w", dir, err)
		}
		defer func() {
			if e := in.Mounts.Unbind(at); e != nil {
				err = errors.Join(err, fmt.Errorf("unbind %s: %w", at, e))
			}
		}()
	}
	return run()
}
