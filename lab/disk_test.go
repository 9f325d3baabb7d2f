package lab

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/lab/machine"
)

// testLab has a kit with a GRUB that is none.
func testLab(t *testing.T) *Lab {
	t.Helper()
	kit := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(kit, "efi"), 0o755), os.WriteFile(filepath.Join(kit, "efi", "grubnetx64.efi"), []byte("GRUB"), 0o644)); err != nil {
		t.Fatal(err)
	}
	return &Lab{options: Options{Kit: kit}}
}

// TestTouched holds that a new disk counts as untouched, blank or not, and as touched
// when a byte was written over by itself.
func TestTouched(t *testing.T) {
	for _, words := range []string{"", "The disk boots"} {
		file := filepath.Join(t.TempDir(), "disk.img")
		if err := testLab(t).newDisk(t.Context(), file, Target{Boots: words}); err != nil {
			t.Fatal(err)
		}
		d := &Deployment{config: machine.Config{Disks: []machine.Disk{{Path: file}}}}
		if touched, err := d.Touched(); touched || err != nil {
			t.Errorf("%q: a new disk: touched %v, %v", words, touched, err)
		}
		f, err := os.OpenFile(file, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1)
		_, err = f.ReadAt(b, 4096)
		if err == nil {
			_, err = f.WriteAt(b, 4096)
		}
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			t.Fatal(err)
		}
		if touched, err := d.Touched(); !touched || err != nil {
			t.Errorf("%q: a byte was written: touched %v, %v", words, touched, err)
		}
		d.config.Disks[0].Path = filepath.Join(t.TempDir(), "none")
		if _, err := d.Touched(); err == nil {
			t.Error("a disk that is not there counts as untouched")
		}
	}
}

// TestSpeakingDisk: mtools and a byte of the boot sector see what firmware looks for.
func TestSpeakingDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "disk.img")
	if err := testLab(t).newDisk(t.Context(), file, Target{Boots: "The disk boots"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"::EFI/BOOT/BOOTX64.EFI": "GRUB", "::grub/grub.cfg": "echo 'The disk boots'\nsleep 3600\n"} {
		out, err := exec.Command("mtype", "-i", file, name).Output()
		if string(out) != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", name, out, err, want)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if sector := string(raw[:512]); !strings.Contains(sector, "The disk boots\r\n") || !strings.HasSuffix(sector, "\x55\xaa") {
		t.Errorf("boot sector %q", sector)
	}
	l := testLab(t)
	l.options.Kit = t.TempDir()
	if err := l.newDisk(t.Context(), file, Target{Boots: "The disk boots"}); err == nil || !strings.Contains(err.Error(), "grubnetx64.efi") {
		t.Errorf("without a GRUB: %v", err)
	}
}
