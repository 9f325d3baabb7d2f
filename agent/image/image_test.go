package image

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/diskfs/tool"
	"github.com/bootward/bootward/diskfs/wim"
)

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// sample captures a tree with what is easily lost: owners, setuid, capabilities,
// links; and 8 MiB of data.
func sample(t *testing.T) string {
	t.Helper()
	tree := filepath.Join(t.TempDir(), "tree")
	big := make([]byte, 8<<20)
	rand.Read(big)
	for _, err := range []error{
		os.Mkdir(tree, 0o755),
		os.WriteFile(filepath.Join(tree, "su"), []byte("su"), 0o755),
		os.WriteFile(filepath.Join(tree, "ping"), []byte("ping"), 0o755),
		os.WriteFile(filepath.Join(tree, "big"), big, 0o600),
		os.Chown(filepath.Join(tree, "big"), 1234, 56),
		syscall.Chmod(filepath.Join(tree, "su"), 0o4755),
		os.Symlink("su", filepath.Join(tree, "link")),
		os.Link(filepath.Join(tree, "big"), filepath.Join(tree, "hard")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	run(t, "setcap", "cap_net_raw+ep", filepath.Join(tree, "ping"))
	path := filepath.Join(t.TempDir(), "sample.wim")
	run(t, "wimlib-imagex", "capture", tree, path, "sample", "--unix-data", "--check", "--compress=XPRESS")
	return path
}

// volume is an ext4 file system of that many MiB, mounted.
func volume(t *testing.T, mib string) string {
	t.Helper()
	img, dir := filepath.Join(t.TempDir(), "v.img"), t.TempDir()
	run(t, "truncate", "-s", mib+"M", img)
	run(t, "mkfs.ext4", "-q", "-F", "-m", "0", img)
	run(t, "mount", "-o", "loop", img, dir)
	t.Cleanup(func() { run(t, "umount", dir) })
	return dir
}

func TestApply(t *testing.T) {
	dir := volume(t, "64")
	var done, total int64
	got, err := Apply(t.Context(), Wimlib{Runner: tool.Exec{}}, Options{WIM: sample(t), Index: 1, Target: dir, Progress: func(d, n int64) {
		if d < done {
			t.Errorf("progress went back from %d to %d", done, d)
		}
		done, total = d, n
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "sample" || done != total || total < 8<<20 {
		t.Errorf("%+v, %d of %d", got, done, total)
	}
	var su, big unix.Stat_t
	unix.Lstat(filepath.Join(dir, "su"), &su)
	unix.Lstat(filepath.Join(dir, "hard"), &big)
	if su.Mode&0o7777 != 0o4755 || big.Uid != 1234 || big.Gid != 56 || big.Nlink != 2 {
		t.Errorf("su %o, big %d:%d with %d links", su.Mode, big.Uid, big.Gid, big.Nlink)
	}
	if n, err := unix.Lgetxattr(filepath.Join(dir, "ping"), "security.capability", nil); err != nil || n == 0 {
		t.Errorf("capability: %d, %v", n, err)
	}
}

func TestApplyChecksSpaceFirst(t *testing.T) {
	dir := volume(t, "8")
	ran := false
	_, err := Apply(t.Context(), Wimlib{Runner: tool.Func(func(context.Context, tool.Command) error { ran = true; return nil })},
		Options{WIM: sample(t), Index: 1, Target: dir})
	if !errors.Is(err, ErrNoSpace) || ran || !strings.Contains(err.Error(), "needs 8 MiB") {
		t.Errorf("got %v, ran: %v", err, ran)
	}
}

func TestApplyDamaged(t *testing.T) {
	path := sample(t)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(raw)
	bad[4<<20] ^= 1
	if err := os.WriteFile(path, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Apply(t.Context(), Wimlib{Runner: tool.Exec{}}, Options{WIM: path, Index: 1, Target: volume(t, "64")})
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(path, raw[:len(raw)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Apply(t.Context(), Wimlib{Runner: tool.Exec{}}, Options{WIM: path, Index: 1, Target: t.TempDir()})
	if !errors.Is(err, wim.ErrTruncated) {
		t.Errorf("got %v", err)
	}
}

func TestApplyMissingImage(t *testing.T) {
	_, err := Apply(t.Context(), Wimlib{Runner: tool.Exec{}}, Options{WIM: sample(t), Index: 2, Target: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "no image 2") {
		t.Errorf("got %v", err)
	}
}

func TestExplain(t *testing.T) {
	full := &tool.Error{Command: "wimlib-imagex", Code: codeWrite, Tail: "[ERROR] x: No space left on device"}
	if err := explain(full); !errors.Is(err, ErrNoSpace) {
		t.Errorf("got %v", err)
	}
	other := &tool.Error{Command: "wimlib-imagex", Code: 9}
	if err := explain(other); errors.Is(err, ErrNoSpace) || errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestParse(t *testing.T) {
	for line, want := range map[string][2]int64{
		"Extracting file data: 123 MiB of 374 MiB (32%) done":   {123 << 20, 374 << 20},
		"Extracting file data: 12 bytes of 900 bytes (1%) done": {12, 900},
		"Extracting file data: 1 GiB of 3 GiB (33%) done":       {1 << 30, 3 << 30},
	} {
		done, total, ok := parse(line)
		if !ok || done != want[0] || total != want[1] {
			t.Errorf("%q: %d, %d, %v", line, done, total, ok)
		}
	}
	for _, line := range []string{"", "Creating files: 3 of 9 (33%) done", "Extracting file data: x MiB of 1 MiB (1%)", "Extracting file data: 99999999999999999999 TiB of 1 MiB (1%) done"} {
		if _, _, ok := parse(line); ok {
			t.Errorf("%q was taken for progress", line)
		}
	}
}
