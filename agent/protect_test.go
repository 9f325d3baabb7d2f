package agent

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/unlock"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/diskfs/tool"
)

// lend gives the installed system at root an encrypted volume whose temporary key lies in /boot.
func lend(t *testing.T, root string) (device string) {
	t.Helper()
	device = filepath.Join(root, "dev/disk/by-uuid/of-the-root")
	for _, dir := range []string{"boot", filepath.Dir(strings.TrimPrefix(device, root+"/"))} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.WriteFile(device, nil, 0o600), os.Truncate(device, 17<<20)); err != nil {
		t.Fatal(err)
	}
	format := exec.Command("cryptsetup", "luksFormat", "--type", "luks2", "--batch-mode", "--key-file=-", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", device)
	format.Stdin = strings.NewReader("typed")
	if out, err := format.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	slots, err := diskfs.Tools{Runner: tool.Exec{}}.AddKey(t.Context(), diskfs.Target{Path: device}, "typed", "lent")
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock.Put(root, unlock.Volume{LUKS: "of-the-root", Passphrase: slots[0], Temporary: slots[1]}, []byte("lent")); err != nil {
		t.Fatal(err)
	}
	return device
}

func opened(device, key string) bool {
	cmd := exec.Command("cryptsetup", "open", "--test-passphrase", "--key-file=-", device)
	cmd.Stdin = strings.NewReader(key)
	return cmd.Run() == nil
}

// TestProtects: however a job ends in the installed system, its temporary key is gone then; the
// report of the end says so.
func TestProtects(t *testing.T) {
	for name, tt := range map[string]struct {
		running int
		change  func(dir string) error
		says    bool // in the last message
	}{
		"success": {0, nil, true},
		"failure": {2, nil, true},
		"damaged job": {0, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, job.FileState), []byte("{"), 0o600)
		}, false},
		"no job": {0, os.RemoveAll, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, restarts)
			var screen bytes.Buffer
			s, root := b.restarted(&screen, tt.running)
			device := lend(t, root)
			if tt.change != nil {
				if err := tt.change(filepath.Join(root, job.Name)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := Resume(t.Context(), Config{Run: t.TempDir(), Root: root, Console: s.console}); err != nil {
				t.Fatal(err)
			}
			_, err := os.Stat(filepath.Join(root, "boot", unlock.File))
			if opened(device, "lent") || !opened(device, "typed") || !os.IsNotExist(err) || !strings.Contains(screen.String(), "the disk is protected") {
				t.Errorf("opens: %v, file: %v\n%s", opened(device, "lent"), err, screen.String())
			}
			if tt.says && !strings.Contains(b.messages[len(b.messages)-1].Output, "the disk is protected") {
				t.Errorf("%+v", b.messages[len(b.messages)-1])
			}
		})
	}
}

// TestNotProtected: a key that cannot be taken away makes the job fail, and job and agent stay
// until it is gone.
func TestNotProtected(t *testing.T) {
	b := newBox(t, restarts)
	var screen bytes.Buffer
	s, root := b.restarted(&screen, 0)
	device := lend(t, root)
	if err := (diskfs.Tools{Runner: tool.Exec{}}).KillSlot(t.Context(), device, 0); err != nil {
		t.Fatal(err)
	}
	conf := Config{Run: t.TempDir(), Root: root, Console: s.console}
	_, err := Resume(t.Context(), conf)
	if err == nil || !strings.Contains(err.Error(), "THE DISK IS NOT PROTECTED") || !strings.Contains(screen.String(), "no other key") {
		t.Fatalf("%v\n%s", err, screen.String())
	}
	if d := cmp.Diff([]int{11134, 11141}, b.ids()); d != "" {
		t.Error(d)
	}
	if m := b.messages[1]; !strings.Contains(m.Output, "THE DISK IS NOT PROTECTED") || m.ExitCode == 0 || !opened(device, "lent") {
		t.Errorf("%+v", m)
	}
	add := exec.Command("cryptsetup", "luksAddKey", "--batch-mode", "--key-file=-", "--keyfile-size", "4", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", device, "/proc/self/fd/0")
	add.Stdin = strings.NewReader("lent" + "by hand")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := Resume(t.Context(), conf); err != nil || opened(device, "lent") || !opened(device, "by hand") {
		t.Errorf("behind a new passphrase: %v", err)
	}
	gone(t, root, "THE DISK IS NOT PROTECTED")
}

// TestNotProtectedAgain: a job that failed, and whose key cannot be taken away, does not stand there for a quarter of an
// hour each time that the agent starts: the key is tried first.
func TestNotProtectedAgain(t *testing.T) {
	b := newRetrying(t, restarts)
	b.answer = func(int, api.Retry) (api.Retried, *api.Error) { return api.Retried{}, nil }
	b.job.Variables["SMSTSErrorDialogTimeout"] = "1"
	var screen bytes.Buffer
	s, root := b.restarted(&screen, 2)
	device := lend(t, root)
	if err := (diskfs.Tools{Runner: tool.Exec{}}).KillSlot(t.Context(), device, 0); err != nil {
		t.Fatal(err)
	}
	conf := Config{Run: t.TempDir(), Root: root, Console: s.console}
	for range 2 {
		if _, err := Resume(t.Context(), conf); err == nil || !strings.Contains(err.Error(), "THE DISK IS NOT PROTECTED") {
			t.Fatalf("%v\n%s", err, screen.String())
		}
	}
	if n := strings.Count(screen.String(), "THE TASK SEQUENCE FAILED"); n != 1 {
		t.Errorf("stood there %d times\n%s", n, screen.String())
	}
}
