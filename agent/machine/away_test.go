package machine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
)

// leaving is a source that goes away when it has given so many bytes, for so long; then it
// gives pieces that are cut off, until it is back.
type leaving struct {
	content.Source
	mu       sync.Mutex
	left     int64
	gone     time.Duration
	since    time.Time
	searched int
	found    bool // it is back when it was searched for
}

func (l *leaving) away(n int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left -= n; l.left < 0 && l.since.IsZero() {
		l.since = time.Now()
	}
	return !l.found && !l.since.IsZero() && time.Since(l.since) < l.gone
}

func (l *leaving) Manifest(ctx context.Context, digest string) ([]byte, error) {
	if l.away(0) {
		return nil, errors.New("no route to host")
	}
	return l.Source.Manifest(ctx, digest)
}

func (l *leaving) Range(ctx context.Context, sha string, offset, length int64) (io.ReadCloser, error) {
	was := l.away(0)
	if is := l.away(length); was {
		return nil, errors.New("no route to host")
	} else if is { // in the middle of an answer
		r, err := l.Source.Range(ctx, sha, offset, length)
		if err != nil {
			return nil, err
		}
		return io.NopCloser(io.MultiReader(io.LimitReader(r, length/2), broken{})), nil
	}
	return l.Source.Range(ctx, sha, offset, length)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset by peer") }

func (l *leaving) search(context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.searched++
}

// said collects lines.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, text)
}

func (s *said) count(part string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if strings.Contains(l, part) {
			n++
		}
	}
	return n
}

// copyOut stands in for a mount: the image is read piece by piece, as wimlib would.
func copyOut(_ context.Context, dir, name string, r *content.Remote) (string, func() error, error) {
	path := filepath.Join(dir, name)
	f, err := os.Create(path)
	if err != nil {
		return "", nil, err
	}
	_, err = io.Copy(f, io.NewSectionReader(r, 0, r.Size()))
	return path, func() error { return os.Remove(path) }, errors.Join(err, f.Close())
}

// TestBoxAway: a box that goes away in the middle of an apply costs time: the step waits,
// says so, and goes on where it was, whichever way the image comes.
func TestBoxAway(t *testing.T) {
	data := noise(6 << 20)
	bin, err := exec.LookPath("wimlib-imagex")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		download bool
		left     int64
		gone     time.Duration
		still    int // lines that say so, beside the first
		want     string
	}{
		"streamed, an hour":    {false, 3 << 20, time.Hour, 11, ""},
		"downloaded, an hour":  {true, 3 << 20, time.Hour, 11, ""},
		"before the manifest":  {false, -1, time.Hour, 11, ""},
		"a minute":             {false, 3 << 20, time.Minute, 0, ""},
		"for ever, streamed":   {false, 3 << 20, 1000 * time.Hour, 95, "given up after 8h0m0s without the box"},
		"for ever, downloaded": {true, 3 << 20, 1000 * time.Hour, 95, "given up after 8h0m0s without the box"},
	} {
		t.Run(name, func(t *testing.T) {
			images := imageStore(t, 6<<20)
			hostTools(t, images, bin)
			synctest.Test(t, func(t *testing.T) {
				box, lines := &leaving{Source: images.Source, left: tt.left, gone: tt.gone}, &said{}
				m := &Images{Supply: &Supply{Source: box, Content: images.Content, Keys: images.Keys, Say: lines.line, Search: box.search}, Dir: images.Dir, Mount: copyOut, Download: tt.download}
				target, begin := t.TempDir(), time.Now()
				err := m.Apply(t.Context(), "debian-12", 1, target, func(int64, int64) {})
				got, _ := os.ReadFile(filepath.Join(target, "file"))
				switch {
				case tt.want == "" && (err != nil || !bytes.Equal(got, data) || time.Since(begin) > tt.gone+time.Minute):
					t.Errorf("%v after %s, %d bytes applied", err, time.Since(begin), len(got))
				case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || len(got) > 0):
					t.Errorf("got %v, %d bytes applied", err, len(got))
				}
				still := lines.count("still waiting for the box")
				if lines.count("waiting, nothing is lost: ") != 1 || still < tt.still-1 || still > tt.still+1 || tt.want == "" && lines.count("the box is back after") != 1 {
					t.Errorf("said %q", lines.lines)
				}
				if n := int(min(tt.gone, longestAway)/awaySearch) - 2; box.searched < n*9/10 {
					t.Errorf("searched %d times, want about %d", box.searched, n)
				}
			})
		})
	}
}

