package lab

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/osd/sequence/simulate"
	"github.com/bootward/bootward/osd/status"

	"github.com/bootward/bootward/lab/osimage"
)

func TestDeviations(t *testing.T) {
	lines := []simulate.Line{{Number: 1, Does: simulate.Enters}, {Number: 2, Does: simulate.Runs}, {Number: 3, Does: simulate.Skips, Why: "Ward is 9"}, {Number: 4, Does: simulate.Off}, {Number: 5, Does: simulate.Fails}}
	happened := []status.Message{{ID: status.SequenceStarted}, {ID: status.GroupStarted, Step: 1}, {ID: status.ActionCompleted, Step: 2, Output: "anything"},
		{ID: status.ActionSkipped, Step: 3, Output: "Ward is 9"}, {ID: status.ActionDisabled, Step: 4}, {ID: status.ActionFailed, Step: 5}, {ID: status.GroupCompleted, Step: 1}}
	if got := deviations(lines, happened); len(got) > 0 {
		t.Errorf("the same: %q", got)
	}
	for name, change := range map[string]func(){
		"another reason": func() { happened[3].Output = "Ward is 8" },
		"it ran":         func() { happened[3].ID = status.ActionCompleted },
		"another step":   func() { happened[4].Step = 6 },
	} {
		was := slices.Clone(happened)
		change()
		if got := deviations(lines, happened); len(got) != 2 {
			t.Errorf("%s: %q", name, got)
		}
		happened = was
	}
	if got := deviations(lines[:4], happened); len(got) != 1 || !strings.HasPrefix(got[0], "happened only: step 5") {
		t.Errorf("one more: %q", got)
	}
}

// TestReadVolume: the programs of the host read what they are to read, and a fault is found.
func TestReadVolume(t *testing.T) {
	dir := t.TempDir()
	const offset, length = 1 << 20, 320 << 20
	make := func(args ...string) string {
		volume, disk := filepath.Join(dir, "volume.img"), filepath.Join(dir, "disk.img")
		for _, f := range []string{volume, disk} {
			if err := blankDisk(f, map[string]int64{volume: length, disk: length + 2*offset}[f]); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := output(t.Context(), args[0], append(args[1:], volume)...); err != nil {
			t.Fatal(err)
		}
		if _, err := output(t.Context(), "dd", "if="+volume, "of="+disk, "bs=1M", "seek=1", "conv=notrunc,sparse", "status=none"); err != nil {
			t.Fatal(err)
		}
		return disk
	}
	for kind, args := range map[string][]string{"xfs": {"mkfs.xfs", "-q"}, "vfat": {"mkfs.fat", "-F", "32"}, "ntfs": {"mkntfs", "-Q", "-F", "-q"}, "swap": {"mkswap"}} {
		disk := make(args...)
		if err := readVolume(t.Context(), disk, offset, length, volume{kind: kind}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if err := readVolume(t.Context(), disk, offset, length, volume{kind: "ext4"}); err == nil || !strings.Contains(err.Error(), "want ext4") {
			t.Errorf("%s for ext4: %v", kind, err)
		}
		if kind == "vfat" || kind == "ntfs" {
			if err := readVolume(t.Context(), disk, offset, length, volume{kind: kind, file: "note.txt", holds: "x"}); err == nil {
				t.Errorf("%s: a file that is not there was read", kind)
			}
		}
		if kind != "xfs" {
			continue
		}
		f, err := os.OpenFile(disk, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt([]byte("XXXX"), offset+1<<12)
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := readVolume(t.Context(), disk, offset, length, volume{kind: kind}); err == nil {
			t.Error("xfs with a damaged block was found whole")
		}
	}
}

// TestFullDisk holds that two full disks are alike, and each MiB has its own words.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	var sums []string
	for _, name := range []string{"a", "b"} {
		file := filepath.Join(dir, name)
		if err := fullDisk(file, 3<<20, "words"); err != nil {
			t.Fatal(err)
		}
		sum, err := osimage.Digest(file)
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, sum)
	}
	b, err := os.ReadFile(filepath.Join(dir, "a"))
	if err != nil || len(b) != 3<<20 || !strings.HasPrefix(string(b[2<<20:]), "words 2\n") || sums[0] != sums[1] {
		t.Errorf("%d bytes, %q, %v", len(b), sums, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b"), b[1:], 0o600); err != nil {
		t.Fatal(err)
	}
	if sum, err := osimage.Digest(filepath.Join(dir, "b")); sum == sums[0] || err != nil {
		t.Errorf("another file has the same digest, %v", err)
	}
}
