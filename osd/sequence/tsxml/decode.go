package tsxml

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxSize is how many bytes a document may have.
const MaxSize = 16 << 20

// decode reads a document and brings it to UTF-8, without a byte order mark.
func decode(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return "", fmt.Errorf("task sequence XML: %w", err)
	}
	if len(b) > MaxSize {
		return "", fmt.Errorf("task sequence XML: it has more than %d MiB: give the export of one task sequence, without its packages", MaxSize>>20)
	}
	switch {
	case bytes.HasPrefix(b, []byte("PK\x03\x04")):
		return "", errors.New("task sequence XML: this is a ZIP archive: take object.xml, or the .xml file, out of it")
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		return wide(b[2:], binary.LittleEndian)
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		return wide(b[2:], binary.BigEndian)
	case bytes.HasPrefix(b, []byte{'<', 0}):
		return wide(b, binary.LittleEndian)
	case bytes.HasPrefix(b, []byte{0, '<'}):
		return wide(b, binary.BigEndian)
	}
	return narrow(bytes.TrimPrefix(b, []byte("\ufeff")))
}

func wide(b []byte, order binary.ByteOrder) (string, error) {
	if len(b)%2 != 0 {
		return "", errors.New("task sequence XML: half a character stands at its end: it is UTF-16 and was cut off")
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units)), nil
}

var declared = regexp.MustCompile(`^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)

// narrow takes UTF-8 and the code pages of Western Windows. Programs that declare UTF-16 and write
// UTF-8 are common, so what is declared counts only where UTF-8 does not fit.
func narrow(b []byte) (string, error) {
	if utf8.Valid(b) {
		return string(b), nil
	}
	name := "utf-8"
	if m := declared.FindSubmatch(b); m != nil {
		name = strings.ToLower(string(m[1]))
	}
	switch name {
	case "windows-1252", "iso-8859-1", "us-ascii", "ascii":
	default:
		return "", fmt.Errorf("task sequence XML: it is not in the encoding %s that it declares: save it as UTF-8 or UTF-16; windows-1252 is read where it is declared", name)
	}
	var s strings.Builder
	for _, c := range b {
		if c >= 0x80 && c < 0xa0 {
			s.WriteRune(windows1252[c-0x80])
		} else {
			s.WriteRune(rune(c))
		}
	}
	return s.String(), nil
}

// windows1252 are the characters 0x80 to 0x9f of the code page.
var windows1252 = [32]rune{
	'€', utf8.RuneError, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', utf8.RuneError, 'Ž', utf8.RuneError,
	utf8.RuneError, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', utf8.RuneError, 'ž', 'Ÿ',
}

// asUTF8 makes the declaration of a document true for what export writes.
func asUTF8(src string) string {
	m := declared.FindStringSubmatchIndex(src)
	if m == nil {
		return src
	}
	return src[:m[2]] + "utf-8" + src[m[3]:]
}