// TestAwayEnds: the time limit of the step ends the waiting, and a box that says no is not
// waited for.
func TestAwayEnds(t *testing.T) {
	images := imageStore(t, 1<<20)
	synctest.Test(t, func(t *testing.T) {
		m := &Images{Supply: &Supply{Source: &leaving{Source: images.Source, left: -1, gone: time.Hour}, Content: images.Content, Keys: images.Keys, Say: func(string) {}}, Dir: images.Dir}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		begin := time.Now()
		if _, err := m.Need(ctx, "debian-12", 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 10*time.Minute {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
		begin = time.Now()
		m.Source = refusing{images.Source}
		if _, err := m.Need(t.Context(), "debian-12", 1); !api.Final(err) || time.Since(begin) > time.Minute {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
	})
}

// refusing closed the job.
type refusing struct{ content.Source }

func (refusing) Range(context.Context, string, int64, int64) (io.ReadCloser, error) {
	return nil, api.Errorf(api.CodeForbidden, "job", "the job has ended")
}

// stuck is there, and breaks off each answer at the same place.
type stuck struct {
	content.Source
	at int64
}

func (s stuck) Range(ctx context.Context, sha string, offset, length int64) (io.ReadCloser, error) {
	r, err := s.Source.Range(ctx, sha, offset, length)
	if err != nil || offset+length <= s.at {
		return r, err
	}
	return io.NopCloser(io.MultiReader(io.LimitReader(r, max(s.at-offset, 1)), broken{})), nil
}

// TestStuck: a box that answers, and never comes further, is not waited for without end.
func TestStuck(t *testing.T) {
	bin, err := exec.LookPath("wimlib-imagex")
	if err != nil {
		t.Fatal(err)
	}
	for _, download := range []bool{false, true} {
		images := imageStore(t, 6<<20)
		hostTools(t, images, bin)
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
			defer cancel()
			begin := time.Now()
			m := &Images{Supply: &Supply{Source: stuck{images.Source, 3 << 20}, Content: images.Content, Keys: images.Keys, Say: func(string) {}}, Dir: images.Dir, Mount: copyOut, Download: download}
			err := m.Apply(ctx, "debian-12", 1, t.TempDir(), func(int64, int64) {})
			if lasted := time.Since(begin); err == nil || !strings.Contains(err.Error(), "given up after 8h") || lasted > longestAway+time.Hour {
				t.Errorf("download %v: %v after %s", download, err, lasted)
			}
		})
	}
}

// TestContradiction: a manifest of which all chunks are good and the file is not ends the step: it would be fetched
// again and again.
func TestContradiction(t *testing.T) {
	src, f := captured(t, noise(3<<20))
	good := f.SHA256
	f.SHA256 = strings.Repeat("0", 64)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		store, err := content.OpenDirectory(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		m := &Supply{Source: renamed{src, good}, Say: func(string) {}}
		begin := time.Now()
		if err := m.fetch(ctx, store, f, func(int64) {}); !errors.Is(err, content.ErrManifest) || time.Since(begin) > time.Minute {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
	})
}

// renamed has a file under another name.
type renamed struct {
	content.Source
	good string
}

func (r renamed) Range(ctx context.Context, _ string, offset, length int64) (io.ReadCloser, error) {
	return r.Source.Range(ctx, r.good, offset, length)
}
