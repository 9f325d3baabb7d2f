package machine

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/trust"
)

var (
	_ step.Packages = (*Packages)(nil)
	_ step.Updates  = Updates{}
)

// line is a source whose requests fail as a test wants.
type line struct {
	store
	asked int
	fail  func(n int) error // request n, from 1; nil: it is answered
	spoil bool              // one byte of each answer
}

func (l *line) Manifest(ctx context.Context, digest string) ([]byte, error) {
	if l.asked++; l.fail != nil && l.fail(l.asked) != nil {
		return nil, l.fail(l.asked)
	}
	return l.store.Manifest(ctx, digest)
}

func (l *line) Range(ctx context.Context, sha string, offset, length int64) (io.ReadCloser, error) {
	if l.asked++; l.fail != nil && l.fail(l.asked) != nil {
		return nil, l.fail(l.asked)
	}
	if l.spoil {
		return io.NopCloser(strings.NewReader(strings.Repeat("x", int(length)))), nil
	}
	return l.store.Range(ctx, sha, offset, length)
}

// office is a package at a source, and a folder for it that is not there yet.
func office(t *testing.T) (*Packages, *line, api.JobContent, string, *[]string) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{store: store{map[string][]byte{}, map[string][]byte{}}}
	digest := l.add(t, key, map[string][]byte{"install.sh": []byte("exit 100\n"), "share/a": []byte("data"), "share/b": []byte("data")})
	said := &[]string{}
	m := &Packages{&Supply{Source: l, Keys: []ed25519.PublicKey{pub}, Say: func(s string) { *said = append(*said, s) },
		Content: []api.JobContent{{Kind: "Image", ID: "CEN00002", Name: "Office"}, {Kind: "Package", ID: "CEN00001", Name: "Office", Manifest: digest}}}}
	p, err := m.Find("CEN00001")
	if err != nil || p.Name != "Office" {
		t.Fatal(p, err)
	}
	return m, l, p, filepath.Join(t.TempDir(), "jobContent", "run", p.ID), said
}

func TestFetchPackage(t *testing.T) {
	m, l, p, dir, _ := office(t)
	var done, total int64
	o := step.Fetching{Progress: func(d, n int64) { done, total = d, n }}
	if err := m.Fetch(t.Context(), p, dir, o); err != nil {
		t.Fatal(err)
	}
	if done != total || total != 17 {
		t.Errorf("progress %d of %d", done, total)
	}
	for name, mode := range map[string]os.FileMode{"": 0o700, "install.sh": 0o755, "share": 0o755, "../../run": 0o711} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%q: %v %v, want %v", name, info, err, mode)
		}
	}
	if left, _ := filepath.Glob(dir + ".part"); left != nil {
		t.Errorf("left: %v", left)
	}
	l.asked = 0
	if err := os.WriteFile(filepath.Join(dir, "share/a"), []byte("DATA"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := m.Fetch(t.Context(), p, dir, o); err != nil || l.asked != 2 {
		t.Errorf("%v: %d requests, want the manifest and the file that was changed", err, l.asked)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "share/a")); string(got) != "data" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := m.Find("Nothing"); err == nil || !strings.Contains(err.Error(), "not among the content") {
		t.Error(err)
	}
}

// TestFetchForAUser: he can open the folder, and change nothing of what root gets from it later.
func TestFetchForAUser(t *testing.T) {
	m, _, p, dir, _ := office(t)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := m.Fetch(t.Context(), p, dir, step.Fetching{Owner: "nobody"}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if st := info.Sys().(*syscall.Stat_t); err != nil || st.Uid != 65534 || info.Mode().Perm() != 0o700 {
		t.Fatalf("%v %v", info, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "install.sh")); err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Error("a file is his", err)
	}
	// What he may do in a folder of his own:
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "share")), os.Mkdir(outside, 0o755), os.Symlink(outside, filepath.Join(dir, "share"))); err != nil {
		t.Fatal(err)
	}
	if err := m.Fetch(t.Context(), p, dir, step.Fetching{}); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Errorf("root wrote through his link: %v", left)
	}
	if err := m.Fetch(t.Context(), p, dir, step.Fetching{Owner: "no-such-user"}); err == nil || !strings.Contains(err.Error(), "make the user") {
		t.Error(err)
	}
}

