package machine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/bootward/bootward/agent/image"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/diskfs/tool"
)

// distant is a source over a store, with faults that a test sets.
type distant struct {
	dir *content.Directory
	// spoil is a byte of the file that comes wrong, 0 for none.
	spoil int64
	// refuse is how many requests fail.
	refuse int
}

func (d *distant) Manifest(context.Context, string) ([]byte, error) {
	return nil, errors.New("not asked for")
}

func (d *distant) Range(_ context.Context, sha string, offset, length int64) (io.ReadCloser, error) {
	if d.refuse > 0 {
		d.refuse--
		return nil, errors.New("the line is cut")
	}
	f, err := d.dir.Open(sha)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, length)
	if _, err := f.ReadAt(b, offset); err != nil {
		return nil, err
	}
	if at := d.spoil - offset; d.spoil > 0 && at >= 0 && at < length {
		b[at] ^= 1
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// captured captures a tree of one file and puts it into a store.
func captured(t *testing.T, data []byte) (*distant, content.File) {
	t.Helper()
	tree, path := t.TempDir(), filepath.Join(t.TempDir(), "os.wim")
	if err := os.WriteFile(filepath.Join(tree, "file"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("wimlib-imagex", "capture", tree, path, "os", "--unix-data", "--compress=none", "--check").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir, err := content.OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := dir.Import(t.Context(), bytes.NewReader(raw), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.Path, f.Mode = "os.wim", 0o644
	return &distant{dir: dir}, f
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(b) // never fails
	return b
}

// TestApplyDownloaded: the image is whole and verified on the target's volume
// before it is applied, and gone afterwards; progress never goes back.
func TestApplyDownloaded(t *testing.T) {
	data := noise(3 << 20)
	src, f := captured(t, data)
	for name, tt := range map[string]struct {
		spoil int64
		index int
		want  string
	}{"good": {0, 1, ""}, "damaged on its way": {1 << 20, 1, "download"}, "no such image": {0, 2, "no image 2"}} {
		t.Run(name, func(t *testing.T) {
			src.spoil = tt.spoil
			synctest.Test(t, func(t *testing.T) { applied(t, src, f, tt.index, tt.want, data) })
		})
	}
}

// applied wants the image on the target, or an error and nothing.
func applied(t *testing.T, src *distant, f content.File, index int, want string, data []byte) {
	target := t.TempDir()
	m := &Images{Supply: &Supply{Source: src, Say: func(string) {}}, Dir: t.TempDir(), Download: true}
	remote, err := content.OpenRemote(t.Context(), src, f, content.RemoteOptions{Tries: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	var done, total int64
	err = m.applyDownloaded(t.Context(), image.Wimlib{Runner: tool.Exec{}}, remote, image.Options{Index: index, Target: target, Progress: func(d, n int64) {
		if d < done || d > n {
			t.Errorf("progress went from %d to %d of %d", done, d, n)
		}
		done, total = d, n
	}})
	got, readErr := os.ReadFile(filepath.Join(target, "file"))
	switch {
	case want == "" && (err != nil || !bytes.Equal(got, data) || done != total || total < f.Size+3<<20):
		t.Errorf("%v; %d bytes applied, %d of %d", err, len(got), done, total)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want) || readErr == nil):
		t.Errorf("%v; %d bytes applied", err, len(got))
	}
	if _, err := os.Stat(filepath.Join(target, job.Name, "content")); !os.IsNotExist(err) {
		t.Errorf("what was downloaded is still there: %v", err)
	}
}

// TestNoRoomToDownload: file and applied image must fit beside each other.
func TestNoRoomToDownload(t *testing.T) {
	src, f := captured(t, noise(3<<20))
	img, target := filepath.Join(t.TempDir(), "v.img"), t.TempDir()
	for _, args := range [][]string{{"truncate", "-s", "6M", img}, {"mkfs.ext4", "-q", "-F", "-m", "0", img}, {"mount", "-o", "loop", img, target}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	t.Cleanup(func() { _ = exec.Command("umount", target).Run() })
	remote, err := content.OpenRemote(t.Context(), src, f, content.RemoteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	m := &Images{Supply: &Supply{Source: src, Say: func(string) {}}, Dir: t.TempDir(), Download: true}
	err = m.applyDownloaded(t.Context(), image.Wimlib{Runner: tool.Exec{}}, remote, image.Options{Index: 1, Target: target})
	if !errors.Is(err, image.ErrNoSpace) || !strings.Contains(err.Error(), "content: stream") {
		t.Errorf("%v", err)
	}
}
