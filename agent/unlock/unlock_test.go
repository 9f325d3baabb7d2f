package unlock

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/diskfs/tool"
)

const passphrase, key = "correct horse", "0123456789abcdef0123456789abcdef"

// template is a volume of two keys, made by the real cryptsetup.
type template struct {
	image []byte
	v     Volume
}

func newTemplate(t *testing.T) template {
	t.Helper()
	device := filepath.Join(t.TempDir(), "volume")
	if err := errors.Join(os.WriteFile(device, nil, 0o600), os.Truncate(device, 17<<20)); err != nil {
		t.Fatal(err)
	}
	format := exec.Command("cryptsetup", "luksFormat", "--type", "luks2", "--batch-mode", "--key-file=-", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", device)
	format.Stdin = strings.NewReader(passphrase)
	if out, err := format.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	slots, err := diskfs.Tools{Runner: tool.Exec{}}.AddKey(t.Context(), diskfs.Target{Path: device}, passphrase, key)
	if err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(device)
	if err != nil {
		t.Fatal(err)
	}
	return template{image, Volume{"uuid-of-it", slots[0], slots[1]}}
}

// system is an installed system with the volume.
func (m template) system(t *testing.T) (r Remover, device string) {
	t.Helper()
	root := t.TempDir()
	device = filepath.Join(root, m.v.LUKS)
	err := errors.Join(os.WriteFile(device, m.image, 0o600), os.Mkdir(filepath.Join(root, "boot"), 0o755), Put(root, m.v, []byte(key)))
	if err != nil {
		t.Fatal(err)
	}
	return Remover{Root: root, Devices: root, Tools: diskfs.Tools{Runner: tool.Exec{}}}, device
}

// opens says whether a key opens the volume.
func opens(device, key string) bool {
	cmd := exec.Command("cryptsetup", "open", "--test-passphrase", "--key-file=-", device)
	cmd.Stdin = strings.NewReader(key)
	return cmd.Run() == nil
}

func (r Remover) left(t *testing.T) string {
	t.Helper()
	names, err := filepath.Glob(r.Root + "/boot/*")
	records, err2 := filepath.Glob(r.Root + "/var/lib/bootward/*")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(strings.Join(append(names, records...), " "), r.Root, "")
}

// TestUnlock makes one volume for all that is tried with it: that takes seconds.
func TestUnlock(t *testing.T) {
	m := newTemplate(t)
	for name, test := range map[string]func(*testing.T, template){
		"remove": removed, "power cuts": powerCuts, "half removed": halfRemoved, "keeps the last key": keepsTheLastKey,
		"new passphrase": newPassphrase, "damaged record": damagedRecord,
	} {
		t.Run(name, func(t *testing.T) { test(t, m) })
	}
}

func removed(t *testing.T, m template) {
	r, device := m.system(t)
	if info, err := os.Stat(r.Root + "/boot/" + File); err != nil || info.Mode() != 0o400 {
		t.Fatalf("%v, %v", info, err)
	}
	if !opens(device, key) || !opens(device, passphrase) {
		t.Fatal("a key does not open the volume")
	}
	for i, want := range []bool{true, false} {
		if gone, err := r.Remove(t.Context()); gone != want || err != nil {
			t.Errorf("call %d: %v, %v", i+1, gone, err)
		}
	}
	if opens(device, key) || !opens(device, passphrase) || r.left(t) != "" {
		t.Errorf("the key opens it: %v, the passphrase: %v, left: %s", opens(device, key), opens(device, passphrase), r.left(t))
	}
}

// powerCuts ends the work at each program that it runs, before and behind it. The volume
// opens by one of the keys, and the next start does the rest.
func powerCuts(t *testing.T, m template) {
	cut := errors.New("power cut")
	for at := 0; ; at++ {
		r, device := m.system(t)
		calls := 0
		r.Tools.Runner = tool.Func(func(ctx context.Context, c tool.Command) error {
			if calls++; calls*2-1 == at {
				return cut
			}
			err := tool.Exec{}.Run(ctx, c)
			if calls*2 == at {
				return cut
			}
			return err
		})
		_, err := r.Remove(t.Context())
		if at > 0 && err == nil {
			if at < 6 {
				t.Errorf("only %d points were tried", at)
			}
			return
		}
		if at > 0 && !errors.Is(err, cut) {
			t.Fatal(err)
		}
		fileLies := strings.Contains(r.left(t), File)
		if !opens(device, passphrase) || opens(device, key) && !fileLies {
			t.Errorf("cut %d: the passphrase opens it: %v, the file lies there: %v", at, opens(device, passphrase), fileLies)
		}
		r.Tools.Runner = tool.Exec{}
		if _, err := r.Remove(t.Context()); err != nil || opens(device, key) || r.left(t) != "" {
			t.Errorf("cut %d: the next start: %v, left %s", at, err, r.left(t))
		}
	}
}

// halfRemoved: power was cut between what has no program: slot and file, file and record.
func halfRemoved(t *testing.T, m template) {
	for _, file := range []bool{true, false} {
		r, device := m.system(t)
		if err := r.Tools.KillSlot(t.Context(), device, 1); err != nil {
			t.Fatal(err)
		}
		if !file {
			if err := shred(r.Root + "/boot/" + File); err != nil {
				t.Fatal(err)
			}
		}
		if gone, err := r.Remove(t.Context()); !gone || err != nil || r.left(t) != "" {
			t.Errorf("%v, %v, left %s", gone, err, r.left(t))
		}
	}
}

// keepsTheLastKey: without a passphrase that is sure to open the volume nothing is removed.
func keepsTheLastKey(t *testing.T, m template) {
	for name, damage := range map[string]func(r Remover, device string) error{
		"slot is gone": func(r Remover, device string) error { return r.Tools.KillSlot(t.Context(), device, 0) },
		"slot is damaged": func(_ Remover, device string) error {
			f, err := os.OpenFile(device, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte{1, 2, 3}, 32768+4711) // in the key material of slot 0
			return errors.Join(err, f.Close())
		},
	} {
		r, device := m.system(t)
		if err := damage(r, device); err != nil {
			t.Fatal(err)
		}
		gone, err := r.Remove(t.Context())
		if gone || err == nil || !strings.Contains(err.Error(), "nothing was removed") || !opens(device, key) || !strings.Contains(r.left(t), File) {
			t.Errorf("%s: %v, %v, opens: %v, left %s", name, gone, err, opens(device, key), r.left(t))
		}
	}
}

// newPassphrase: a step of the job may give the volume another passphrase.
func newPassphrase(t *testing.T, m template) {
	r, device := m.system(t)
	change := exec.Command("cryptsetup", "luksChangeKey", "--batch-mode", "--key-file=-", "--keyfile-size", "13", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", device, "/proc/self/fd/0")
	change.Stdin = strings.NewReader(passphrase + "another")
	if out, err := change.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if gone, err := r.Remove(t.Context()); !gone || err != nil || !opens(device, "another") || opens(device, key) || opens(device, passphrase) {
		t.Errorf("%v, %v", gone, err)
	}
}

// damagedRecord: what cannot be read is no reason to say that the disk is protected.
func damagedRecord(t *testing.T, m template) {
	for _, text := range []string{"", "{}", `{"luks":"../sda","temporary":{"salt":"x"}}`} {
		r, device := m.system(t)
		if err := os.WriteFile(filepath.Join(r.Root, Record), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if gone, err := r.Remove(t.Context()); gone || err == nil || !opens(device, key) {
			t.Errorf("%q: %v, %v", text, gone, err)
		}
	}
}
