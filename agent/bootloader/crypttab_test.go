package bootloader

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/diskfs"
)

// sealed is a system with every kind of encrypted volume, and xfs.
func sealed(root string) System {
	s := uefi(root)
	s.Volumes[2] = Volume{FileSystem: diskfs.Swap, RandomKey: "8a3c9c2e-0000-4000-8000-0000000000aa"}
	s.Volumes = append(s.Volumes,
		Volume{At: "/srv/records", FileSystem: diskfs.XFS, UUID: "inner-uuid", LUKS: "8a3c9c2e-0000-4000-8000-0000000000bb"},
		Volume{At: "/srv/open", FileSystem: diskfs.XFS, UUID: "8a3c9c2e-0000-4000-8000-0000000000cc"},
		Volume{At: "/srv/exchange", FileSystem: diskfs.FAT32, UUID: "1234-ABCD"})
	return s
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// able has what encrypted volumes and xfs need.
func ableTree(t *testing.T) string {
	root := newTree(t)
	put(t, root, "usr/lib/systemd/systemd-cryptsetup", "x")
	put(t, root, "usr/lib/modules/6.1.0-10-amd64/modules.builtin", "kernel/fs/xfs/xfs.ko\n")
	put(t, root, "usr/lib/modules/6.1.0-9-amd64/kernel/fs/xfs/xfs.ko.xz", "x")
	return root
}

// TestCrypttab: volumes are named by what is unique in the world, nothing waits for a
// passphrase, and what the image brought is gone.
func TestCrypttab(t *testing.T) {
	s := sealed(ableTree(t))
	put(t, s.Root, "etc/crypttab", "swap /dev/sda2 /dev/urandom swap\n")
	r := &recorder{}
	if err := (Installer{Runner: r, Mounts: r}).Install(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	crypttab, _ := os.ReadFile(s.Root + "/etc/crypttab")
	const want = `swap-8a3c9c2e-0000-4000-8000-0000000000aa PARTUUID=8a3c9c2e-0000-4000-8000-0000000000aa /dev/urandom swap,cipher=aes-xts-plain64,size=512
luks-8a3c9c2e-0000-4000-8000-0000000000bb UUID=8a3c9c2e-0000-4000-8000-0000000000bb none luks,nofail
`
	if _, rest, _ := strings.Cut(string(crypttab), "\n"); rest != want {
		t.Errorf("crypttab:\n%s", crypttab)
	}
	fstab, _ := os.ReadFile(s.Root + "/etc/fstab")
	for _, want := range []string{
		"/dev/mapper/swap-8a3c9c2e-0000-4000-8000-0000000000aa none swap sw 0 0\n",
		"/dev/mapper/luks-8a3c9c2e-0000-4000-8000-0000000000bb /srv/records xfs defaults,nofail 0 0\n",
		"UUID=8a3c9c2e-0000-4000-8000-0000000000cc /srv/open xfs defaults 0 0\n", "UUID=1234-ABCD /srv/exchange vfat defaults 0 2\n",
	} {
		if !strings.Contains(string(fstab), want) {
			t.Errorf("no %q in fstab:\n%s", want, fstab)
		}
	}
	if out, err := exec.Command("findmnt", "--verify", "--tab-file", s.Root+"/etc/fstab").CombinedOutput(); strings.Contains(string(out), "parse error") && !strings.Contains(string(out), "0 parse errors") {
		t.Errorf("findmnt: %v\n%s", err, out)
	}
	s.Volumes = s.Volumes[:2] // deployed again, without encryption
	if err := (Installer{Runner: r, Mounts: r}).Install(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if crypttab, _ := os.ReadFile(s.Root + "/etc/crypttab"); strings.Contains(string(crypttab), "swap") {
		t.Errorf("crypttab:\n%s", crypttab)
	}
}

// TestXFSRoot: GRUB reads the kernel from xfs, and the kernel mounts it without ext4's options.
func TestXFSRoot(t *testing.T) {
	s := bios(ableTree(t))
	s.Volumes[0].FileSystem = diskfs.XFS
	r := &recorder{}
	if err := (Installer{Runner: r, Mounts: r}).Install(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(r.calls, "\n"), "--modules=part_gpt part_msdos xfs ") {
		t.Errorf("%q", r.calls)
	}
	grub, _ := os.ReadFile(s.Root + "/boot/grub/grub.cfg")
	fstab, _ := os.ReadFile(s.Root + "/etc/fstab")
	if !strings.Contains(string(grub), "insmod xfs\n") || !strings.Contains(string(fstab), " / xfs defaults 0 0\n") {
		t.Errorf("%s\n%s", grub, fstab)
	}
}

func TestUnableSystems(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(root string, s *System)
		want   string
	}{
		{"nothing opens", func(root string, _ *System) { os.RemoveAll(root + "/usr/lib/systemd") }, "systemd-cryptsetup"},
		{"no module", func(root string, _ *System) { os.RemoveAll(root + "/usr/lib/modules/6.1.0-9-amd64") }, "6.1.0-9-amd64 of the image has no module"},
		{"small initramfs", func(root string, s *System) {
			s.Volumes[1].FileSystem = diskfs.XFS
			os.MkdirAll(root+"/etc/initramfs-tools", 0o755)
			os.WriteFile(root+"/etc/initramfs-tools/initramfs.conf", []byte("# MODULES=most\nMODULES=dep\n"), 0o644)
		}, "MODULES=most"},
	} {
		s, r := sealed(ableTree(t)), &recorder{}
		tt.change(s.Root, &s)
		err := Installer{Runner: r, Mounts: r}.Install(t.Context(), s)
		if err == nil || !strings.Contains(err.Error(), tt.want) || len(r.calls) > 0 {
			t.Errorf("%s: %v, %q", tt.name, err, r.calls)
		}
	}
}
