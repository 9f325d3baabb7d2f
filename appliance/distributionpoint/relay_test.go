package distributionpoint

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/trust"
)

// upstream is a site as a source of content, with one version of one file.
type upstream struct {
	digest, sha string
	envelope    []byte
	data        string
	down        bool
	asked       int
}

func newUpstream(t *testing.T, data string) (*upstream, ed25519.PublicKey) {
	t.Helper()
	sha := strings.TrimPrefix(content.Digest([]byte(data)), "sha256:")
	m := content.Manifest{Format: content.Format, Files: []content.File{{Path: "os.wim", Mode: 0o644, Size: int64(len(data)), SHA256: sha,
		Chunks: []content.Chunk{{Length: int64(len(data)), SHA256: sha}}}}}
	payload, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := json.Marshal(trust.Sign(trust.TypeManifest, payload, key))
	if err != nil {
		t.Fatal(err)
	}
	return &upstream{digest: content.Digest(payload), sha: sha, envelope: envelope, data: data}, pub
}

func (u *upstream) Manifest(context.Context, string) ([]byte, error) { return u.envelope, nil }

func (u *upstream) Range(_ context.Context, _ string, offset, length int64) (io.ReadCloser, error) {
	if u.asked++; u.down {
		return nil, errors.New("the line is cut")
	}
	return io.NopCloser(strings.NewReader(u.data[offset : offset+length])), nil
}

// TestRelay: a job that may have it so gets what is not here through the box,
// another one does not; nobody does while the line is down or when the manifest
// is not the site's.
func TestRelay(t *testing.T) {
	u, pub := newUpstream(t, strings.Repeat("image", 20_000))
	_, stranger := newUpstream(t, "other")
	relayed := []api.JobContent{{Manifest: u.digest, Remote: true}}
	for name, tt := range map[string]struct {
		pinned     []api.JobContent
		key        ed25519.PublicKey
		line       bool
		sha        string
		code, blob int
	}{
		"may":                  {relayed, pub, true, u.sha, 200, 200},
		"may not":              {[]api.JobContent{{Manifest: u.digest}}, pub, true, u.sha, 503, 503},
		"of another job":       {nil, pub, true, u.sha, 404, 404},
		"a guess":              {relayed, pub, true, strings.Repeat("0", 64), 200, 404},
		"line down":            {relayed, pub, false, u.sha, 503, 503},
		"signed by a stranger": {relayed, stranger, true, u.sha, 503, 503},
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := content.OpenDirectory(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			relay := NewRelay(dir, func() (content.Source, []ed25519.PublicKey, bool) { return u, []ed25519.PublicKey{tt.key}, tt.line })
			defer relay.Close()
			p := &Point{Library: NewLibrary(dir), Relay: relay}
			w := httptest.NewRecorder()
			if code := status(w, p.Manifest(w, request(), u.digest, tt.pinned)); code != tt.code {
				t.Errorf("manifest: %d, want %d", code, tt.code)
			}
			w = httptest.NewRecorder()
			code := status(w, p.Blob(w, request(), tt.sha, tt.pinned))
			if code != tt.blob || code == 200 && w.Body.String() != u.data || code != 200 && w.Body.Len() > 0 {
				t.Errorf("blob: %d with %d bytes, want %d", code, w.Body.Len(), tt.blob)
			}
			if _, stored := dir.Has(u.sha); stored {
				t.Error("the relay stored it")
			}
		})
	}
}

func request() *http.Request { return httptest.NewRequest(http.MethodGet, "/", nil) }

func status(w *httptest.ResponseRecorder, e *api.Error) int {
	if e != nil {
		return e.Status
	}
	return w.Code
}

// TestRelayIsBounded: a few files are open at once; those that nobody reads give
// way.
func TestRelayIsBounded(t *testing.T) {
	u, _ := newUpstream(t, "data")
	dir, err := content.OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := NewRelay(dir, func() (content.Source, []ed25519.PublicKey, bool) { return u, nil, true })
	defer r.Close()
	file := func(i int) content.File {
		sha := strings.Repeat(string(rune('a'+i)), 64)
		return content.File{Path: "f", Mode: 0o644, Size: 4, SHA256: sha, Chunks: []content.Chunk{{Length: 4, SHA256: sha}}}
	}
	var held []*relayed
	for i := range relayFiles {
		one, why := r.open(file(i))
		if one == nil {
			t.Fatal(why)
		}
		held = append(held, one)
	}
	if one, why := r.open(file(relayFiles)); one != nil || !strings.Contains(why, "too much") {
		t.Errorf("one more than may be: %v, %q", one, why)
	}
	r.release(held[0])
	if one, why := r.open(file(relayFiles)); one == nil {
		t.Errorf("after one was left: %s", why)
	}
}
