package console

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// painter keeps what stands on a part of the screen, and says what to write for the next picture:
// only what changed, since a line of 9,600 baud carries 960 characters in a second. It uses the
// cursor address and the erasure of the VT100, no colours, and no more.
type painter struct {
	lines       []string
	row, column int // of the cursor, from 0
}

// Control sequences of the VT100 (ECMA-48).
const (
	eraseScreen = "\x1b[r\x1b[H\x1b[J" // the whole screen scrolls again
	eraseLine   = "\x1b[K"
	wrapOff     = "\x1b[?7l" // a line too long for a narrow terminal is cut, and shifts nothing
	wrapOn      = "\x1b[?7h"
)

// paint is what turns the picture that stands there into lines, with the cursor at a place.
func (p *painter) paint(lines []string, row, column int) string {
	var b strings.Builder
	if p.lines == nil {
		b.WriteString(wrapOff + eraseScreen + strings.Join(lines, "\r\n"))
		p.row, p.column = -1, 0
	} else {
		for i, line := range lines {
			p.change(&b, i, line)
		}
	}
	p.lines = append([]string(nil), lines...)
	p.at(&b, row, column)
	return b.String()
}

// at puts the cursor in a place, if it is not there.
func (p *painter) at(b *strings.Builder, row, column int) {
	if p.row != row || p.column != column {
		fmt.Fprintf(b, "\x1b[%d;%dH", row+1, column+1)
		p.row, p.column = row, column
	}
}

// change writes what is different in a line.
func (p *painter) change(b *strings.Builder, row int, line string) {
	was := ""
	if row < len(p.lines) {
		was = p.lines[row]
	}
	if was == line {
		return
	}
	old, now := []rune(was), []rune(line)
	from := 0
	for from < len(old) && from < len(now) && old[from] == now[from] {
		from++
	}
	to := len(now)
	if len(old) == len(now) {
		for to > from && old[to-1] == now[to-1] {
			to--
		}
	}
	p.at(b, row, from)
	part := string(now[from:to])
	b.WriteString(part)
	p.column += utf8.RuneCountInString(part)
	if len(now) < len(old) {
		b.WriteString(eraseLine)
	}
}
