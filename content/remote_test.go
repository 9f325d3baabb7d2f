package content

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/bootward/bootward/api"
)

func remote(t testing.TB, src Source, f File, opts RemoteOptions) *Remote {
	t.Helper()
	r, err := OpenRemote(t.Context(), src, f, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestRemote(t *testing.T) {
	d := open(t)
	data := noise(5, 12<<20)
	f := store(t, d, data)
	src := &faulty{d: d}
	r := remote(t, src, f, RemoteOptions{CacheMiB: 4})
	if err := iotest.TestReader(io.NewSectionReader(r, 0, 3<<20), data[:3<<20]); err != nil {
		t.Error(err)
	}
	if _, err := r.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("read before the start")
	}
	if n, err := r.ReadAt(make([]byte, 10), f.Size-4); n != 4 || err != io.EOF {
		t.Error(n, err)
	}
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			buf := make([]byte, 700_000)
			for range 40 {
				at := random.IntN(len(data) - len(buf))
				if _, err := r.ReadAt(buf, int64(at)); err != nil || !bytes.Equal(buf, data[at:at+len(buf)]) {
					t.Errorf("at %d: %v", at, err)
				}
			}
		})
	}
	group.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held-r.pending > 4<<20 {
		t.Errorf("%d bytes are held", r.held)
	}
}

func TestRemoteReadsAhead(t *testing.T) {
	d := open(t)
	data := noise(5, 16<<20)
	f := store(t, d, data)
	src := &faulty{d: d}
	r := remote(t, src, f, RemoteOptions{})
	got, err := io.ReadAll(io.NewSectionReader(r, 0, f.Size))
	if err != nil || !bytes.Equal(got, data) {
		t.Fatal(err)
	}
	if src.sent != f.Size || len(src.asked) > 20 {
		t.Errorf("%d bytes in %d requests", src.sent, len(src.asked))
	}
	far := remote(t, &faulty{d: d}, f, RemoteOptions{})
	if _, err := far.ReadAt(make([]byte, 10), 8<<20); err != nil {
		t.Fatal(err)
	}
	if n := far.src.(*faulty).sent; n > chunkMax {
		t.Errorf("for ten bytes, %d were sent", n)
	}
}

func TestRemoteOverABadLine(t *testing.T) {
	d := open(t)
	data := noise(5, 2<<20)
	f := store(t, d, data)
	for name, src := range map[string]*faulty{
		"cut":     {d: d, cutAt: 300_000},
		"flips":   {d: d, spoil: spoilAt(700_000, 1)},
		"refused": {d: d, before: refusing(2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := remote(t, src, f, RemoteOptions{})
			got, err := io.ReadAll(io.NewSectionReader(r, 0, f.Size))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

func TestRemoteFails(t *testing.T) {
	d := open(t)
	data := noise(5, 2<<20)
	f := store(t, d, data)
	src := &faulty{d: d, spoil: spoilAt(1_000_000, 1<<30)}
	r := remote(t, src, f, RemoteOptions{Tries: 2})
	got, err := io.ReadAll(io.NewSectionReader(r, 0, f.Size))
	if !errors.Is(err, ErrChunk) || !bytes.HasPrefix(data, got) || len(got) > 1_000_000 || r.LastError() == nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if n, err := r.ReadAt(make([]byte, 10), 1_900_000); n != 10 || err != nil {
		t.Errorf("a good chunk behind it: %v", err)
	}
	src.mu.Lock()
	src.spoil = nil
	src.mu.Unlock()
	if n, err := r.ReadAt(make([]byte, 10), 1_000_000); n != 10 || err != nil {
		t.Errorf("after the source has healed: %v", err)
	}
	refused := remote(t, &faulty{d: d, before: func(int64, int64) error { return api.Errorf(api.CodeForbidden, "blob", "no") }}, f, RemoteOptions{})
	if _, err := refused.ReadAt(make([]byte, 10), 0); err == nil || len(refused.src.(*faulty).asked) != 1 {
		t.Errorf("forbidden: %v", err)
	}
}

// TestRemoteWrong: who reads decides how often a wrong chunk is asked for again; one that was good
// begins the count anew.
func TestRemoteWrong(t *testing.T) {
	d := open(t)
	data := noise(5, 2<<20)
	f := store(t, d, data)
	for _, c := range []struct {
		wrong int
		want  []int
	}{{2, []int{1, 2}}, {1 << 30, []int{1, 2, 3}}} {
		var asked []int
		enough := errors.New("enough")
		r := remote(t, &faulty{d: d, spoil: spoilAt(1_000_000, c.wrong)}, f, RemoteOptions{Tries: 1, Wrong: func(_ context.Context, n int, err error) error {
			if asked = append(asked, n); n == 3 {
				return errors.Join(enough, err)
			}
			return nil
		}})
		got, err := io.ReadAll(io.NewSectionReader(r, 0, f.Size))
		if !slices.Equal(asked[:min(len(asked), len(c.want))], c.want) || // a second read tries anew
			(len(c.want) < 3) != (err == nil && bytes.Equal(got, data)) || err != nil && !errors.Is(err, enough) {
			t.Errorf("%d wrong: asked %v, %d bytes, %v", c.wrong, asked, len(got), err)
		}
	}
}

func TestRemoteEnds(t *testing.T) {
	d := open(t)
	f := store(t, d, noise(5, 1<<20))
	src := &faulty{d: d, before: func(int64, int64) error { return errors.New("the line is cut") }}
	r := remote(t, src, f, RemoteOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.ReadAtContext(ctx, make([]byte, 1), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("the reader gave up: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := r.ReadAt(make([]byte, 1), 0)
		done <- err
	}()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("read from a closed file")
	}
	if _, err := r.ReadAt(make([]byte, 1), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("read from a closed file: %v", err)
	}
}
