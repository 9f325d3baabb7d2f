package distributionpoint

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
)

// TestJobGetsItsOwnContentOnly: content that is there, but of another job, is
// not found, as if it did not exist; so is every guess.
func TestJobGetsItsOwnContentOnly(t *testing.T) {
	l, digest, _ := library(t, map[string]string{"os.wim": strings.Repeat("wim", 1000)})
	m, err := l.Version(digest)
	if err != nil {
		t.Fatal(err)
	}
	sha := m.Files[0].SHA256
	p := &Point{Library: l, OnBad: func(string) {}}
	own := []api.JobContent{{ID: "CEN00001", Manifest: digest}}
	zero := strings.Repeat("0", 64)
	for _, tt := range []struct {
		name, manifest, blob string
		pinned               []api.JobContent
		want                 int
	}{
		{"own", digest, sha, own, http.StatusOK},
		{"of another job", digest, sha, nil, http.StatusNotFound},
		{"a guess", "sha256:" + zero, zero, own, http.StatusNotFound},
		{"a path", "../manifests/" + digest, "../../box.db", own, http.StatusNotFound},
		{"nothing", "", "", own, http.StatusNotFound},
	} {
		for kind, serve := range map[string]func(w http.ResponseWriter) *api.Error{
			"manifest": func(w http.ResponseWriter) *api.Error {
				return p.Manifest(w, httptest.NewRequest(http.MethodGet, "/", nil), tt.manifest, tt.pinned)
			},
			"blob": func(w http.ResponseWriter) *api.Error {
				return p.Blob(w, httptest.NewRequest(http.MethodGet, "/", nil), tt.blob, tt.pinned)
			},
		} {
			w := httptest.NewRecorder()
			code := w.Code
			if failed := serve(w); failed != nil {
				code = failed.Status
			}
			if code != tt.want || code != http.StatusOK && w.Body.Len() > 0 {
				t.Errorf("%s, %s: %d with %d bytes, want %d", tt.name, kind, code, w.Body.Len(), tt.want)
			}
		}
	}
}
