package site

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
)

// TestBackupAndRestore: the restored site is the same site with a higher
// epoch: boxes keep their certificates, administrators their tokens.
func TestBackupAndRestore(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	box, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token, "s")
	before, _ := box.policy(t, "")
	file := filepath.Join(t.TempDir(), "cen.tar.zst")
	if err := Backup(t.Context(), r.dir, file, true, "ann", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), r.dir, file, true, "ann", time.Now()); err == nil {
		t.Error("a backup was overwritten")
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode of the backup: %v, %v", st.Mode(), err)
	}
	r.apply("kind: Computer\nname: later\nmacs: [52:54:00:99:00:11]\n") // policy 2 of the old site
	box.policy(t, "")

	dir := filepath.Join(t.TempDir(), "restored")
	got, err := Restore(t.Context(), file, dir, "ann", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got.Epoch != 2 || got.Site != "CEN" || !got.Content {
		t.Errorf("restored: %+v", got)
	}
	if _, err := Restore(t.Context(), file, dir, "ann", time.Now()); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("restore over a site: %v", err)
	}
	for name, want := range map[string]os.FileMode{"keys/ca.key": 0o600, "keys/signing.key": 0o600, "keys/root/root.key": 0o600, "site.db": 0o600} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, want mode %v", name, err, want)
		}
	}
	s := &rig{t: t, dir: dir, token: r.token, clock: r.clock}
	s.start()
	again := s.peer("", nil)
	again.http = box.http
	after, _ := again.policy(t, "?have="+Version{before.Epoch, before.Number + 1}.String())
	if after == nil || after.Epoch != 2 || len(after.Images) != 1 || len(after.Grants) != 2 {
		t.Fatalf("policy of the restored site: %+v", after)
	}
	if code, raw := again.call("GET", "/v1/box/manifests/"+after.Images[0].Manifest, nil); code != 200 {
		t.Errorf("content of the restored site: %d %s", code, raw)
	}
	log := must[[]api.AuditEntry](t, s.person(), "GET", "/v1/audit", nil)
	if log[len(log)-1].What != "restore" || log[len(log)-2].What != "backup" {
		t.Errorf("end of the audit log: %+v", log[len(log)-2:])
	}
}

func TestRestoreRefuses(t *testing.T) {
	r := newRig(t)
	file := filepath.Join(t.TempDir(), "cen.tar.zst")
	if err := Backup(t.Context(), r.dir, file, false, "ann", time.Now()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"cut": whole[:len(whole)/2], "other": []byte("something else"), "empty": nil} {
		bad, dir := filepath.Join(t.TempDir(), name), filepath.Join(t.TempDir(), "site")
		if err := os.WriteFile(bad, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Restore(t.Context(), bad, dir, "ann", time.Now()); err == nil {
			t.Errorf("%s: was restored", name)
		}
		if _, err := LoadConfig(dir); err == nil {
			t.Errorf("%s: left a site", name)
		}
	}
}

func TestInitRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, code := range []string{"", "cen", "CENT", "1AB", "C-N"} {
		if _, err := Init(t.Context(), filepath.Join(dir, "x"), code, "ann", time.Now()); err == nil {
			t.Errorf("code %q was taken", code)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Init(t.Context(), dir, "CEN", "ann", time.Now()); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a full directory: %v", err)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("format: 1\ncode: CEN\n"))
	f.Add([]byte("format: 1\ncode: CEN\nmore: 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseConfig(bytes.NewReader(b)); err == nil && CheckCode(c.Code) != nil {
			t.Errorf("took code %q", c.Code)
		}
	})
}

func FuzzParseVersion(f *testing.F) {
	f.Add("1.2")
	f.Add("")
	f.Add("18446744073709551616.1")
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseVersion(s); err == nil && s != "" && v.String() != s {
			t.Errorf("%q became %s", s, v)
		}
	})
}

// FuzzUnpack: an archive writes below its directory or fails.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte("(\xb5/\xfd"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if _, _, err := unpack(t.Context(), bytes.NewReader(b), dir); err == nil {
			t.Error("was taken")
		}
	})
}
