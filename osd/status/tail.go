package status

import (
	"strings"
	"unicode/utf8"
)

// Tail is the end of a text, at most most bytes of valid UTF-8 without NUL.
// What stands before the cut is left out without a mark.
func Tail(text string, most int) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "?")
	if len(text) <= most {
		return text
	}
	text = text[len(text)-most:]
	for len(text) > 0 && !utf8.RuneStart(text[0]) {
		text = text[1:]
	}
	return text
}
