package content

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bootward/bootward/api"
)

func TestFetchGoesOn(t *testing.T) {
	from := open(t)
	data := noise(2, 4<<20)
	f := store(t, from, data)
	flipped := func(b []byte, at int) []byte { b = bytes.Clone(b); b[at] ^= 1; return b }
	half := len(data) / 2
	tests := []struct {
		name    string
		partial []byte
		most    int64 // bytes that may be sent
	}{
		{"nothing", nil, f.Size},
		{"empty partial", []byte{}, f.Size},
		{"half", data[:half], f.Size - int64(half) + chunkMax},
		{"all", data, 0},
		{"all and more", append(bytes.Clone(data), "more"...), 0},
		{"first byte wrong", flipped(data, 0), chunkMax},
		{"a byte in the middle wrong", flipped(data, half), chunkMax},
		{"last byte wrong", flipped(data, len(data)-1), chunkMax},
		{"a hole, as after a power cut", append(bytes.Clone(data[:half]), make([]byte, half)...), f.Size - int64(half) + chunkMax},
		{"rubbish", noise(9, len(data)), f.Size},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to, src := open(t), &faulty{d: from}
			if tt.partial != nil {
				if err := os.WriteFile(to.partial(f.SHA256), tt.partial, 0o444); err != nil {
					t.Fatal(err)
				}
			}
			var progress int64
			if err := Fetch(t.Context(), to, src, f, func(n int64) { progress += n }); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(load(t, to, f.SHA256), data) || progress != f.Size || src.sent > tt.most {
				t.Errorf("progress %d of %d, %d sent, want at most %d", progress, f.Size, src.sent, tt.most)
			}
			if got := files(t, to); len(got) != 1 {
				t.Errorf("left over: %q", got)
			}
		})
	}
}

// TestFetchKilled cuts the fetch at every point where the source can be, and
// goes on with another one.
func TestFetchKilled(t *testing.T) {
	from := open(t)
	data := noise(2, 1<<20)
	f := store(t, from, data)
	to := open(t)
	for kills := 0; ; kills++ {
		ctx, cancel := context.WithCancel(t.Context())
		src, got := &faulty{d: from}, int64(0)
		src.spoil = func(int64, []byte) {
			if got++; got == 3 {
				cancel()
			}
		}
		err := Fetch(ctx, to, src, f, nil)
		cancel()
		if err == nil {
			break
		}
		if _, visible := to.Has(f.SHA256); visible || kills > 100 {
			t.Fatalf("kill %d: visible %v", kills, visible)
		}
	}
	if !bytes.Equal(load(t, to, f.SHA256), data) {
		t.Error("something else was stored")
	}
}

// refusing refuses the first n requests.
func refusing(n int) func(int64, int64) error {
	return func(int64, int64) error {
		if n--; n >= 0 {
			return api.Errorf(api.CodeUnavailable, "blob", "not now")
		}
		return nil
	}
}

func TestFetchOverABadLine(t *testing.T) {
	from := open(t)
	data := noise(2, 2<<20)
	f := store(t, from, data)
	for name, src := range map[string]*faulty{
		"cut after 300 KB":   {d: from, cutAt: 300_000},
		"a byte flips once":  {d: from, spoil: spoilAt(1_000_000, 1)},
		"a byte flips twice": {d: from, spoil: spoilAt(1_000_000, 2)},
		"refused twice":      {d: from, before: refusing(2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := open(t)
			if err := Fetch(t.Context(), to, src, f, nil); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(load(t, to, f.SHA256), data) {
				t.Error("something else was stored")
			}
			if src.sent > f.Size+2*chunkMax {
				t.Errorf("%d bytes were sent for %d", src.sent, f.Size)
			}
		})
	}
}

func TestFetchGivesUp(t *testing.T) {
	from := open(t)
	f := store(t, from, noise(2, 1<<20))
	wrong := f
	wrong.SHA256 = sum([]byte("another file"))
	if err := errors.Join(os.MkdirAll(from.root+"/blobs/"+wrong.SHA256[:2], 0o755), os.Link(from.blob(f.SHA256), from.blob(wrong.SHA256))); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		src  *faulty
		file File
		want string
		asks int
	}{
		{"always wrong", &faulty{d: from, spoil: spoilAt(500_000, 1000)}, f, ErrChunk.Error(), 1 + maxTries},
		{"forbidden", &faulty{d: from, before: func(int64, int64) error { return api.Errorf(api.CodeForbidden, "blob", "no") }}, f, "no", 1},
		{"manifest contradicts itself", &faulty{d: from}, wrong, "manifest is wrong", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			to := open(t)
			err := Fetch(t.Context(), to, tt.src, tt.file, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(tt.src.asked) > tt.asks {
				t.Errorf("asked %d times, got %v, want %q", len(tt.src.asked), err, tt.want)
			}
			if _, ok := to.Has(tt.file.SHA256); ok {
				t.Error("it is visible")
			}
		})
	}
}

func TestFetchAtOnce(t *testing.T) {
	from, to := open(t), open(t)
	data := noise(2, 4<<20)
	f := store(t, from, data)
	src := &faulty{d: from}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := Fetch(t.Context(), to, src, f, nil); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if src.sent != f.Size || !bytes.Equal(load(t, to, f.SHA256), data) {
		t.Errorf("%d bytes were sent for %d", src.sent, f.Size)
	}
	if len(to.locks) != 0 {
		t.Errorf("%d locks are left", len(to.locks))
	}
}

