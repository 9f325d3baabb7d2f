package lab

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWatchMessages: what is there is read, also while the last message is being written.
func TestWatchMessages(t *testing.T) {
	w := &Watch{file: filepath.Join(t.TempDir(), "watch")}
	for text, want := range map[string]int{"": 0, `{"number":1}`: 1, "{\n \"number\": 1\n}\n{\"number\": 2}\n{\"num": 2} {
		if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if all, err := w.Messages(); err != nil || len(all) != want || want > 0 && all[want-1].Number != uint64(want) {
			t.Errorf("%q: %+v, %v", text, all, err)
		}
	}
	if err := os.WriteFile(w.file, []byte("no JSON"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Messages(); err == nil {
		t.Error("what is no JSON was taken")
	}
}
