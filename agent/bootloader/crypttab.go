package bootloader

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/bootward/bootward/agent/tree"
	"github.com/bootward/bootward/diskfs"
)

// mapping is the name under /dev/mapper of an encrypted volume in the installed system.
func (v Volume) mapping() string {
	if v.RandomKey != "" {
		return "swap-" + v.RandomKey
	}
	return "luks-" + v.LUKS
}

// device names the volume in fstab and for the kernel.
func (v Volume) device() string {
	if v.LUKS != "" {
		return "/dev/mapper/" + v.mapping()
	}
	return "UUID=" + v.UUID
}

// Crypttab is /etc/crypttab (crypttab(5)) for the volumes; nil if none is encrypted. Volumes
// with a passphrase ask for it at each start, and the start does not wait for the answer; but for
// the root, which the initramfs opens by our keyscript.
func Crypttab(volumes []Volume) []byte {
	var b bytes.Buffer
	for _, v := range volumes {
		switch {
		case v.RandomKey != "":
			fmt.Fprintf(&b, "%s PARTUUID=%s /dev/urandom swap,cipher=aes-xts-plain64,size=512\n", v.mapping(), v.RandomKey)
		case v.LUKS != "" && v.At == "/":
			fmt.Fprintf(&b, "%s UUID=%s none luks,initramfs,keyscript=/%s\n", v.mapping(), v.LUKS, unlockScript)
		case v.LUKS != "":
			fmt.Fprintf(&b, "%s UUID=%s none luks,nofail\n", v.mapping(), v.LUKS)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return append([]byte("# Written by the deployment. name, device, key, options\n"), b.Bytes()...)
}

// writeCrypttab replaces the crypttab that the image brought, which names other disks; an
// image without one gets one only if it is needed.
func writeCrypttab(root *os.Root, volumes []Volume) error {
	text := Crypttab(volumes)
	if _, err := root.Lstat("etc/crypttab"); text == nil && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if text == nil {
		text = []byte("# Written by the deployment. No volume is encrypted.\n")
	}
	return tree.Write(root, "etc/crypttab", text)
}

// grubModule is GRUB's driver of a file system.
func grubModule(f diskfs.FileSystem) string {
	if f == diskfs.XFS {
		return "xfs"
	}
	return "ext2" // and ext3 and ext4
}

// able refuses volumes that the system could not open or mount at its start.
func (s System) able(root *os.Root, kernels []Kernel) error {
	for _, v := range s.Volumes {
		var err error
		switch {
		case v.LUKS != "" && v.At == "/":
			err = ableSealed(root)
		case v.RandomKey+v.LUKS != "":
			err = opens(root)
		}
		if err != nil {
			return err
		}
		if v.FileSystem != diskfs.XFS {
			continue
		}
		for _, k := range kernels {
			if !hasModule(root.FS(), k.Version, "xfs") {
				return fmt.Errorf("volume %s is xfs, and kernel %s of the image has no module for it; use ext4", v.At, k.Version)
			}
		}
		if raw, _ := fs.ReadFile(root.FS(), "etc/initramfs-tools/initramfs.conf"); v.At == "/" && dependent(raw) {
			return errors.New("the system is on xfs, and the image was made with MODULES=dep in /etc/initramfs-tools/initramfs.conf, which leaves out what its own disk did not need; set MODULES=most, run update-initramfs -u and capture the image again, or use ext4")
		}
	}
	return nil
}

// opens refuses a system that lacks the programs behind crypttab.
func opens(root *os.Root) error {
	for _, dir := range []string{"usr/lib/systemd/", "lib/systemd/"} {
		if f, err := tree.Open(root, dir+"systemd-cryptsetup"); err == nil {
			return f.Close()
		}
	}
	return errors.New("a volume is encrypted, and the image has no systemd-cryptsetup to open it; put cryptsetup and, from Debian 13 on, systemd-cryptsetup into the image")
}

// dependent says whether initramfs-tools takes only what the machine needs that it runs on.
func dependent(conf []byte) bool {
	out := false
	for line := range strings.Lines(string(conf)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "MODULES="); ok {
			out = strings.Trim(value, `"'`) == "dep"
		}
	}
	return out
}

// hasModule looks for a module of a kernel; one may be built in.
func hasModule(system fs.FS, release, name string) bool {
	for _, base := range []string{"usr/lib/modules/", "lib/modules/"} {
		builtin, _ := fs.ReadFile(system, base+release+"/modules.builtin")
		if bytes.Contains(builtin, []byte("/"+name+".ko")) {
			return true
		}
		if m, _ := fs.Glob(system, path.Join(base, release, "kernel/fs", name, name+".ko*")); len(m) > 0 {
			return true
		}
	}
	return false
}
