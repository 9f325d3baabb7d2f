package bootloader

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/diskfs/tool"
)

// initrd lists what an initramfs holds that opens an encrypted root.
const initrd = "cryptroot\ncryptroot/crypttab\netc/initramfs-tools/unlock-root\nusr/lib/cryptsetup/askpass\nusr/sbin/cryptsetup\nscripts/local-top/cryptroot\n"

// builder is a recorder whose lsinitramfs prints a list.
type builder struct {
	*recorder
	list string
}

func (b builder) Run(ctx context.Context, c tool.Command) error {
	if c.Path == listInitramfs {
		for line := range strings.Lines(b.list) {
			c.Line(strings.TrimSpace(line))
		}
	}
	return b.recorder.Run(ctx, c)
}

// sealedRoot is a system on an encrypted volume that can open it.
func sealedRoot(t *testing.T, firmware func(string) System, tree string) System {
	for _, name := range []string{CryptHook, updateInitramfs, listInitramfs} {
		put(t, tree, name, "x")
	}
	if err := os.MkdirAll(filepath.Join(tree, filepath.Dir(unlockHook)), 0o755); err != nil {
		t.Fatal(err)
	}
	s := firmware(tree)
	for i := range s.Volumes {
		if s.Volumes[i].At == "/" {
			s.Volumes[i].LUKS = "8a3c9c2e-0000-4000-8000-0000000000dd"
		}
	}
	s.Volumes = append(s.Volumes, Volume{At: "/boot", FileSystem: diskfs.Ext4, UUID: "8a3c9c2e-0000-4000-8000-0000000000ee"})
	return s
}

