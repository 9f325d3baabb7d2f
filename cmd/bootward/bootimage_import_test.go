package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// windowsWIM makes a bootable WIM of files that hold their own names.
func windowsWIM(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		path := filepath.Join(dir, "tree/Windows/Boot", n)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "boot.wim")
	if out, err := exec.Command("wimlib-imagex", "capture", filepath.Join(dir, "tree"), path, "Windows PE", "--boot").CombinedOutput(); err != nil {
		t.Fatalf("wimlib-imagex: %v: %s", err, out)
	}
	return path
}

// TestImportWindows: a boot.wim becomes a boot image, what it lacks is named, and
// what was set of it stays when it is imported again.
func TestImportWindows(t *testing.T) {
	r := newRig(t)
	bios := []string{"PXE/pxeboot.n12", "PXE/pxeboot.com", "PXE/bootmgr.exe", "DVD/PCAT/boot.sdi", "Fonts/wgl4_boot.ttf"}
	out, errs := r.want(exitDone, "bootimage", "import", windowsWIM(t, bios...), "--name", "winpe", "-q", "--no-agent")
	if !strings.Contains(out, `BootImage "winpe" is CEN`) || !strings.Contains(errs, "note: /Windows/Boot/EFI/bootmgfw.efi is not in the WIM: UEFI machines") {
		t.Errorf("import: %s%s", out, errs)
	}
	file := filepath.Join(t.TempDir(), "winpe.yaml")
	if err := os.WriteFile(file, []byte("kind: BootImage\nname: winpe\nagent: none\nwindows: {windowSize: 8, askF12: true}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.want(exitDone, "apply", "-f", file)
	r.want(exitDone, "bootimage", "import", windowsWIM(t, append(bios, "EFI/bootmgfw.efi")...), "--name", "winpe", "-q")
	shown, _ := r.want(exitDone, "bootimage", "show", "winpe")
	for _, want := range []string{"agent: none", "file: sources/boot.wim", "windowSize: 8", "askF12: true"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not in:\n%s", want, shown)
		}
	}
	if _, errs := r.want(exitRefused, "bootimage", "import", windowsWIM(t, "PXE/bootmgr.exe"), "--name", "winpe"); !strings.Contains(errs, "neither BIOS nor UEFI machines") {
		t.Errorf("a WIM that starts nowhere: %s", errs)
	}
}
