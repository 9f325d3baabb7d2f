//go:build system

package systemtest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/internal/canary"
	"github.com/bootward/bootward/osd/status"
)

// planted is the secret of the ward's sequence. It must be at work in the
// installed system and nowhere else.
const planted = "Canary-of-a-whole-ward-9b41f7"

// witness stands in the clear in what is stored: a search that does not find it
// has looked at nothing.
const witness = "Remember who installed"

// wardWithSecret copies the objects of the ward, with one step more: a command
// that gets a secret and tells its digest.
func wardWithSecret(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/ward")); err != nil {
		t.Fatal(err)
	}
	add := func(name, text string) {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteString(text)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	add("sequence.yaml", `      - runCommandLine:
          name: Use the password
          command: printf %s "$WardPassword" | sha256sum
          secrets: {WardPassword: Ward password}
---
kind: Secret
name: Ward password
`)
	add("advertisement.yaml", "secretsWithoutApproval: true\n")
	return dir
}

// setSecret gives the secret its value, and begins to record the segment.
func setSecret(t *testing.T, w *ward) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(planted), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.CLI(t.Context(), "secret", "set", "Ward password", "--file", file); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.capture, err = w.Capture(w.running, filepath.Join(w.dir, "ward.pcap")); err != nil {
		t.Fatal(err)
	}
}

// usedSecret says whether the deployment had the secret: its command told the
// digest.
func usedSecret(t *testing.T, messages []status.Message) {
	t.Helper()
	sum := sha256.Sum256([]byte(planted))
	for _, m := range messages {
		if m.Action == "Use the password" && strings.Contains(m.Output, hex.EncodeToString(sum[:])) {
			return
		}
	}
	t.Error("no message tells the digest of the secret: the step did not have it")
}

// secretIsNowhere searches everything that the ward left: the site's folder and
// its log, the disks of the box and of the targets, consoles, and every packet.
func secretIsNowhere(t *testing.T, w *ward) {
	if err := w.capture.Stop(); err != nil {
		t.Fatal(err)
	}
	var bytes int64
	files, seen := 0, 0
	err := filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		files++
		found := false
		n, err := search(path, func(part []byte) {
			if what, ok := canary.Find(part, planted); ok {
				t.Errorf("%s: %s", path, what)
			}
			_, here := canary.Find(part, witness)
			found = found || here
		})
		if found {
			seen++
		}
		bytes += n
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d MB searched; the witness stands in %d", files, bytes/1e6, seen)
	if seen < 4 { // site, box, console, target's log at least
		t.Errorf("the witness stands in %d files: the search looks at nothing", seen)
	}
}

// search hands the data of a file on in parts that overlap; holes of disks are
// passed over. It returns how many bytes there were.
func search(path string, look func([]byte)) (int64, error) {
	const size, overlap = 16 << 20, 4 << 10
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	buf := make([]byte, size)
	var total, at int64
	for {
		at, err = unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return total, nil // only a hole is left
		}
		if err != nil {
			return total, err
		}
		n, err := f.ReadAt(buf, at)
		look(buf[:n])
		total += int64(n)
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		at += int64(n - overlap)
	}
}
