package content

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bootward/bootward/trust"
)

// noise is the same n bytes for a seed each time.
func noise(seed byte, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{seed})
	_, _ = r.Read(b) // never fails
	return b
}

func open(t testing.TB) *Directory {
	t.Helper()
	d, err := OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func store(t testing.TB, d *Directory, data []byte) File {
	t.Helper()
	f, err := d.Import(t.Context(), bytes.NewReader(data), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func load(t testing.TB, d *Directory, sha string) []byte {
	t.Helper()
	f, err := d.Open(sha)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// flip changes a byte of a stored blob behind the store's back.
func flip(t testing.TB, d *Directory, sha string, at int64) {
	t.Helper()
	f, err := os.OpenFile(d.blob(sha), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := []byte{0}
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func testKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
}

func testKeys() []ed25519.PublicKey {
	return []ed25519.PublicKey{testKey().Public().(ed25519.PublicKey)}
}

// sign makes a version of files.
func sign(t testing.TB, files ...File) (digest string, envelope []byte) {
	t.Helper()
	payload, err := json.Marshal(Manifest{Format: Format, Files: files})
	if err != nil {
		t.Fatal(err)
	}
	envelope, err = json.Marshal(trust.Sign(trust.TypeManifest, payload, testKey()))
	if err != nil {
		t.Fatal(err)
	}
	return Digest(payload), envelope
}

func named(f File, path string) File {
	f.Path, f.Mode = path, 0o644
	return f
}

// faulty is a Source over a store, with faults that a test sets.
type faulty struct {
	d         *Directory
	manifests map[string][]byte

	mu     sync.Mutex
	asked  []int64 // offsets
	sent   int64
	cutAt  int64                            // a stream breaks off after so many bytes, once per request
	spoil  func(offset int64, b []byte)     // changes bytes on the wire
	before func(offset, length int64) error // may refuse
}

func (s *faulty) Manifest(_ context.Context, digest string) ([]byte, error) {
	if raw, ok := s.manifests[digest]; ok {
		return raw, nil
	}
	return nil, os.ErrNotExist
}

func (s *faulty) Range(ctx context.Context, sha string, offset, length int64) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, offset)
	if s.before != nil {
		if err := s.before(offset, length); err != nil {
			return nil, err
		}
	}
	f, err := s.d.Open(sha)
	if err != nil {
		return nil, err
	}
	r := &faultyReader{s: s, f: f, r: io.NewSectionReader(f, offset, length), at: offset, ctx: ctx}
	if s.cutAt > 0 {
		r.r = io.MultiReader(io.NewSectionReader(f, offset, min(length, s.cutAt)), brokenLine{})
	}
	return r, nil
}

type brokenLine struct{}

func (brokenLine) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type faultyReader struct {
	s   *faulty
	f   *os.File
	r   io.Reader
	at  int64
	ctx context.Context
}

func (r *faultyReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.r.Read(b)
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.s.spoil != nil {
		r.s.spoil(r.at, b[:n])
	}
	r.at += int64(n)
	r.s.sent += int64(n)
	return n, err
}

func (r *faultyReader) Close() error { return r.f.Close() }

// spoilAt flips the byte at a position as often as times says.
func spoilAt(position int64, times int) func(int64, []byte) {
	return func(offset int64, b []byte) {
		if i := position - offset; i >= 0 && i < int64(len(b)) && times > 0 {
			b[i] ^= 0x80
			times--
		}
	}
}

// serveStore is a box: the store behind HTTP.
func serveStore(t testing.TB, d *Directory, f File, onBad func(string)) (*httptest.Server, HTTPSource) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, f.SHA256) {
			http.NotFound(w, r)
			return
		}
		Serve(w, r, f, d, onBad)
	}))
	t.Cleanup(server.Close)
	return server, HTTPSource{Client: server.Client(), Base: server.URL, Manifests: "/v1/manifests/", Blobs: "/v1/blobs/"}
}

// files lists what is in a store, without directories.
func files(t testing.TB, d *Directory) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(d.root, func(p string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			p, err = filepath.Rel(d.root, p)
			names = append(names, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
