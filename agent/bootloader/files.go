package bootloader

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/bootward/bootward/agent/tree"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/osd/version"
)

// Kernel is a kernel of the installed system.
type Kernel struct {
	Version string // 6.1.0-56-amd64
	Image   string // file in /boot: vmlinuz-6.1.0-56-amd64
	Initrd  string // file in /boot: initrd.img-6.1.0-56-amd64
}

// Kernels lists the kernels in /boot of the tree that have an initramfs, newest
// first. None is an error.
func Kernels(tree fs.FS) ([]Kernel, error) {
	names, err := fs.Glob(tree, "boot/vmlinuz-*")
	if err != nil {
		return nil, err
	}
	var out []Kernel
	for _, name := range names {
		version := strings.TrimPrefix(path.Base(name), "vmlinuz-")
		for _, initrd := range []string{"initrd.img-" + version, "initramfs-" + version + ".img"} {
			if info, err := fs.Stat(tree, "boot/"+initrd); err == nil && info.Size() > 0 {
				out = append(out, Kernel{Version: version, Image: path.Base(name), Initrd: initrd})
				break
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("/boot holds %d kernels and none of them with an initramfs; the image needs linux-image and initramfs-tools", len(names))
	}
	slices.SortFunc(out, func(a, b Kernel) int { return -version.Compare(a.Version, b.Version) })
	return out, nil
}

// Fstab is /etc/fstab (fstab(5)) for the volumes.
func Fstab(volumes []Volume) []byte {
	var b bytes.Buffer
	b.WriteString("# Written by the deployment. file system, mount point, type, options, dump, pass\n")
	for _, v := range volumes {
		switch {
		case v.RandomKey != "":
			fmt.Fprintf(&b, "/dev/mapper/%s none swap sw 0 0\n", v.mapping())
		case v.FileSystem == diskfs.Swap:
			fmt.Fprintf(&b, "UUID=%s none swap sw 0 0\n", v.UUID)
		case v.At == "":
		case v.At == "/":
			fmt.Fprintf(&b, "%s / %s %s 0 %d\n", v.device(), v.FileSystem, rootOptions(v.FileSystem), pass(v.FileSystem, 1))
		case v.LUKS != "": // opened when somebody has typed the passphrase, for which nothing waits
			fmt.Fprintf(&b, "/dev/mapper/%s %s %s defaults,nofail 0 %d\n", v.mapping(), v.At, v.FileSystem, pass(v.FileSystem, 2))
		case v.At == espMount:
			fmt.Fprintf(&b, "UUID=%s %s vfat umask=0077 0 1\n", v.UUID, v.At)
		case v.FileSystem == diskfs.FAT32:
			fmt.Fprintf(&b, "UUID=%s %s vfat defaults 0 2\n", v.UUID, v.At)
		default:
			fmt.Fprintf(&b, "UUID=%s %s %s defaults 0 %d\n", v.UUID, v.At, v.FileSystem, pass(v.FileSystem, 2))
		}
	}
	return b.Bytes()
}

// rootOptions are those of the volume at /. XFS knows no errors=, and repairs itself at the mount.
func rootOptions(f diskfs.FileSystem) string {
	if f == diskfs.XFS {
		return "defaults"
	}
	return "errors=remount-ro"
}

// pass is the order of checks at start: none for XFS, whose fsck does nothing.
func pass(f diskfs.FileSystem, n int) int {
	if f == diskfs.XFS {
		return 0
	}
	return n
}

// terminals are those of GRUB. UEFI firmware copies its console to the serial port
// by itself where it is told to; with a terminal of our own all came twice.
func (s System) terminals() string {
	if s.Firmware == UEFI {
		return "console"
	}
	return "console serial"
}

// boot is the volume that holds the kernels, and their folder there.
func (s System) boot() (v *Volume, dir string) {
	if v := s.at("/boot"); v != nil {
		return v, ""
	}
	return s.at("/"), "/boot"
}

// GrubConfig is /boot/grub/grub.cfg: one entry per kernel, no graphics, no menu
// unless Escape is pressed within a second, and on BIOS the serial port as a second
// terminal where there is one.
func GrubConfig(s System, kernels []Kernel) []byte {
	boot, dir := s.boot()
	var b bytes.Buffer
	b.WriteString(`# Written by the deployment.
set default=0
set timeout_style=hidden
set timeout=1
set gfxpayload=text
insmod part_gpt
insmod part_msdos
`)
	fmt.Fprintf(&b, "insmod %s\n", grubModule(boot.FileSystem))
	if s.Firmware == BIOS {
		fmt.Fprintf(&b, "if serial --unit=0 --speed=115200; then\n  terminal_input %[1]s\n  terminal_output %[1]s\nfi\n", s.terminals())
	}
	fmt.Fprintf(&b, "search --no-floppy --fs-uuid --set=root %s\n", boot.UUID)
	for _, k := range kernels {
		fmt.Fprintf(&b, "menuentry '%s, %s' {\n  linux %s/%s root=%s ro %s\n  initrd %s/%s\n}\n",
			cmp.Or(s.Name, "Linux"), k.Version, dir, k.Image, s.root().device(), consoles(s), dir, k.Initrd)
	}
	return b.Bytes()
}

// consoles as kernel arguments.
func consoles(s System) string {
	var out []string
	for _, c := range s.Consoles {
		out = append(out, "console="+c)
	}
	return strings.Join(out, " ")
}

// grubDefaults keeps a later update-grub, which a new kernel's package runs, from
// choosing the graphical terminal and from forgetting the consoles.
func grubDefaults(s System) []byte {
	return fmt.Appendf(nil, `# Written by the deployment.
GRUB_TIMEOUT_STYLE=hidden
GRUB_TIMEOUT=1
GRUB_GFXPAYLOAD_LINUX=text
GRUB_TERMINAL="%s"
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="%s"
`, s.terminals(), consoles(s))
}

// writeFiles writes everything that is text.
func writeFiles(root *os.Root, s System, kernels []Kernel) error {
	for _, dir := range []string{"boot/grub", "etc/default/grub.d"} {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return errors.Join(
		tree.Write(root, "etc/fstab", Fstab(s.Volumes)),
		writeCrypttab(root, s.Volumes),
		writeSealed(root, s),
		tree.Write(root, "boot/grub/grub.cfg", GrubConfig(s, kernels)),
		tree.Write(root, "etc/default/grub.d/bootward.cfg", grubDefaults(s)),
	)
}
