package durable

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, text := range []string{"old and longer", "new"} {
		if err := Write(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if raw, err := os.ReadFile(path); err != nil || string(raw) != text {
			t.Errorf("%q, %v", raw, err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := Write(dir, nil, 0o600); err == nil { // a folder cannot be replaced
		t.Error("a folder was replaced")
	}
	left, err := filepath.Glob(filepath.Dir(dir) + "/.*")
	if names, _ := os.ReadDir(dir); err != nil || len(left) > 0 || len(names) != 1 {
		t.Errorf("left behind: %q, %v, %v", left, names, err)
	}
}
