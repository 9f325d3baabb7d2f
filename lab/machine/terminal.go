package machine

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// Size of a terminal, in characters.
const (
	rows    = 24
	columns = 80
)

// maxControl is the longest control sequence that is read, in bytes.
const maxControl = 64

// terminal is what somebody at the serial port sees on a VT100: as much of ECMA-48 as firmware, kernel and agent write
// (CUP, ED, EL) and the region that scrolls (DECSTBM). Other sequences change nothing. Lines are cut at the right edge.
type terminal struct {
	mu          sync.Mutex // guards the rest
	cells       [rows][columns]rune
	row, column int // of the cursor, from 0; column may be behind the last
	top, bottom int // of the region that scrolls, from 0
	held        []byte
	changed     chan struct{}
	closed      bool
}

func newTerminal() *terminal {
	t := &terminal{bottom: rows - 1, changed: make(chan struct{})}
	t.erase(0, 0, rows, 0)
	return t
}

// write takes bytes of the console.
func (t *terminal) write(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = append(t.held, p...)
	for len(t.held) > 0 {
		n := t.step(t.held)
		if n == 0 {
			break // the rest of a character or sequence is yet to come
		}
		t.held = t.held[n:]
	}
	t.wake()
}

// close says that nothing will come.
func (t *terminal) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.wake()
}

func (t *terminal) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// step takes one character or sequence and returns its length, 0 if it is not whole.
func (t *terminal) step(p []byte) int {
	switch b := p[0]; {
	case b == 0x1b:
		return t.escape(p)
	case b == '\r':
		t.column = 0
	case b == '\n':
		t.feed()
	case b == '\b':
		t.column = max(t.column-1, 0)
	case b == '\t':
		t.column = min(t.column/8*8+8, columns-1)
	case b < 0x20 || b == 0x7f:
	case !utf8.FullRune(p):
		return 0
	default:
		r, n := utf8.DecodeRune(p)
		if t.column < columns {
			t.cells[t.row][t.column] = r
			t.column++
		}
		return n
	}
	return 1
}

// feed goes to the next line; the region scrolls at its end.
func (t *terminal) feed() {
	if t.row != t.bottom {
		t.row = min(t.row+1, rows-1)
		return
	}
	copy(t.cells[t.top:t.bottom], t.cells[t.top+1:t.bottom+1])
	t.erase(t.bottom, 0, t.bottom+1, 0)
}

// erase clears from a place up to another.
func (t *terminal) erase(row, column, toRow, toColumn int) {
	for at, end := row*columns+min(column, columns-1), toRow*columns+toColumn; at < end; at++ {
		t.cells[at/columns][at%columns] = ' '
	}
}

// escape takes an escape sequence and returns its length, 0 if it is not whole.
func (t *terminal) escape(p []byte) int {
	if len(p) < 2 {
		return 0
	}
	if strings.IndexByte("()*+#%", p[1]) >= 0 { // one byte follows
		return min(len(p)/3*3, 3)
	}
	if p[1] != '[' {
		return 2
	}
	for i, b := range p[2:min(len(p), maxControl)] {
		if b >= 0x40 && b <= 0x7e {
			t.control(string(p[2:2+i]), b)
			return i + 3
		}
	}
	if len(p) >= maxControl {
		return 2 // no sequence
	}
	return 0
}

// control carries a control sequence out.
func (t *terminal) control(parameters string, final byte) {
	a, b := 0, 0
	n, _ := fmt.Sscanf(parameters, "%d;%d", &a, &b) // what lacks is 0, the default
	switch {
	case final == 'H' || final == 'f':
		t.row, t.column = place(a, rows), place(b, columns)
	case final == 'J' && a == 0:
		t.erase(t.row, t.column, rows, 0)
	case final == 'J' && a == 2:
		t.erase(0, 0, rows, 0)
	case final == 'K' && a == 0:
		t.erase(t.row, t.column, t.row+1, 0)
	case final == 'r':
		t.top, t.bottom, t.row, t.column = 0, rows-1, 0, 0
		if n == 2 && a >= 1 && a < b && b <= rows {
			t.top, t.bottom = a-1, b-1
		}
	}
}

// place is a coordinate from 0 of one from 1.
func place(n, most int) int { return min(max(n, 1), most) - 1 }

// text is what the screen shows, without blanks at the end of lines.
func (t *terminal) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.picture()
}

func (t *terminal) picture() string {
	var lines []string
	for i := range t.cells {
		lines = append(lines, strings.TrimRight(string(t.cells[i][:]), " "))
	}
	return strings.Join(lines, "\n")
}

// wait returns the screen as soon as re matches it. The boolean is false when the console ended without a match; the
// error is the context's. With either the screen is the last.
func (t *terminal) wait(ctx context.Context, re *regexp.Regexp) (string, bool, error) {
	for {
		t.mu.Lock()
		shown, changed, closed := t.picture(), t.changed, t.closed
		t.mu.Unlock()
		if re.MatchString(shown) {
			return shown, true, nil
		}
		if closed {
			return shown, false, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return shown, false, ctx.Err()
		}
	}
}
