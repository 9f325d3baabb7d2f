// Package osimage makes the operating system image that the lab deploys: a
// bootable, minimal Debian built by mmdebstrap from Debian's own packages and
// captured into a WIM by wimlib, together with a manifest of the tree it was
// made from. Compare holds a deployed disk against that manifest.
//
// It uses the sources of packages that the host is configured with and knows
// no mirror of its own. It refuses a host whose sources carry no Debian, a tree
// that lacks what the comparison is to exercise (setuid programs, capabilities,
// symbolic and hard links), and to run as anybody but root.
package osimage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
)

// recipeVersion changes whenever code in this package changes what is built, so
// that an image cached by older code is not taken for a new one.
const recipeVersion = 2

// Recipe says what goes into the image. The zero value is not usable; take
// DefaultRecipe and change it.
type Recipe struct {
	Version     int      // of the code that reads the recipe
	Suite       string   // Debian's code name: bookworm
	Packages    []string // beyond mmdebstrap's minbase, without recommended ones
	Exclude     []string // dpkg path-exclude patterns
	Include     []string // dpkg path-include patterns, exceptions to Exclude
	Initramfs   []string // kernel modules that the initramfs carries, with what they need
	Units       []string // systemd units enabled
	HostName    string   // before the deployment gives another
	Name        string   // of the image inside the WIM
	Description string   // of the image inside the WIM
	Compression string   // wimlib's name: XPRESS, LZX, none
}

// DefaultRecipe is Debian 12 with a kernel, both boot loaders' modules, network
// and a serial console. Documentation, translations and the kernel's modules for
// sound, cameras, graphics and the like are left out to keep deployments short.
func DefaultRecipe() Recipe {
	return Recipe{
		Version: recipeVersion,
		Suite:   "bookworm",
		Packages: []string{
			"linux-image-amd64", "initramfs-tools", "zstd", "kmod",
			"systemd-sysv", "systemd-resolved", "udev", "dbus", "usr-is-merged",
			"grub-pc-bin", "grub-efi-amd64-bin", "grub2-common", "grub-efi-amd64-signed", "shim-signed",
			"iproute2", "iputils-ping", "libcap2-bin", "e2fsprogs", "dosfstools",
		},
		Exclude:     append(docExcludes(), moduleExcludes()...),
		Include:     []string{"/usr/share/doc/*/copyright"},
		Initramfs:   bootModules(),
		Units:       []string{"systemd-networkd.service", "systemd-resolved.service", "serial-getty@ttyS0.service"},
		HostName:    "debian",
		Name:        "Debian 12",
		Description: "Debian 12 (bookworm) amd64, minimal, from Debian's packages",
		Compression: "XPRESS",
	}
}

// With is the recipe with more packages, as Debian names them. Without any it is the recipe itself, and has its key.
func (r Recipe) With(packages ...string) Recipe {
	r.Packages = slices.Concat(r.Packages, packages)
	return r
}

// WithModules is With for kernel modules of the initramfs.
func (r Recipe) WithModules(modules ...string) Recipe {
	r.Initramfs = slices.Concat(r.Initramfs, modules)
	return r
}

func docExcludes() []string {
	return []string{
		"/usr/share/man/*", "/usr/share/doc/*", "/usr/share/info/*",
		"/usr/share/locale/*", "/usr/share/lintian/*", "/usr/share/bug/*",
	}
}

// moduleExcludes names kernel modules that no minimal server or desktop boot
// needs. The simple frame buffer stays, so a screen still shows the console.
func moduleExcludes() []string {
	var out []string
	for _, dir := range []string{
		"sound", "drivers/gpu/drm/amd", "drivers/gpu/drm/i915", "drivers/gpu/drm/nouveau",
		"drivers/gpu/drm/radeon", "drivers/media", "drivers/infiniband", "drivers/iio",
		"drivers/staging", "drivers/comedi", "drivers/net/wireless", "drivers/isdn",
		"drivers/hwmon", "fs/ocfs2", "fs/ceph", "fs/jfs", "fs/reiserfs", "drivers/target",
		"net/bluetooth", "drivers/bluetooth", "net/mac80211",
	} {
		out = append(out, "/lib/modules/*/kernel/"+dir+"/*", "/usr/lib/modules/*/kernel/"+dir+"/*")
	}
	return out
}

// bootModules find the disk and a keyboard on virtual machines and on PCs of the
// last fifteen years. Debian's own choice (MODULES=most) adds every network card
// and takes more than a minute to pack on two cores; this takes seconds and is
// a third of the size to load.
func bootModules() []string {
	return []string{
		"virtio_pci", "virtio_mmio", "virtio_blk", "virtio_scsi", // QEMU, clouds
		"ahci", "ata_piix", "ata_generic", "pata_acpi", "sata_nv", "sata_sil", "sata_via", // SATA, IDE
		"nvme", "vmd", // NVMe, Intel's volume management
		"sd_mod", "sr_mod", "uas", "usb_storage", "sdhci_pci", "sdhci_acpi", "mmc_block", // SCSI, USB, eMMC
		"megaraid_sas", "mpt3sas", "mptspi", "mptsas", "aacraid", "hpsa", "smartpqi", "sym53c8xx", // RAID, SAS
		"hv_vmbus", "hv_storvsc", "vmw_pvscsi", "xen_blkfront", // other hypervisors
		"xhci_pci", "ehci_pci", "ohci_pci", "uhci_hcd", "usbhid", "hid_generic", "hyperv_keyboard", // keyboards
		"ext4", "crc32c_generic", "crc32c_intel", "vfat", "nls_cp437", "nls_ascii",
	}
}

// key names the image in the cache: the recipe, the architecture's sources and
// the date of their newest index. Same key, same packages.
func key(r Recipe, sources []Source, index time.Time) (string, error) {
	raw, err := json.Marshal(struct {
		Recipe  Recipe
		Sources []Source
		Index   time.Time
	}{r, sources, index.UTC()})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), nil
}