// TestFetchGoesOn: a box that is away for hours, or busy, costs time alone, is told of and looked
// for; what comes wrong is fetched as often as the sequence says.
func TestFetchGoesOn(t *testing.T) {
	away := &url.Error{Op: "Get", URL: "https://box", Err: errors.New("no route to host")}
	busy := &api.Error{Code: api.CodeUnavailable, Detail: "not complete", Retryable: true}
	for _, tt := range []struct {
		name  string
		fail  func(n int) error
		spoil bool
		asked int
		said  string
		want  string
		takes time.Duration // at least
	}{
		{"away for hours", func(n int) error {
			if n > 1 && n < 2000 {
				return away
			}
			return nil
		}, false, 0, "waiting, nothing is lost: ", "", time.Hour},
		{"busy for a moment", func(n int) error {
			if n < 3 {
				return busy
			}
			return nil
		}, false, 0, "", "", 0},
		{"busy for ever", func(int) error { return busy }, false, 0, "still waiting for the box", "given up after 8h0m0s without the box", longestAway},
		{"closed", func(int) error { return api.Errorf(api.CodeForbidden, "", "the job is closed") }, false, 1, "", "the job is closed", 0},
		{"damaged", nil, true, 0, "fetching it again in 15s", "given up after 3 tries (SMSTSDownloadRetryCount)", 30 * time.Second},
		{"damaged, and nothing is done", nil, true, 0, "", "not those of the manifest", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, l, p, dir, said := office(t)
			synctest.Test(t, func(t *testing.T) {
				l.fail, l.spoil = tt.fail, tt.spoil
				if tt.name == "damaged, and nothing is done" {
					m.Retries = func() (int, time.Duration, error) { return 0, 0, nil }
				}
				begin, searched := time.Now(), 0
				m.Search = func(context.Context) { searched++ }
				defer func() {
					if left, _ := filepath.Glob(dir + ".part"); left != nil {
						t.Errorf("left: %v", left)
					}
				}()
				err := m.Fetch(t.Context(), p, dir, step.Fetching{})
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) || tt.asked > 0 && l.asked != tt.asked {
					t.Errorf("%v after %d requests, want %q", err, l.asked, tt.want)
				}
				if strings.Count(strings.Join(*said, "\n"), "nothing is lost") > 1 || !strings.Contains(strings.Join(*said, "\n"), tt.said) {
					t.Errorf("said %q", *said)
				}
				if took := time.Since(begin); took < tt.takes {
					t.Errorf("it took %s", took)
				}
				if n := int(tt.takes/awaySearch) * 8 / 10; !tt.spoil && searched < n {
					t.Errorf("searched %d times, want %d", searched, n)
				}
			})
		})
	}
}

// drips gives one chunk, then wrong ones as often as a try of content.Fetch lasts.
type drips struct {
	*line
	asked int
}

func (d *drips) Range(ctx context.Context, sha string, offset, length int64) (io.ReadCloser, error) {
	if d.asked++; d.asked%6 != 1 {
		return io.NopCloser(strings.NewReader(strings.Repeat("x", int(length)))), nil
	}
	return d.store.Range(ctx, sha, offset, min(length, 4))
}

// TestFetchCountsAnew: each byte that comes is a new beginning.
func TestFetchCountsAnew(t *testing.T) {
	m, l, _, dir, _ := office(t)
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	data := []byte("0123456789abcdefghij")
	f := content.File{Path: "a", Mode: 0o644, Size: int64(len(data)), SHA256: strings.TrimPrefix(content.Digest(data), "sha256:")}
	for at := 0; at < len(data); at += 4 {
		f.Chunks = append(f.Chunks, content.Chunk{Offset: int64(at), Length: 4, SHA256: strings.TrimPrefix(content.Digest(data[at:at+4]), "sha256:")})
	}
	l.blobs[f.SHA256] = data
	payload, err := json.Marshal(content.Manifest{Format: content.Format, Files: []content.File{f}})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(trust.Sign(trust.TypeManifest, payload, key))
	if err != nil {
		t.Fatal(err)
	}
	l.manifests[content.Digest(payload)] = raw
	m.Keys, m.Source = []ed25519.PublicKey{pub}, &drips{line: l}
	m.Retries = func() (int, time.Duration, error) { return 1, time.Second, nil }
	synctest.Test(t, func(t *testing.T) {
		err := m.Fetch(t.Context(), api.JobContent{Name: "Slow", Manifest: content.Digest(payload)}, dir, step.Fetching{})
		if err != nil {
			t.Error(err)
		}
	})
	if got, err := os.ReadFile(filepath.Join(dir, "a")); string(got) != string(data) {
		t.Errorf("%q %v", got, err)
	}
}

// TestFetchEnds: whoever waits for a box stops when the step is over.
func TestFetchEnds(t *testing.T) {
	m, l, p, dir, _ := office(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		l.fail = func(int) error { return &url.Error{Op: "Get", Err: errors.New("refused")} }
		if err := m.Fetch(ctx, p, dir, step.Fetching{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// TestNoRoomForAPackage: nothing is fetched to where it does not fit, and the error names need and
// free space.
func TestNoRoomForAPackage(t *testing.T) {
	m, l, _, _, _ := office(t)
	files := map[string][]byte{}
	for i := range 64 {
		files[fmt.Sprint("file", i)] = append(make([]byte, 64<<10), byte(i))
	}
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m.Keys = []ed25519.PublicKey{pub}
	p := api.JobContent{Kind: "Package", ID: "CEN00009", Name: "Large", Manifest: l.add(t, key, files)}
	img, target := filepath.Join(t.TempDir(), "v.img"), t.TempDir()
	for _, args := range [][]string{{"truncate", "-s", "1M", img}, {"mkfs.ext4", "-q", "-F", "-m", "0", img}, {"mount", "-o", "loop", img, target}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	t.Cleanup(func() { _ = exec.Command("umount", target).Run() })
	l.asked = 0
	err = m.Fetch(t.Context(), p, filepath.Join(target, "x", p.ID), step.Fetching{})
	if err == nil || !strings.Contains(err.Error(), "it needs 4.") || !strings.Contains(err.Error(), "the volume has ") || l.asked != 1 {
		t.Errorf("%v after %d requests", err, l.asked)
	}
}

func TestFreeInMemory(t *testing.T) {
	free, where, err := freeAt("/dev/shm")
	if err != nil || where != "the memory" || free < 0 {
		t.Errorf("%d %s %v", free, where, err)
	}
	if _, where, err := freeAt(t.TempDir()); err != nil || where == "" {
		t.Error(where, err)
	}
}
