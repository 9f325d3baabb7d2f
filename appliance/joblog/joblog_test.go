package joblog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T) *Keeper {
	t.Helper()
	k, err := Open(filepath.Join(t.TempDir(), "logs"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAppend(t *testing.T) {
	k := open(t)
	for _, tt := range []struct {
		name   string
		offset int64
		gap    bool
		data   string
		next   int64
		fails  bool
	}{
		{"the beginning", 0, false, "abc", 3, false},
		{"what follows", 3, false, "de", 5, false},
		{"sent twice", 3, false, "de", 5, false},
		{"the half of it is there", 3, false, "defg", 7, false},
		{"something is missing", 9, false, "x", 7, false},
		{"a question", 0, false, "", 7, false},
		{"it is lost", 9, true, "jk", 11, false},
		{"far too long", MaxTotal + 1, true, "x", 11, true},
		{"before the beginning", -1, false, "x", 0, true},
	} {
		next, err := k.Append("job-1", tt.offset, tt.gap, []byte(tt.data))
		if next != tt.next || (err != nil) != tt.fails {
			t.Errorf("%s: next %d, %v", tt.name, next, err)
		}
	}
	for _, tt := range []struct {
		offset, at int64
		want       string
	}{{0, 0, "abcdefg"}, {5, 5, "fg"}, {7, 9, "jk"}, {11, 11, ""}, {99, 11, ""}} {
		got, at, err := k.Read("job-1", tt.offset)
		if string(got) != tt.want || at != tt.at || err != nil {
			t.Errorf("read %d: %q at %d, %v", tt.offset, got, at, err)
		}
	}
	for _, bad := range []string{"", "..", "../x", "a/b", "*", strings.Repeat("a", 65)} {
		if _, err := k.Append(bad, 0, false, []byte("x")); err == nil {
			t.Errorf("job %q has a log", bad)
		}
	}
	if _, _, err := k.Read("job-2", 0); !errors.Is(err, ErrNone) {
		t.Errorf("a job without a log: %v", err)
	}
}

// TestBounds: of a long log the end stays, and of many logs the newest.
func TestBounds(t *testing.T) {
	k := open(t)
	chunk := bytes.Repeat([]byte("x"), MaxChunk)
	next := int64(0)
	for next < 5*segment {
		var err error
		if next, err = k.Append("long", next, false, chunk); err != nil {
			t.Fatal(err)
		}
	}
	all, err := k.pieces("long")
	if err != nil || len(all) != 2 || all[1].end() != next {
		t.Fatalf("pieces %+v, %v", all, err)
	}
	if _, at, err := k.Read("long", 0); at != all[0].start || err != nil {
		t.Errorf("what is kept begins at %d, %v", at, err)
	}
	old := time.Now().Add(-time.Hour)
	for _, p := range all {
		if err := os.Chtimes(p.name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxJobs {
		if _, err := k.Append(fmt.Sprintf("job-%d", i), 0, false, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if k.Kept("long") || !k.Kept("job-0") || !k.Kept(fmt.Sprintf("job-%d", maxJobs-1)) {
		t.Error("the wrong log was forgotten")
	}
}
