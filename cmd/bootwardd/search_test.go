package main

import (
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/bootward/bootward/internal/canary"
	"github.com/bootward/bootward/site"
)

// search looks for the planted words in what was stored or sent.
type search struct{ t *testing.T }

// look searches some bytes as they are, and what is packed in them: payloads of
// signed envelopes, and bytes that a dump writes in hexadecimal.
func (s *search) look(where string, data []byte) {
	s.t.Helper()
	if len(data) == 0 {
		s.t.Errorf("%s: is empty, nothing was searched", where)
	}
	if what, ok := canary.Find(data, secretCanary, passwordCanary, pinCanary); ok {
		s.t.Errorf("%s: %s", where, what)
	}
	for _, m := range payload.FindAllSubmatch(data, -1) {
		if inside, err := base64.StdEncoding.DecodeString(string(m[1])); err == nil {
			s.look("payload in "+where, inside)
		}
	}
	for _, m := range blob.FindAllSubmatch(data, -1) {
		if inside, err := hex.DecodeString(string(m[1])); err == nil {
			s.look("bytes in "+where, inside)
		}
	}
}

var (
	payload = regexp.MustCompile(`"payload":\s*"([A-Za-z0-9+/=]+)"`)
	blob    = regexp.MustCompile(`X'([0-9a-f]{16,})'`)
)

// files searches every file below a folder, but for a folder of content.
func (s *search) files(what, dir, content string) {
	s.t.Helper()
	searched := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path == filepath.Join(dir, content):
			return filepath.SkipDir
		case e.IsDir():
			return nil
		}
		data, err := os.ReadFile(path)
		if len(data) > 0 {
			s.look(what+" "+strings.TrimPrefix(path, dir), data)
			searched++
		}
		return err
	})
	if err != nil || searched < 5 {
		s.t.Errorf("%s: %d files searched, %v", what, searched, err)
	}
}

// dump searches what sqlite3 writes of a database: whole values, which lie in
// pieces in its file.
func (s *search) dump(what, file string) {
	s.t.Helper()
	out, err := exec.CommandContext(s.t.Context(), "sqlite3", "-readonly", file, ".dump").Output()
	if err != nil || !strings.Contains(string(out), "secret-released") {
		s.t.Errorf("dump of the %s: %v: %d bytes that know of no release", what, err, len(out))
	}
	s.look("dump of the "+what, out)
}

// site searches the directory of the site, its database and a backup.
func (s *search) site(r *rig) {
	s.t.Helper()
	s.files("site", r.siteDir, "content") // the write-ahead log is among them
	s.dump("site", filepath.Join(r.siteDir, "site.db"))
	backup := filepath.Join(s.t.TempDir(), "cen.tar.zst")
	if err := site.Backup(s.t.Context(), r.siteDir, backup, false, "ann", time.Now()); err != nil {
		s.t.Fatal(err)
	}
	f, err := os.Open(backup)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		s.t.Fatal(err)
	}
	defer z.Close()
	raw, err := io.ReadAll(z)
	if err != nil {
		s.t.Fatal(err)
	}
	s.look("backup", raw)
}
