package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/lab/machine"
)

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		firmware string
		want     int
		fails    bool
	}{
		{"both", 2, false}, {machine.UEFI, 1, false}, {machine.BIOS, 1, false}, {"", 0, true}, {"coreboot", 0, true},
	} {
		got, err := Choose(Ward(), c.firmware)
		if len(got) != c.want || (err != nil) != c.fails {
			t.Errorf("Choose(%q): %d targets, error %v", c.firmware, len(got), err)
		}
	}
}

// TestEmptyDir holds that a directory is emptied only if a lab made it.
func TestEmptyDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	for range 2 {
		if err := emptyDir(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "old.log"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	precious := t.TempDir()
	if err := os.WriteFile(filepath.Join(precious, "thesis"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := emptyDir(precious); err == nil || !strings.Contains(err.Error(), "no directory of a lab") {
		t.Errorf("a directory of somebody else: %v", err)
	}
	if _, err := os.Stat(filepath.Join(precious, "thesis")); err != nil {
		t.Error(err)
	}
}
