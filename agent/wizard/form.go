package wizard

import (
	"strings"
	"unicode/utf8"

	"github.com/bootward/bootward/agent/keys"
	"github.com/bootward/bootward/osd/sequence"
)

const (
	maxLine  = sequence.MaxAnswer // characters of a line
	maxShown = 40                 // stars of a secret
)

// field is one line that is typed.
type field struct {
	label  string
	value  []byte
	secret bool
}

// form is the fields of a page, and the one under the cursor.
type form struct {
	fields []field
	at     int
}

func one(label string) form { return form{fields: []field{{label: label}}} }

func (f *form) text() string {
	if len(f.fields) == 0 {
		return ""
	}
	return string(f.fields[f.at].value)
}

func (f *form) clear() {
	if len(f.fields) > 0 {
		f.fields[f.at].value = nil
	}
}

// press puts a key into the line, and says whether it changed it.
func (f *form) press(k keys.Key) bool {
	if len(f.fields) == 0 {
		return false
	}
	l := &f.fields[f.at]
	switch {
	case (k == keys.Backspace || k == 8) && len(l.value) > 0:
		l.value = l.value[:len(l.value)-1]
	case k == keys.Ctrl('U'):
		l.value = nil
	case k.Printable() && len(l.value) < maxLine:
		l.value = append(l.value, byte(k))
	default:
		return false
	}
	return true
}

// show is the line as it stands on the screen, with room for the cursor behind it.
func (l *field) show() string {
	text, room := string(l.value), Width-1-utf8.RuneCountInString(l.label)
	if l.secret {
		return l.label + strings.Repeat("*", min(len(text), maxShown, room))
	}
	return l.label + text[max(len(text)-room, 0):] // the end is what is typed
}