// TestSealedRoot: the boot loader reads /boot, whatever it is; initramfs and fstab name the volume.
func TestSealedRoot(t *testing.T) {
	for name, s := range map[string]System{
		"unsigned": sealedRoot(t, uefi, newTree(t)), "signed": sealedRoot(t, uefi, signedTree(t)), "bios": sealedRoot(t, bios, newTree(t)),
	} {
		r := builder{&recorder{}, initrd}
		if err := (Installer{Runner: r, Mounts: r}).Install(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := []string{"bind dev", "bind proc", "bind sys",
			"/usr/sbin/update-initramfs -u -k 6.1.0-10-amd64", "/usr/bin/lsinitramfs /boot/initrd.img-6.1.0-10-amd64",
			"/usr/sbin/update-initramfs -u -k 6.1.0-9-amd64", "/usr/bin/lsinitramfs /boot/initrd.img-6.1.0-9-amd64", "unbind sys", "unbind proc", "unbind dev"}
		if len(r.calls) < len(want) || !slices.Equal(r.calls[:len(want)], want) || (len(r.calls) == len(want)) != (name == "signed") {
			t.Errorf("%s: calls\n%s", name, strings.Join(r.calls, "\n"))
		}
		for file, want := range map[string]string{
			"etc/crypttab":           "luks-8a3c9c2e-0000-4000-8000-0000000000dd UUID=8a3c9c2e-0000-4000-8000-0000000000dd none luks,initramfs,keyscript=/etc/initramfs-tools/unlock-root\n",
			"etc/fstab":              "/dev/mapper/luks-8a3c9c2e-0000-4000-8000-0000000000dd / ext4 errors=remount-ro 0 1\n",
			"boot/grub/grub.cfg":     "search --no-floppy --fs-uuid --set=root 8a3c9c2e-0000-4000-8000-0000000000ee\nmenuentry 'Debian 12, 6.1.0-10-amd64' {\n  linux /vmlinuz-6.1.0-10-amd64 root=/dev/mapper/luks-8a3c9c2e-0000-4000-8000-0000000000dd ro ",
			unlockScript:             "/dev/disk/by-uuid/8a3c9c2e-0000-4000-8000-0000000000ee",
			"boot/../" + unlockHook:  "manual_add_modules ext4 ext4 dm_mod dm_crypt",
			"etc/../" + unlockScript: "bootward-unlock.key",
		} {
			if raw, err := os.ReadFile(filepath.Join(s.Root, file)); err != nil || !strings.Contains(string(raw), want) {
				t.Errorf("%s: %s: %v\n%s", name, file, err, raw)
			}
		}
		if info, err := os.Stat(filepath.Join(s.Root, unlockScript)); err != nil || info.Mode() != 0o755 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestSealedRootRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(s *System)
		list   string
		want   string
	}{
		{"no /boot", func(s *System) { s.Volumes = s.Volumes[:3] }, initrd, "no open volume is mounted at /boot"},
		{"closed /boot", func(s *System) { s.Volumes[3].LUKS = "x" }, initrd, "no open volume is mounted at /boot"},
		{"no package", func(s *System) { os.Remove(filepath.Join(s.Root, CryptHook)) }, initrd, "put the package cryptsetup-initramfs into the image"},
		{"no lsinitramfs", func(s *System) { os.Remove(s.Root + listInitramfs) }, initrd, "no initramfs-tools"},
		{"initramfs as before", func(*System) {}, "scripts/local-top/cryptroot\nsbin/cryptsetup\n", "lacks cryptroot/crypttab, etc/initramfs-tools/unlock-root, lib/cryptsetup/askpass"},
	} {
		s, r := sealedRoot(t, uefi, newTree(t)), builder{&recorder{}, tt.list}
		tt.change(&s)
		err := Installer{Runner: r, Mounts: r}.Install(t.Context(), s)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(strings.Join(r.calls, " "), "grub-install") {
			t.Errorf("%s: %v, %q", tt.name, err, r.calls)
		}
	}
}

// TestUnlockScript runs the script of the initramfs by busybox, with programs in the place of mount and askpass.
func TestUnlockScript(t *testing.T) {
	const late = "the volume of /boot comes late"
	for _, tt := range []struct {
		name, key, consoles, tried, want string
	}{
		{"the key lies there", "lent", "tty0 ttyS0", "0", "lent"},
		{late, "lent", "tty0 ttyS0", "0", "lent"},
		{"it opened nothing", "lent", "tty0 ttyS0", "1", "typed at ttyS0"},
		{"it is gone", "", "tty0 ttyS0", "0", "typed at ttyS0"},
		{"one console", "", "ttyS0", "0", "typed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			node := filepath.Join(dir, "by-uuid/uuid")
			put(t, dir, "by-uuid/uuid", "")
			text := strings.ReplaceAll(script, `2>"/dev/$console"`, "2>/dev/null") // which would empty a file
			for from, to := range map[string]string{"/run/": dir + "/run/", "/sys/class/tty/console/active": dir + "/active", "/dev/$console": dir + "/$console", "=/lib/cryptsetup/": "=" + dir + "/", "/dev/disk/": dir + "/", "#!/bin/sh": ""} {
				text = strings.ReplaceAll(text, from, to)
			}
			text = strings.NewReplacer("%[1]s", "uuid", "%[2]s", "key", "%%", "%").Replace(text)
			put(t, dir, "active", tt.consoles+"\n")
			put(t, dir, "tty0", "")
			put(t, dir, "ttyS0", "typed at ttyS0\n")
			// The screen stays silent: whoever asks there waits until it is ended.
			put(t, dir, "askpass", "#!/bin/sh\nread -r typed || { [ -t 0 ] || exec sleep 20; }\nprintf %s \"$typed\"\n")
			put(t, dir, "bin/mount", "#!/bin/sh\n[ -e "+node+" ] || exit 1\nfor at; do :; done\n[ -z '"+tt.key+"' ] || printf %s '"+tt.key+"' >$at/key\n")
			put(t, dir, "bin/umount", "#!/bin/sh\nrm -f $1/key\n")
			put(t, dir, "bin/pidof", "#!/bin/sh\n") // it would find those of others
			put(t, dir, "run/x", "")
			if tt.name == late {
				put(t, dir, "bin/sleep", "#!/bin/sh\n: >"+node+"\n")
				if err := os.Remove(node); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), "busybox", "sh", "-c", text)
			cmd.Env = []string{"PATH=" + dir + "/bin:/usr/bin:/bin", "CRYPTTAB_TRIED=" + tt.tried}
			cmd.Stdin = strings.NewReader("typed\n") // the last of the kernel's consoles
			out, err := cmd.Output()
			if err != nil || string(out) != tt.want {
				t.Errorf("got %q, %v, want %q", out, err, tt.want)
			}
			if left, _ := filepath.Glob(dir + "/run/*"); len(left) != 1 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}
