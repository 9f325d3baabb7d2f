package job

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolder(t *testing.T) {
	base := t.TempDir()
	f, err := Create(filepath.Join(base, "a", "job"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(f.Dir()); err == nil {
		t.Error("an empty folder was opened as a job")
	}
	log := NewLog(f)
	for _, err := range []error{
		f.WriteJSON(FileJob, map[string]string{"id": "j1"}),
		f.Write(FileKey, []byte("key")),
		f.Append(FileStatus, []byte("one")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	log.Write([]byte("first\n"))
	old := f.Dir()
	to := filepath.Join(base, "volume", Name)
	if err := f.Move(to); err != nil {
		t.Fatal(err)
	}
	log.Write([]byte("second\n"))
	if err := f.Append(FileStatus, []byte("two")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Error("the old folder is still there")
	}
	for name, want := range map[string]string{FileStatus: "one\ntwo\n", FileLog: "first\nsecond\n", FileKey: "key"} {
		if b, err := f.Read(name); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
		if info, err := os.Stat(filepath.Join(to, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	if info, _ := os.Stat(to); info.Mode().Perm() != 0o700 {
		t.Errorf("folder mode %v", info.Mode())
	}
	again, err := Open(to)
	if err != nil {
		t.Fatal(err)
	}
	var job map[string]string
	if err := again.ReadJSON(FileJob, &job); err != nil || job["id"] != "j1" {
		t.Errorf("%v, %v", job, err)
	}
	if err := again.Remove(); err != nil {
		t.Fatal(err)
	}
}

// TestMoveFails: a place that takes nothing leaves the folder where it was.
func TestMoveFails(t *testing.T) {
	f, err := Create(filepath.Join(t.TempDir(), "job"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Write(FileJob, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := f.Move("/proc/nothing/" + Name); err == nil {
		t.Error("moved into /proc")
	}
	if b, err := f.Read(FileJob); err != nil || string(b) != "{}" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestLogIsBounded(t *testing.T) {
	f, err := Create(filepath.Join(t.TempDir(), "job"))
	if err != nil {
		t.Fatal(err)
	}
	log := NewLog(f)
	line := []byte(strings.Repeat("x", 100<<10))
	for range 50 {
		log.Write(line)
	}
	if info, err := os.Stat(filepath.Join(f.Dir(), FileLog)); err != nil || info.Size() > maxLog {
		t.Errorf("%v, %v", info, err)
	}
}
