//go:build linux

package contentfs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bootward/bootward/content"
)

// box is a store behind HTTP with one file. If flipAt is not negative, it
// lies about the byte there: what verified chunks are against.
type box struct {
	store  *content.Directory
	file   content.File
	data   []byte
	source content.HTTPSource

	mu     sync.Mutex
	flipAt int64
}

func newBox(t testing.TB, data []byte) *box {
	t.Helper()
	d, err := content.OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &box{store: d, data: data, flipAt: -1}
	if b.file, err = d.Import(t.Context(), bytes.NewReader(data), nil); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(server.Close)
	b.source = content.HTTPSource{Client: server.Client(), Base: server.URL, Blobs: "/v1/blobs/"}
	return b
}

func (b *box) serve(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	at := b.flipAt
	b.mu.Unlock()
	if at < 0 {
		content.Serve(w, r, b.file, b.store, nil)
		return
	}
	lie := bytes.Clone(b.data)
	lie[at] ^= 0x10
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(lie))
}

func (b *box) flip(at int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flipAt = at
}

func show(t testing.TB, b *box, name string, opts content.RemoteOptions) string {
	t.Helper()
	r, err := content.OpenRemote(t.Context(), b.source, b.file, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	path, unmount, err := Mount(context.WithoutCancel(t.Context()), filepath.Join(t.TempDir(), "content"), name, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unmount(); err != nil {
			t.Error(err)
		}
	})
	return path
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return b
}

// run runs a foreign program and wants it to succeed.
func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
	return out
}

func TestReadBack(t *testing.T) {
	data := noise(20 << 20)
	b := newBox(t, data)
	path := show(t, b, "image.wim", content.RemoteOptions{CacheMiB: 8})
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, data, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "cmp", plain, path)
	run(t, "dd", "if="+path, "of="+plain+".dd", "bs=37k", "status=none")
	run(t, "cmp", plain, plain+".dd")
	info, err := os.Stat(path)
	if err != nil || info.Size() != int64(len(data)) || info.Mode() != 0o400 {
		t.Errorf("%v, %v", info, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 || entries[0].Name() != "image.wim" {
		t.Errorf("%v, %v", entries, err)
	}
	for name, err := range map[string]error{
		"write":  func() error { _, err := os.OpenFile(path, os.O_WRONLY, 0); return err }(),
		"create": os.WriteFile(path+"2", nil, 0o600),
		"remove": os.Remove(path),
	} {
		if !errors.Is(err, syscall.EROFS) {
			t.Errorf("%s: %v, want EROFS", name, err)
		}
	}
}

// TestWIM has wimlib read an image through the mount, verify it, and see a
// lie as an error.
func TestWIM(t *testing.T) {
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	if err := errors.Join(os.MkdirAll(filepath.Join(tree, "etc"), 0o755),
		os.WriteFile(filepath.Join(tree, "etc", "noise"), noise(3<<20), 0o644),
		os.WriteFile(filepath.Join(tree, "etc", "text"), []byte(strings.Repeat("text\n", 100_000)), 0o644)); err != nil {
		t.Fatal(err)
	}
	wim := filepath.Join(dir, "image.wim")
	run(t, "wimlib-imagex", "capture", tree, wim, "debian", "--compress=XPRESS", "--check", "--unix-data")
	data, err := os.ReadFile(wim)
	if err != nil {
		t.Fatal(err)
	}
	b := newBox(t, data)
	path := show(t, b, "image.wim", content.RemoteOptions{})
	if out := run(t, "wimlib-imagex", "info", path); !bytes.Contains(out, []byte("debian")) {
		t.Errorf("info: %s", out)
	}
	run(t, "wimlib-imagex", "verify", path)
	run(t, "wimlib-imagex", "apply", path, "1", filepath.Join(dir, "applied"))
	run(t, "diff", "-r", tree, filepath.Join(dir, "applied"))

	b.flip(int64(len(data) / 2))
	path = show(t, b, "image.wim", content.RemoteOptions{Tries: 1})
	out, err := exec.CommandContext(t.Context(), "wimlib-imagex", "verify", path).CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("Input/output error")) {
		t.Errorf("verify over a lying line: %v: %s", err, out)
	}
}

func TestNoWrongByte(t *testing.T) {
	data := noise(4 << 20)
	b := newBox(t, data)
	for _, at := range []int64{0, 2_000_000, int64(len(data)) - 1} {
		b.flip(at)
		path := show(t, b, "file", content.RemoteOptions{Tries: 1})
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		got, err := io.ReadAll(f)
		if !errors.Is(err, syscall.EIO) || !bytes.HasPrefix(data, got) || int64(len(got)) > at {
			t.Errorf("flipped at %d: %d bytes, %v", at, len(got), err)
		}
		b.flip(-1)
		if _, err := f.ReadAt(make([]byte, 1), at); err != nil {
			t.Errorf("after the line has healed: %v", err)
		}
	}
}

func TestUnmountWhileOpen(t *testing.T) {
	b := newBox(t, noise(4<<20))
	r, err := content.OpenRemote(t.Context(), b.source, b.file, content.RemoteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path, unmount, err := Mount(t.Context(), t.TempDir(), "file", r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unmount(), unmount()); err != nil {
		t.Error(err)
	}
	if _, err := f.ReadAt(make([]byte, 10), 3<<20); err == nil {
		t.Error("read after unmount")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestMountRefuses(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "/", ".hidden"} {
		if _, _, err := Mount(t.Context(), t.TempDir(), name, nil); err == nil {
			t.Errorf("mounted %q", name)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	data := noise(64 << 20)
	box := newBox(b, data)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		run(b, "dd", "if="+show(b, box, "file", content.RemoteOptions{}), "of=/dev/null", "bs=1M", "status=none")
	}
}
