// Package canary finds planted words in what is stored or sent: as they are,
// in UTF-16, and in base64 wherever they begin. Tests plant a word where a
// password stands and then search everything that left the place.
//
// It does no I/O and unpacks nothing: data that is compressed, encrypted, or
// base64 that is broken into lines, is to be unpacked by the caller.
package canary

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"unicode/utf16"
)

// MinLength is the length of the shortest word that can be searched, in bytes:
// a shorter one is found in random data by chance.
const MinLength = 8

// Find looks for the words and says which one was found, how it was written
// and where. A word that is too short counts as found, so that a search that
// proves nothing fails.
func Find(data []byte, words ...string) (string, bool) {
	for _, w := range words {
		if len(w) < MinLength {
			return fmt.Sprintf("word %q is shorter than %d bytes: plant a longer one", w, MinLength), true
		}
		for _, f := range forms(w) {
			if at := bytes.Index(data, f.bytes); at >= 0 {
				return fmt.Sprintf("word %q, %s, at byte %d", w, f.name, at), true
			}
		}
	}
	return "", false
}

// form is one way to write a word.
type form struct {
	name  string
	bytes []byte
}

func forms(word string) []form {
	wide := utf16LE(word)
	out := []form{{"as it is", []byte(word)}, {"in UTF-16", wide}}
	for _, e := range []struct {
		name string
		*base64.Encoding
	}{{"in base64", base64.RawStdEncoding}, {"in base64url", base64.RawURLEncoding}} {
		for before := range 3 {
			out = append(out, form{e.name, inner(e.Encoding, []byte(word), before)},
				form{e.name + " of UTF-16", inner(e.Encoding, wide, before)})
		}
	}
	return out
}

// inner encodes a word that stands behind some bytes (0 to 2, modulo 3) of a
// longer text, without the characters that depend on its neighbours: base64
// takes 6 bits for each character (RFC 4648, section 4).
func inner(e *base64.Encoding, word []byte, before int) []byte {
	text := e.AppendEncode(nil, append(make([]byte, before), word...))
	first := (before*8 + 5) / 6
	last := (before + len(word)) * 8 / 6
	return text[first:last]
}

func utf16LE(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}
