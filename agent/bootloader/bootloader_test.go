package bootloader

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/diskfs/tool"
)

// recorder stands in for the kernel and for grub-install.
type recorder struct {
	calls []string
	fail  string // the call to fail at
}

func (r *recorder) note(call string) error {
	r.calls = append(r.calls, call)
	if r.fail != "" && strings.HasPrefix(call, r.fail) {
		return errors.New("no")
	}
	return nil
}

func (r *recorder) Bind(_, target string) error { return r.note("bind " + filepath.Base(target)) }
func (r *recorder) Unbind(target string) error  { return r.note("unbind " + filepath.Base(target)) }
func (r *recorder) Run(_ context.Context, c tool.Command) error {
	return r.note(strings.Join(append([]string{c.Path}, c.Args...), " "))
}

// newTree is a system as far as this package looks at it.
func newTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{
		"boot/vmlinuz-6.1.0-9-amd64", "boot/initrd.img-6.1.0-9-amd64", "boot/vmlinuz-6.1.0-10-amd64", "boot/initrd.img-6.1.0-10-amd64",
		"boot/vmlinuz-6.5-no-initrd", "etc/fstab", "usr/sbin/grub-install", "usr/lib/grub/i386-pc/moddep.lst", "usr/lib/grub/x86_64-efi/moddep.lst",
	} {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func uefi(root string) System {
	return System{Root: root, Firmware: UEFI, Name: "Debian 12", Volumes: []Volume{
		{At: "/boot/efi", FileSystem: diskfs.FAT32, UUID: "ABCD-1234"},
		{At: "/", FileSystem: diskfs.Ext4, UUID: "8a3c9c2e-0000-4000-8000-000000000001"},
		{FileSystem: diskfs.Swap, UUID: "8a3c9c2e-0000-4000-8000-000000000002"},
	}}
}

func bios(root string) System {
	s := uefi(root)
	s.Firmware, s.Disk, s.Volumes = BIOS, "/dev/vda", s.Volumes[1:]
	return s
}

func TestInstall(t *testing.T) {
	const common = "/usr/sbin/grub-install --target="
	for _, tt := range []struct {
		name string
		s    System
		want string
	}{
		{"uefi", uefi(newTree(t)), common + "x86_64-efi --boot-directory=/boot --modules=part_gpt part_msdos ext2 --removable --no-nvram --no-uefi-secure-boot --efi-directory=/boot/efi"},
		{"bios", bios(newTree(t)), common + "i386-pc --boot-directory=/boot --modules=part_gpt part_msdos ext2 /dev/vda"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{}
			if err := (Installer{Runner: r, Mounts: r}).Install(t.Context(), tt.s); err != nil {
				t.Fatal(err)
			}
			want := []string{"bind dev", "bind proc", "bind sys", tt.want, "unbind sys", "unbind proc", "unbind dev"}
			if !slices.Equal(r.calls, want) {
				t.Errorf("got  %q\nwant %q", r.calls, want)
			}
			fstab, _ := os.ReadFile(tt.s.Root + "/etc/fstab")
			if !strings.Contains(string(fstab), "UUID=8a3c9c2e-0000-4000-8000-000000000001 / ext4") {
				t.Errorf("fstab:\n%s", fstab)
			}
		})
	}
}

func TestInstallUnbindsAfterFailure(t *testing.T) {
	for _, fail := range []string{"/usr/sbin/grub-install", "bind sys"} {
		r := &recorder{fail: fail}
		err := Installer{Runner: r, Mounts: r}.Install(t.Context(), bios(newTree(t)))
		if err == nil || r.calls[len(r.calls)-1] != "unbind dev" {
			t.Errorf("%s: %v after %q", fail, err, r.calls)
		}
	}
}

func TestInstallRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*System)
		want   string
	}{
		{"no root", func(s *System) { s.Volumes = s.Volumes[:1] }, "at /"},
		{"no esp", func(s *System) { s.Volumes = s.Volumes[1:] }, "type efi"},
		{"no uuid", func(s *System) { s.Volumes[1].UUID = "" }, "UUID"},
		{"no disk", func(s *System) { s.Firmware = BIOS }, "no disk"},
		{"firmware", func(s *System) { s.Firmware = "coreboot" }, "coreboot"},
		{"no kernel", func(s *System) { os.RemoveAll(s.Root + "/boot") }, "0 kernels"},
		{"no initramfs", func(s *System) {
			os.WriteFile(s.Root+"/boot/initrd.img-6.1.0-9-amd64", nil, 0o644)
			os.Remove(s.Root + "/boot/initrd.img-6.1.0-10-amd64")
		}, "none of them with an initramfs"},
		{"no modules", func(s *System) { os.RemoveAll(s.Root + "/usr/lib/grub") }, "grub-efi-amd64-bin"},
		{"no grub-install", func(s *System) { os.Remove(s.Root + "/usr/sbin/grub-install") }, "grub2-common"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, r := uefi(newTree(t)), &recorder{}
			tt.change(&s)
			err := Installer{Runner: r, Mounts: r}.Install(t.Context(), s)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(r.calls) > 0 {
				t.Errorf("got %v, calls %q", err, r.calls)
			}
		})
	}
}

func TestGrubConfig(t *testing.T) {
	s := uefi(newTree(t))
	s.Consoles = DefaultConsoles()
	kernels, err := Kernels(os.DirFS(s.Root))
	if err != nil {
		t.Fatal(err)
	}
	text := string(GrubConfig(s, kernels))
	newer, older := strings.Index(text, "vmlinuz-6.1.0-10-amd64 root=UUID=8a3c9c2e"), strings.Index(text, "vmlinuz-6.1.0-9-amd64")
	if newer < 0 || older < newer || strings.Contains(text, "gfxterm") || !strings.Contains(text, "console=tty0 console=ttyS0,115200") {
		t.Errorf("grub.cfg:\n%s", text)
	}
	path := filepath.Join(t.TempDir(), "grub.cfg")
	os.WriteFile(path, []byte(text), 0o644)
	if out, err := exec.Command("grub-script-check", path).CombinedOutput(); err != nil {
		t.Errorf("grub-script-check: %v\n%s", err, out)
	}
	if strings.Contains(text, "terminal_") {
		t.Errorf("UEFI with terminals of our own:\n%s", text)
	}
	s.Firmware = BIOS
	if text := string(GrubConfig(s, kernels)); !strings.Contains(text, "terminal_output console serial\n") {
		t.Errorf("BIOS:\n%s", text)
	}
	s.Volumes = append(s.Volumes, Volume{At: "/boot", FileSystem: diskfs.Ext4, UUID: "boot-uuid"})
	if text := string(GrubConfig(s, kernels)); !strings.Contains(text, "--set=root boot-uuid") || !strings.Contains(text, "linux /vmlinuz-6.1.0-10") {
		t.Errorf("separate /boot:\n%s", text)
	}
}

func TestFstab(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fstab")
	os.WriteFile(path, Fstab(uefi("").Volumes), 0o644)
	out, err := exec.Command("findmnt", "--tab-file", path, "--noheadings", "--list", "--output", "TARGET,FSTYPE").CombinedOutput()
	if err != nil || strings.Join(strings.Fields(string(out)), " ") != "/boot/efi vfat / ext4 none swap" {
		t.Errorf("findmnt: %v\n%s", err, out)
	}
}

func TestKernelsNone(t *testing.T) {
	if _, err := Kernels(fstest.MapFS{}); err == nil {
		t.Error("no kernel was accepted")
	}
}

// TestKernelMounts binds for real.
func TestKernelMounts(t *testing.T) {
	at := filepath.Join(t.TempDir(), "proc")
	m := KernelMounts{}
	if err := m.Bind("/proc", at); err != nil {
		t.Fatal(err)
	}
	_, err := os.Stat(at + "/self")
	if err := errors.Join(err, m.Unbind(at), m.Unbind(at)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Error("unbinding took the source away")
	}
}
