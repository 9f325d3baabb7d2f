package console

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Height is the number of lines of the screen that pages and panels count on.
const Height = 24

// Page shows lines in place of all that stands on the screen, with the cursor at a place, from 0.
// Of the page that stands there only what changed is written. A line that is written next ends
// the page.
func (c *Console) Page(lines []string, row, column int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.page == nil {
		c.page, c.panel, c.progress = &painter{}, nil, 0
	}
	io.WriteString(c.out, c.page.paint(lines, row, column))
}

// Again makes the next page be written whole: what stands on the screen may be anything.
func (c *Console) Again() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave()
}

// leave ends the page: lines go on below it.
func (c *Console) leave() {
	if c.page != nil {
		fmt.Fprintf(c.out, "\x1b[%d;1H\r\n%s", Height, wrapOn)
		c.page = nil
	}
}

// slow is how many times longer than it takes to write a panel the line is left to others: a
// terminal that is slower than the panel is shown more seldom.
const slow = 20

// Panel shows lines at the bottom of the screen, below those that scroll, at most once in a
// second; now shows them at once. Of the panel that stands there only what changed is written.
func (c *Console) Panel(lines []string, now bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	begin := time.Now()
	if !now && begin.Sub(c.shown) < max(progressPause, c.pause) {
		return
	}
	var b strings.Builder
	if c.panel == nil || len(c.panel.lines) != len(lines) {
		c.clear()
		c.leave()
		// Room below the lines, then a region above it that scrolls (DECSTBM puts the cursor
		// into the first place).
		top := Height - len(lines)
		b.WriteString(strings.Repeat("\r\n", len(lines)))
		fmt.Fprintf(&b, "\x1b[1;%dr", top)
		c.panel = &painter{lines: make([]string, len(lines))}
		for i := range lines {
			fmt.Fprintf(&b, "\x1b[%d;1H%s", top+i+1, eraseLine)
		}
	}
	b.WriteString(c.panel.below(lines, Height-len(lines)))
	io.WriteString(c.out, b.String())
	c.shown, c.pause = begin, slow*time.Since(begin)
}

// below is what changes a panel that begins behind a row. The cursor goes back to where lines
// begin, the last row of the region that scrolls: it is addressed and not restored, so that
// what reads the bytes as lines sees that another one begins.
func (p *painter) below(lines []string, top int) string {
	var b strings.Builder
	moved := &painter{lines: append(make([]string, top), p.lines...), row: -1}
	for i, line := range lines {
		moved.change(&b, top+i, line)
	}
	p.lines = append([]string(nil), lines...)
	if b.Len() == 0 {
		return ""
	}
	return wrapOff + b.String() + wrapOn + fmt.Sprintf("\x1b[%d;1H", top)
}

// EndPanel takes the panel away: the whole screen scrolls again.
func (c *Console) EndPanel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.panel != nil {
		c.panel = nil
		fmt.Fprintf(c.out, "\x1b[r\x1b[%d;1H\r\n", Height)
	}
}
