package machine

import "unicode/utf8"

// maxLine is where a line without an end is cut, in bytes.
const maxLine = 4096

// stripper turns the bytes of a serial terminal into lines of text: escape sequences (ECMA-48) and control
// characters go, and a sequence that moves the cursor or clears the screen ends the line, since GRUB and OVMF
// paint their screens that way. The zero value is ready.
type stripper struct {
	state    stripState
	line     []byte
	returned bool // a carriage return came last
	escaped  byte // opening byte of a string sequence's terminator, when seen
}

type stripState int

const (
	inText    stripState = iota
	inEscape             // after ESC
	inCSI                // after ESC [
	inString             // after ESC ] or ESC P, up to BEL or ESC \
	inCharset            // after ESC ( and its like: one byte follows
)

// write takes bytes and returns the lines that they complete.
func (s *stripper) write(p []byte) []string {
	var lines []string
	for _, b := range p {
		if s.step(b) {
			if text := s.take(); text != "" {
				lines = append(lines, text)
			}
		}
	}
	return lines
}

// partial returns the line that has no end yet.
func (s *stripper) partial() string { return string(s.line) }

// take returns the current line as valid UTF-8 and starts a new one. Trailing blanks go.
func (s *stripper) take() string {
	end := len(s.line)
	for end > 0 && s.line[end-1] == ' ' {
		end--
	}
	text := s.line[:end]
	s.line = nil
	if utf8.Valid(text) {
		return string(text)
	}
	return string([]rune(string(text)))
}

// step takes one byte and reports whether it ends a line.
func (s *stripper) step(b byte) bool {
	switch s.state {
	case inEscape:
		return s.escape(b)
	case inCharset:
		s.state = inText
		return false
	case inCSI:
		if b >= 0x40 && b <= 0x7e {
			s.state = inText
			return b == 'H' || b == 'f' || b == 'J'
		}
		if b == 0x1b {
			s.state = inEscape
		}
		return false
	case inString:
		// A line's end ends it too: noise that only looks like a string must not swallow the rest.
		if b == 0x07 || b == '\n' || (s.escaped == 0x1b && b == '\\') {
			s.state = inText
		}
		s.escaped = b
		return false
	}
	return s.text(b)
}

func (s *stripper) escape(b byte) bool {
	switch b {
	case '[':
		s.state = inCSI
	case ']', 'P', '^', '_':
		s.state, s.escaped = inString, 0
	case '(', ')', '*', '+', '#', '%':
		s.state = inCharset
	case 0x1b:
	default:
		s.state = inText
	}
	return false
}

func (s *stripper) text(b byte) bool {
	switch {
	case b == 0x1b:
		s.state = inEscape
	case b == '\n':
		s.returned = false
		return true
	case b == '\r':
		s.returned = true
	case b == '\b':
		if len(s.line) > 0 {
			_, n := utf8.DecodeLastRune(s.line)
			s.line = s.line[:len(s.line)-n]
		}
	case b == '\t':
		s.line = append(s.line, ' ')
	case b < 0x20 || b == 0x7f:
	default:
		// What follows a carriage return is written over the line, as progress is.
		if s.returned {
			s.line, s.returned = s.line[:0], false
		}
		s.line = append(s.line, b)
		return len(s.line) >= maxLine
	}
	return false
}
