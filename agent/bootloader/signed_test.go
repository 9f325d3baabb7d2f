package bootloader

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/diskfs"
)

// TestSignedBehindLinks: Ubuntu chooses its shim by alternatives, whose links are absolute.
func TestSignedBehindLinks(t *testing.T) {
	s, r := uefi(signedTree(t)), &recorder{}
	s.SecureBoot = true
	shim := filepath.Join(s.Root, signedLoaders()[0].from)
	for link, to := range map[string]string{shim: "/etc/alternatives/shim", filepath.Join(s.Root, "etc/alternatives/shim"): "/usr/lib/shim/latest"} {
		if err := errors.Join(os.RemoveAll(link), os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(to, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.Root, "usr/lib/shim/latest"), []byte("the latest"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := (Installer{Runner: r, Mounts: r}).Install(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(filepath.Join(s.Root, removable, "BOOTX64.EFI")); string(raw) != "the latest" {
		t.Errorf("shim is %q, %v", raw, err)
	}
}

// signedTree is newTree with the signed loaders, each with its own name in it.
func signedTree(t *testing.T) string {
	t.Helper()
	dir := newTree(t)
	for _, l := range signedLoaders() {
		path := filepath.Join(dir, l.from)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(l.from), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestSigned: a system that brings signed loaders boots by them, whether Secure Boot is
// on now or later; nothing of grub-install is run.
func TestSigned(t *testing.T) {
	for _, on := range []bool{false, true} {
		s, r := uefi(signedTree(t)), &recorder{}
		s.SecureBoot = on
		said := ""
		in := Installer{Runner: r, Mounts: r, Step: func(text string) { said += text + "\n" }}
		for range 2 { // it may be repeated
			if err := in.Install(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		if len(r.calls) > 0 || strings.Contains(said, "Secure Boot is on") != on {
			t.Errorf("Secure Boot %v: calls %q, said %q", on, r.calls, said)
		}
		esp := filepath.Join(s.Root, removable)
		var have []string
		entries, err := os.ReadDir(esp)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			have = append(have, e.Name())
		}
		if want := []string{"BOOTX64.EFI", "grub.cfg", "grubx64.efi", "mmx64.efi"}; !slices.Equal(have, want) {
			t.Errorf("the ESP holds %q, want %q", have, want)
		}
		for _, l := range signedLoaders() {
			if raw, err := os.ReadFile(filepath.Join(esp, l.to)); string(raw) != l.from {
				t.Errorf("%s is %q, %v", l.to, raw, err)
			}
		}
		for _, dir := range []string{removable, signedPrefix} {
			if out, err := exec.Command("grub-script-check", filepath.Join(s.Root, dir, "grub.cfg")).CombinedOutput(); err != nil {
				t.Errorf("grub-script-check: %v\n%s", err, out)
			}
		}
	}
}

func TestESPConfig(t *testing.T) {
	s := uefi("")
	if text := string(espConfig(s)); !strings.Contains(text, "search.fs_uuid 8a3c9c2e-0000-4000-8000-000000000001 root\nset prefix=($root)/boot/grub\n") {
		t.Errorf("%s", text)
	}
	s.Volumes = append(s.Volumes, Volume{At: "/boot", FileSystem: diskfs.Ext4, UUID: "boot-uuid"})
	if text := string(espConfig(s)); !strings.Contains(text, "search.fs_uuid boot-uuid root\nset prefix=($root)/grub\n") {
		t.Errorf("separate /boot: %s", text)
	}
}

// TestUnsigned: without one of the signed loaders a machine gets the unsigned GRUB, or
// where Secure Boot is on a refusal before anything is written.
func TestUnsigned(t *testing.T) {
	for _, l := range signedLoaders() {
		s, r := uefi(signedTree(t)), &recorder{}
		if err := os.Remove(filepath.Join(s.Root, l.from)); err != nil {
			t.Fatal(err)
		}
		s.SecureBoot = true
		err := Installer{Runner: r, Mounts: r}.Install(t.Context(), s)
		if err == nil || !strings.Contains(err.Error(), "Secure Boot is on") || !strings.Contains(err.Error(), signedPackages) || len(r.calls) > 0 {
			t.Errorf("without %s, Secure Boot on: %v, calls %q", l.from, err, r.calls)
		}
		if _, err := os.Stat(s.Root + "/boot/grub/grub.cfg"); err == nil {
			t.Errorf("without %s: grub.cfg was written all the same", l.from)
		}
		s.SecureBoot = false
		if err := (Installer{Runner: r, Mounts: r}).Install(t.Context(), s); err != nil || !strings.Contains(strings.Join(r.calls, "\n"), "--no-uefi-secure-boot") {
			t.Errorf("without %s: %v, calls %q", l.from, err, r.calls)
		}
	}
	s, r := bios(signedTree(t)), &recorder{}
	if err := (Installer{Runner: r, Mounts: r}).Install(t.Context(), s); err != nil || !strings.Contains(strings.Join(r.calls, "\n"), "i386-pc") {
		t.Errorf("BIOS: %v, calls %q", err, r.calls)
	}
}
