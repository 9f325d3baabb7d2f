package job

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
)

// TestLogOffsets: offsets count the whole log, also where its older half is gone, and
// for who opens the folder anew.
func TestLogOffsets(t *testing.T) {
	f, err := Create(filepath.Join(t.TempDir(), "job"))
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	l := NewLog(f)
	for n := 0; whole.Len() < 5*maxLog/2; n++ {
		line := []byte(fmt.Sprintf("%d %s\n", n, bytes.Repeat([]byte("x"), 100_000)))
		whole.Write(line)
		if _, err := l.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	l = NewLog(f)
	var got bytes.Buffer
	first, next := int64(-1), int64(0)
	for {
		part, at, err := l.Read(next, 300_000)
		if err != nil {
			t.Fatal(err)
		}
		if len(part) == 0 {
			break
		}
		if first < 0 {
			first = at
		} else if at != next {
			t.Fatalf("bytes at %d follow those to %d", at, next)
		}
		got.Write(part)
		next = at + int64(len(part))
	}
	if first == 0 || next != int64(whole.Len()) || !bytes.Equal(got.Bytes(), whole.Bytes()[first:]) {
		t.Errorf("read %d bytes from %d to %d of %d", got.Len(), first, next, whole.Len())
	}
}
