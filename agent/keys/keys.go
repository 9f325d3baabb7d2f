// Package keys turns what a terminal sends into keys: ECMA-48 section 5.4, ESC O of the VT100,
// ESC [ [ A of the Linux console, and the numbers of the VT220.
package keys

import "strings"

// Key is a key. A character, also a control character, is its code.
type Key rune

// Keys that are no characters. Other stands for each that has no name here.
const (
	Other     Key = 0
	Interrupt Key = 3 // Ctrl-C
	Tab       Key = '\t'
	Enter     Key = '\r'
	Escape    Key = 27
	Backspace Key = 127
)

// Keys that send an escape sequence.
const (
	Up Key = 0x10000 + iota
	Down
	Right
	Left
	PageUp
	PageDown
	F2
	F8
	F10
	F12
)

// Ctrl is the key of a letter together with Ctrl.
func Ctrl(letter byte) Key { return Key(letter & 0x1f) }

// named are the keys of sequences, without their ESC.
var named = map[string]Key{
	"[A": Up, "[B": Down, "[C": Right, "[D": Left, "OA": Up, "OB": Down, "OC": Right, "OD": Left,
	"[5~": PageUp, "[6~": PageDown,
	"OQ": F2, "[[B": F2, "[12~": F2, "[19~": F8, "[21~": F10, "[24~": F12,
}

// Sequence is the key of an escape sequence, without its ESC. Shift, Alt and Ctrl, which stand
// behind a semicolon, do not count.
func Sequence(text string) Key {
	if at := strings.IndexByte(text, ';'); at >= 0 {
		text = text[:at] + text[len(text)-1:]
	}
	return named[text]
}

// Printable says whether the key is a character that a line takes.
func (k Key) Printable() bool { return k >= ' ' && k < 127 }
