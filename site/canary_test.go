package site

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/canary"
)

// TestTokensAreKeptNowhere: of an administrator's token and of an enrolment
// token only hashes stay. Neither is in the site's directory, in a backup, in
// policy, or in the audit log; the answer that told the token is the check that
// the search finds it.
func TestTokensAreKeptNowhere(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	_, told := r.person().call("POST", "/v1/boxes/ward7-box/token", nil)
	enrolment := must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token
	box, _ := r.enrol(enrolment, "s")
	words := []string{secretOf(t, r.token), secretOf(t, enrolment)}
	if what, ok := canary.Find(told, secretOf(t, tokenIn(t, told))); !ok {
		t.Errorf("the search does not find a token where one is: %s", what)
	}
	search := func(where string, data []byte) {
		if len(data) == 0 {
			t.Errorf("%s: is empty, nothing was searched", where)
		}
		if what, ok := canary.Find(data, words...); ok {
			t.Errorf("%s: %s", where, what)
		}
	}
	_, policy := box.policy(t, "")
	search("policy", policy)
	_, log := r.person().call("GET", "/v1/audit", nil)
	search("audit log", log)
	seen := 0
	for name, data := range files(t, r.dir) { // the database's write-ahead log too
		if len(data) > 0 && !strings.HasPrefix(name, contentDir) {
			search(name, data)
			seen++
		}
	}
	if seen < 6 {
		t.Errorf("only %d files of the site were searched", seen)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := r.store.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	dump, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	search("copy of the database", dump)
	backup := filepath.Join(t.TempDir(), "cen.tar.zst")
	if err := Backup(t.Context(), r.dir, backup, false, "ann", r.clock.now()); err != nil {
		t.Fatal(err)
	}
	search("backup", unzstd(t, backup))
}

// secretOf is the part of a token that nobody else knows.
func secretOf(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("token of %d parts", len(parts))
	}
	return parts[2]
}

// tokenIn takes the token out of the JSON that told it.
func tokenIn(t *testing.T, raw []byte) string {
	t.Helper()
	_, rest, ok := strings.Cut(string(raw), `"token":"`)
	token, _, end := strings.Cut(rest, `"`)
	if !ok || !end {
		t.Fatalf("no token in %s", raw)
	}
	return token
}

// files reads every file below a folder.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		all[rel], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// unzstd unpacks a backup to its tar, and wants that it is whole.
func unzstd(t *testing.T, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	z.Close()
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for a := tar.NewReader(strings.NewReader(string(raw))); ; {
		h, err := a.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
	if !strings.Contains(strings.Join(names, " "), databaseFile) {
		t.Fatalf("the backup holds %v", names)
	}
	return raw
}