func TestFetchVersion(t *testing.T) {
	from, to := open(t), open(t)
	a, b, empty := store(t, from, noise(1, 1<<20)), store(t, from, noise(2, 1<<20)), store(t, from, nil)
	digest, envelope := sign(t, named(a, "a"), named(b, "b"), named(a, "dir/copy of a"), named(empty, "empty"))
	src := &faulty{d: from, manifests: map[string][]byte{digest: envelope}}

	if err := FetchVersion(t.Context(), to, src, digest, nil, nil); err == nil {
		t.Error("a manifest that nobody known signed was taken")
	}
	src.before = func(int64, int64) error {
		if len(src.asked) > 1 {
			return api.Errorf(api.CodeForbidden, "b", "not yet")
		}
		return nil
	}
	if err := FetchVersion(t.Context(), to, src, digest, testKeys(), nil); err == nil {
		t.Error("complete without b")
	}
	if _, err := to.Manifest(digest); !errors.Is(err, fs.ErrNotExist) || to.Complete(digest) {
		t.Errorf("visible before it is complete: %v", err)
	}
	if err := to.PutManifest(digest, envelope); err == nil {
		t.Error("made visible without b")
	}
	if _, err := to.Sweep(Keep{Manifests: []string{digest}}); err != nil {
		t.Fatal(err)
	}
	if _, ok := to.Has(a.SHA256); !ok {
		t.Error("a file of a version that is still fetched was swept away")
	}
	src.before, src.manifests = nil, nil // the pending manifest is enough
	var progress int64
	if err := FetchVersion(t.Context(), to, src, digest, testKeys(), func(n int64) { progress += n }); err != nil {
		t.Fatal(err)
	}
	m, err := to.Version(digest)
	if err != nil || !to.Complete(digest) || progress != m.Bytes() {
		t.Errorf("version %v, complete %v, progress %d", err, to.Complete(digest), progress)
	}
	if got, err := to.Manifest(digest); err != nil || !bytes.Equal(got, envelope) {
		t.Errorf("manifest: %v", err)
	}
	if err := to.Quarantine(b.SHA256); err != nil || to.Complete(digest) {
		t.Errorf("complete without b; %v", err)
	}
	sent := src.sent
	if err := FetchVersion(t.Context(), to, src, digest, testKeys(), nil); err != nil || !to.Complete(digest) || src.sent != sent {
		t.Errorf("healing: %v, %d bytes were sent for a file that was good", err, src.sent-sent)
	}
}

func TestSweep(t *testing.T) {
	d := open(t)
	a, b, c := store(t, d, noise(1, 1<<20)), store(t, d, noise(2, 1<<20)), store(t, d, noise(3, 1<<20))
	one, envelopeOne := sign(t, named(a, "a"), named(b, "b"))
	two, envelopeTwo := sign(t, named(b, "b"))
	if err := errors.Join(d.PutManifest(one, envelopeOne), d.PutManifest(two, envelopeTwo)); err != nil {
		t.Fatal(err)
	}
	has := func() (got [3]bool) {
		for i, f := range []File{a, b, c} {
			_, got[i] = d.Has(f.SHA256)
		}
		return got
	}
	steps := []struct {
		name string
		keep Keep
		want [3]bool
		free int64
	}{
		{"all is wanted", Keep{Manifests: []string{one, two}, Blobs: []string{c.SHA256}}, [3]bool{true, true, true}, 0},
		{"c is not", Keep{Manifests: []string{one, two}}, [3]bool{true, true, false}, 1 << 20},
		{"version two only", Keep{Manifests: []string{two}}, [3]bool{false, true, false}, 1 << 20},
		{"a version that is not known", Keep{Manifests: []string{two, Digest(nil)}}, [3]bool{false, true, false}, 0},
		{"nothing", Keep{}, [3]bool{}, 1 << 20},
	}
	for _, s := range steps {
		freed, err := d.Sweep(s.keep)
		if err != nil || has() != s.want || freed < s.free {
			t.Errorf("%s: freed %d, %v, have %v, want %v", s.name, freed, err, has(), s.want)
		}
	}
	if left := files(t, d); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

func TestSweepKeepsAllWhenAManifestIsDamaged(t *testing.T) {
	d := open(t)
	a := store(t, d, noise(1, 1<<20))
	digest, envelope := sign(t, named(a, "a"))
	if err := errors.Join(d.PutManifest(digest, envelope), os.WriteFile(d.manifest(digest, ".json"), []byte("{"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Sweep(Keep{Manifests: []string{digest}}); err == nil {
		t.Error("swept")
	}
	if _, ok := d.Has(a.SHA256); !ok {
		t.Error("the file is gone")
	}
	src := &faulty{d: d, manifests: map[string][]byte{digest: envelope}}
	if err := FetchVersion(t.Context(), d, src, digest, testKeys(), nil); err != nil || !d.Complete(digest) {
		t.Errorf("it does not heal: %v", err)
	}
}

func TestOpenDirectoryCleansUp(t *testing.T) {
	d := open(t)
	for _, name := range []string{"/partial/import-1.partial", "/manifests/x.json.1.new", "/partial/" + zeros + ".partial"} {
		if err := os.WriteFile(d.root+name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenDirectory(d.root); err != nil {
		t.Fatal(err)
	}
	if got := files(t, d); !slices.Equal(got, []string{"partial/" + zeros + ".partial"}) {
		t.Errorf("there are %q", got)
	}
	for _, bad := range []string{"", "..", "../../etc/passwd", strings.ToUpper(zeros[:63]) + "A"} {
		if _, ok := d.Has(bad); ok {
			t.Errorf("has %q", bad)
		}
		if _, err := d.Open(bad); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open %q: %v", bad, err)
		}
		if _, err := d.Manifest("sha256:" + bad); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("manifest %q: %v", bad, err)
		}
		if d.Quarantine(bad) == nil || d.Remove(bad) == nil || d.RemoveManifest(bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
