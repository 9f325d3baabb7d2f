package content

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestImport(t *testing.T) {
	for _, size := range []int{0, 1, chunkMin, chunkMax + 1, 3 << 20} {
		d := open(t)
		data := noise(1, size)
		var seen int64
		f, err := d.Import(t.Context(), bytes.NewReader(data), func(n int64) { seen += n })
		if err != nil {
			t.Fatal(err)
		}
		if f.SHA256 != sum(data) || f.Size != int64(size) || seen != f.Size || f.validate() != nil {
			t.Errorf("%d bytes: got %d, %s, progress %d, %v", size, f.Size, f.SHA256, seen, f.validate())
		}
		for _, c := range f.Chunks {
			if c.SHA256 != sum(data[c.Offset:c.Offset+c.Length]) {
				t.Errorf("%d bytes: chunk at %d has a wrong digest", size, c.Offset)
			}
		}
		if !bytes.Equal(load(t, d, f.SHA256), data) {
			t.Errorf("%d bytes: something else was stored", size)
		}
	}
}

func TestImportHeals(t *testing.T) {
	d := open(t)
	data := noise(1, 1<<20)
	f := store(t, d, data)
	flip(t, d, f.SHA256, 5)
	store(t, d, data)
	if !bytes.Equal(load(t, d, f.SHA256), data) {
		t.Error("the damaged file is still there")
	}
}

func TestImportThatFailsLeavesNothing(t *testing.T) {
	d := open(t)
	broken := errors.New("the disk of the reader broke")
	_, err := d.Import(t.Context(), io.MultiReader(bytes.NewReader(noise(1, 1<<20)), readerFunc(func([]byte) (int, error) { return 0, broken })), nil)
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Import(ctx, bytes.NewReader(noise(1, 1<<20)), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left := files(t, d); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestChunks(t *testing.T) {
	data := noise(7, 16<<20)
	lengths := func(b []byte) (n []int64, digests map[string]bool) {
		digests = map[string]bool{}
		f, err := describe(t.Context(), bytes.NewReader(b), io.Discard, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Chunks {
			n = append(n, c.Length)
			digests[c.SHA256] = true
		}
		return n, digests
	}
	a, set := lengths(data)
	b, _ := lengths(data)
	if !slices.Equal(a, b) {
		t.Error("two runs cut differently")
	}
	for i, n := range a[:len(a)-1] {
		if n < chunkMin || n > chunkMax {
			t.Errorf("chunk %d has %d bytes", i, n)
		}
	}
	average := int64(len(data)) / int64(len(a))
	t.Logf("%d chunks, %d bytes on average", len(a), average)
	if average < 48<<10 || average > 96<<10 {
		t.Errorf("chunks have %d bytes on average", average)
	}
	// The cuts of this release: if they move, equal packages get new digests.
	if want := []int64{88395, 54788, 68774, 39222}; !slices.Equal(a[:4], want) {
		t.Errorf("the first cuts are %v, want %v", a[:4], want)
	}
	_, moved := lengths(append([]byte("an insertion at the front"), data...))
	shared := 0
	for sha := range moved {
		if set[sha] {
			shared++
		}
	}
	if shared < len(a)-3 {
		t.Errorf("after an insertion %d of %d chunks are shared", shared, len(a))
	}
}

func TestScan(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		p := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), mode)); err != nil {
			t.Fatal(err)
		}
	}
	write("b/tool", "#!/bin/sh\n", 0o755)
	write("a.txt", "text", 0o600)
	write("b.txt", "", 0o644)
	if err := os.Symlink("b/tool", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	m, err := Scan(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range m.Files {
		got = append(got, f.Path)
	}
	if diff := cmp.Diff([]string{"a.txt", "b.txt", "b/tool", "link"}, got); diff != "" {
		t.Error(diff)
	}
	if m.File("a.txt").Mode != 0o644 || m.File("link").Mode != 0o755 || m.File("link").SHA256 != m.File("b/tool").SHA256 {
		t.Errorf("got %+v", m.Files)
	}
	d := open(t)
	imported, err := d.ImportTree(t.Context(), dir, nil)
	if err != nil || cmp.Diff(m, imported) != "" || len(d.Missing(m)) != 0 {
		t.Errorf("import: %v %s, missing %v", err, cmp.Diff(m, imported), d.Missing(m))
	}
	one, err := Scan(t.Context(), filepath.Join(dir, "a.txt"), nil)
	if err != nil || len(one.Files) != 1 || one.Files[0].Path != "a.txt" {
		t.Errorf("one file: %+v, %v", one, err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if _, err := Scan(t.Context(), dir, nil); err == nil || !strings.Contains(err.Error(), "out") {
		t.Errorf("a link out of the tree: %v", err)
	}
}

func TestReceive(t *testing.T) {
	d := open(t)
	data := noise(3, 1<<20)
	sha, size := sum(data), int64(len(data))
	receive := func(offset int64, part []byte) (int64, error) {
		return d.Receive(t.Context(), sha, offset, size, bytes.NewReader(part))
	}
	if n, err := receive(0, data[:1000]); n != 1000 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := receive(2000, data[2000:]); n != 1000 || !errors.Is(err, ErrOffset) {
		t.Errorf("a gap: %d, %v", n, err)
	}
	if _, ok := d.Has(sha); ok || d.Received(sha) != 1000 {
		t.Error("visible before it is whole")
	}
	if n, err := receive(900, data[900:]); n != size || err != nil {
		t.Fatal(n, err)
	}
	if !bytes.Equal(load(t, d, sha), data) || d.Received(sha) != size {
		t.Error("something else was stored")
	}
	if n, err := receive(0, nil); n != size || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	other := sum([]byte("other"))
	if _, err := d.Receive(t.Context(), other, 0, 5, strings.NewReader("wrong")); err == nil {
		t.Error("wrong bytes were taken")
	}
	if _, ok := d.Has(other); ok || d.Received(other) != 0 {
		t.Error("wrong bytes are still there")
	}
}
