package serialconsole

// maxLine is the longest line that can be typed: with the longest prompt it
// fits on 80 columns.
const maxLine = 64

// editor collects the line that somebody types. The zero value is an empty line.
// It takes any bytes: what is not printable ASCII is passed over, and what is too
// long is not taken.
type editor struct {
	line   []byte
	escape int // how far into an escape sequence of a key such as an arrow
	last   byte
}

// What a key did.
type edited int

const (
	typed     edited = iota // the line may have changed
	entered                 // it is complete
	abandoned               // Ctrl-C: it was given up
)

// maxEscape bounds the sequences that are passed over (ECMA-48, 5.4).
const maxEscape = 16

// key takes one byte.
func (e *editor) key(k byte) edited {
	last := e.last
	e.last = k
	if e.skip(k) {
		return typed
	}
	switch {
	case k == '\n' && last == '\r':
	case k == '\r' || k == '\n':
		return entered
	case k == 3: // Ctrl-C
		return abandoned
	case k == 8 || k == 127: // backspace, as one terminal or the other has it
		e.line = e.line[:max(len(e.line)-1, 0)]
	case k == 21: // Ctrl-U
		e.line = e.line[:0]
	case k >= ' ' && k < 127 && len(e.line) < maxLine:
		e.line = append(e.line, k)
	}
	return typed
}

// skip passes over ESC [ … and ESC O …: keys that mean nothing here.
func (e *editor) skip(k byte) bool {
	switch {
	case k == 27:
		e.escape = 1
	case e.escape == 0:
		return false
	case e.escape == 1 && k != '[' && k != 'O':
		e.escape = 0
		return false
	case k < ' ': // no part of a sequence
		e.escape = 0
		return false
	case e.escape > 1 && k >= 0x40 && k <= 0x7e, e.escape == maxEscape:
		e.escape = 0
	default:
		e.escape++
	}
	return true
}

// take returns the line and begins another.
func (e *editor) take() string {
	line := string(e.line)
	clear(e.line) // it may have been a PIN
	e.line = e.line[:0]
	return line
}
