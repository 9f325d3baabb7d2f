package canary

import (
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf16"
)

const word = "Canary-Wörd~9f3?>"

// wide is UTF-16LE as Windows writes it.
func wide(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

// TestFind: whatever stands around the word, it is found in every form.
func TestFind(t *testing.T) {
	for name, encode := range map[string]func(string) string{
		"as it is":                func(s string) string { return s },
		"in UTF-16":               wide,
		"in base64":               func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"in base64url":            func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
		"in base64 of UTF-16":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte(wide(s))) },
		"in base64url of UTF-16":  func(s string) string { return base64.URLEncoding.EncodeToString([]byte(wide(s))) },
		"in base64 of odd UTF-16": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("\xff" + wide(s))) },
	} {
		for before := range 7 {
			for after := range 4 {
				data := "{" + encode(strings.Repeat("\xa5", before)+word+strings.Repeat("\x5a", after)) + "}"
				if what, ok := Find([]byte(data), "not in there", word); !ok || !strings.Contains(what, word) {
					t.Errorf("%s, %d bytes before and %d after: %q, %t", name, before, after, what, ok)
				}
			}
		}
		if what, ok := Find([]byte(encode("other text of the same kind, Canary-Wörd~9f3")), word); ok {
			t.Errorf("%s: found in text without it: %s", name, what)
		}
	}
}

func TestFindNothing(t *testing.T) {
	if what, ok := Find(nil, word); ok {
		t.Errorf("found in nothing: %s", what)
	}
	if what, ok := Find([]byte("text")); ok {
		t.Errorf("found without words: %s", what)
	}
	// A search that proves nothing must not pass.
	for _, short := range []string{"", "4711", "1234567"} {
		if what, ok := Find([]byte("nothing of that kind"), short); !ok || !strings.Contains(what, "longer") {
			t.Errorf("%q: %q, %t", short, what, ok)
		}
	}
}

// FuzzFind: a word is found in base64 whatever stands around it.
func FuzzFind(f *testing.F) {
	f.Add([]byte("before"), "canary word", []byte("after"))
	f.Add([]byte{}, "12345678", []byte{0xff})
	f.Fuzz(func(t *testing.T, before []byte, word string, after []byte) {
		text := append(append(append([]byte{}, before...), word...), after...)
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
			if _, ok := Find([]byte(e.EncodeToString(text)), word); !ok {
				t.Errorf("%q behind %q is not found", word, before)
			}
		}
	})
}

func BenchmarkFind(b *testing.B) {
	data := []byte(strings.Repeat("a text without it, A-Za-z0-9+/ ", 1<<15))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if what, ok := Find(data, word); ok {
			b.Fatal(what)
		}
	}
}
