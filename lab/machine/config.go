// Package machine emulates one computer with QEMU: its command line as a pure function of a Config, its serial console
// as lines with the time since power-on, its events by QMP, and its end.
//
// It refuses to leave an emulator behind (package process), to guess a file's format, and to use hardware
// virtualisation that has not booted a guest first. Sources: qemu(1), QEMU's "QMP protocol specification",
// OvmfPkg/README of EDK II for the fw_cfg names.
package machine

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The choices that a Config takes; the empty string is never one of them, except where a field's comment says so.
const (
	DiskFirst    = "disk-first"
	NetworkFirst = "network-first"

	VirtIO = "virtio" // disks and NICs
	AHCI   = "ahci"
	NVMe   = "nvme"
	USB    = "usb" // a removable stick

	E1000   = "e1000"
	E1000E  = "e1000e"
	RTL8139 = "rtl8139"
	VMXNET3 = "vmxnet3"

	Raw   = "raw"
	QCOW2 = "qcow2"

	TCG = "tcg" // software emulation
	KVM = "kvm"
)

// Disk is one disk of a machine, in the order in which the firmware should try it.
type Disk struct {
	Path     string // absolute
	Format   string // raw or qcow2
	Bus      string // virtio, ahci, nvme or usb
	Serial   string // at most 20 characters; empty: disk0, disk1, …
	ReadOnly bool
	Snapshot bool // writes go to a temporary file and are lost at the end
}

// NIC is one network card. Its tap must exist in the machine's namespace.
type NIC struct {
	Tap       string // interface name
	MAC       string // as net.ParseMAC reads it
	Model     string // virtio, e1000, e1000e, rtl8139 or vmxnet3
	BootIndex int    // from 1; 0: by the machine's boot order
	NoROM     bool   // no boot ROM: BIOS then cannot boot from it, OVMF does with its own virtio driver
}

// Config is one computer. The zero values of the optional fields are documented with them.
type Config struct {
	Name      string // letters, digits and hyphens
	Dir       string // absolute; the machine's own files, made if missing
	Namespace string // network namespace to run in; empty: the caller's
	Firmware  string // one of Firmwares
	BootOrder string // disk-first or network-first
	MemoryMiB int
	CPUs      int
	Accel     string // tcg or kvm; empty: tcg
	Disks     []Disk
	NICs      []NIC

	UUID         string // SMBIOS type 1; empty: none set
	Serial       string // SMBIOS type 1
	Manufacturer string // SMBIOS type 1; empty: QEMU
	Product      string // SMBIOS type 1

	Only32Bit bool // a processor without long mode; BIOS only

	Display bool // a VGA card and the PC's keyboard, beside the serial port; BIOS only

	TPM bool // a TPM 2.0, which stays the same while Dir does

	Direct *Direct // a kernel that QEMU starts itself, past all that boots by itself; nil: none

	Clock    time.Time // what the machine's clock says at power-on; zero: the host's time
	NoReboot bool      // a guest's restart ends the machine
	HTTPBoot bool      // OVMF leaves PXE out and boots by HTTP
	IPv6Boot bool      // OVMF tries IPv6 too, which costs about half a minute where nobody answers
}

// Validate reports every fault of the configuration, naming the machine and the field.
func (c Config) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Name == "" || strings.Trim(strings.ToLower(c.Name), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		fault("name %q: want letters, digits and hyphens", c.Name)
	}
	if !filepath.IsAbs(c.Dir) {
		fault("directory %q: want an absolute path", c.Dir)
	}
	errs = append(errs, c.validateFirmware()...)
	errs = append(errs, oneOf("boot order", c.BootOrder, DiskFirst, NetworkFirst), oneOf("accelerator", c.accel(), TCG, KVM))
	if c.MemoryMiB < 64 {
		fault("memory %d MiB: want at least 64", c.MemoryMiB)
	}
	if c.CPUs < 1 {
		fault("CPUs %d: want at least 1", c.CPUs)
	}
	if c.UUID != "" && uuid.Validate(c.UUID) != nil {
		fault("UUID %q: not a UUID", c.UUID)
	}
	if c.Direct != nil {
		errs = append(errs, c.Direct.validate())
	}
	for i, d := range c.Disks {
		field := fmt.Sprintf("disk %d", i)
		if !filepath.IsAbs(d.Path) {
			fault("%s: path %q: want an absolute path", field, d.Path)
		}
		errs = append(errs, oneOf(field+": format", d.Format, Raw, QCOW2), oneOf(field+": bus", d.Bus, VirtIO, AHCI, NVMe, USB))
		if len(d.Serial) > 20 {
			fault("%s: serial %q: longer than 20 characters", field, d.Serial)
		}
	}
	for i, n := range c.NICs {
		errs = append(errs, c.validateNIC(i, n))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("machine %s: %w", c.Name, err)
	}
	return nil
}

func oneOf(field, got string, want ...string) error {
	if slices.Contains(want, got) {
		return nil
	}
	return fmt.Errorf("%s %q: want one of %s", field, got, strings.Join(want, ", "))
}

func (c Config) validateNIC(i int, n NIC) error {
	if _, err := net.ParseMAC(n.MAC); err != nil {
		return fmt.Errorf("NIC %d: MAC %q: %w", i, n.MAC, err)
	}
	if n.Tap == "" || len(n.Tap) > 15 {
		return fmt.Errorf("NIC %d: tap %q: want an interface name of 1 to 15 characters", i, n.Tap)
	}
	if _, ok := nicDevices[n.Model]; !ok {
		return fmt.Errorf("NIC %d: model %q: want one of virtio, e1000, e1000e, rtl8139, vmxnet3", i, n.Model)
	}
	if n.BootIndex < 0 {
		return fmt.Errorf("NIC %d: boot index %d: want 1 or more, or 0 for the boot order", i, n.BootIndex)
	}
	if n.NoROM && c.Firmware != BIOS && n.Model != VirtIO {
		return fmt.Errorf("NIC %d: OVMF has no driver for %s of its own: leave its ROM in, or take virtio", i, n.Model)
	}
	return nil
}

// Direct is what QEMU hands over: the firmware runs, and looks for nothing to boot.
type Direct struct {
	Kernel, Initrd string // absolute paths
	CommandLine    string
}

func (d Direct) validate() error {
	for _, path := range []string{d.Kernel, d.Initrd} {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("direct start: path %q: want an absolute path", path)
		}
	}
	return nil
}

func (d Direct) args() []string {
	return []string{"-kernel", d.Kernel, "-initrd", d.Initrd, "-append", d.CommandLine}
}

func (c Config) accel() string {
	if c.Accel == "" {
		return TCG
	}
	return c.Accel
}
