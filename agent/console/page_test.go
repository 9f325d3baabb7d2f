package console

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// terminal is as much of a VT100 as pages and panels use.
type terminal struct {
	t           *testing.T
	cells       [Height][80]byte
	row, column int
	top, bottom int // of the region that scrolls, from 0
}

func newTerminal(t *testing.T) *terminal {
	m := &terminal{t: t, bottom: Height - 1}
	m.erase(0, Height)
	return m
}

func (m *terminal) erase(from, to int) {
	for i := from; i < to; i++ {
		m.cells[i] = [80]byte([]byte(strings.Repeat(" ", 80)))
	}
}

func (m *terminal) write(s string) {
	for len(s) > 0 {
		switch k := s[0]; {
		case k == '\r':
			m.column = 0
		case k == '\n' && m.row == m.bottom:
			copy(m.cells[m.top:m.bottom], m.cells[m.top+1:m.bottom+1])
			m.erase(m.bottom, m.bottom+1)
		case k == '\n':
			m.row = min(m.row+1, Height-1)
		case k == 27:
			s = m.escape(s[1:])
			continue
		case m.column > 79:
			m.t.Fatalf("column %d", m.column)
		default:
			m.cells[m.row][m.column] = k
			m.column++
		}
		s = s[1:]
	}
}

func (m *terminal) escape(s string) string {
	end := strings.IndexFunc(s[1:], func(r rune) bool { return r >= 0x40 }) + 1
	a, b := 1, 1
	switch n, _ := fmt.Sscanf(s[1:end], "%d;%d", &a, &b); s[end] {
	case 'H':
		m.row, m.column = a-1, b-1
	case 'J':
		m.erase(m.row, Height)
	case 'K':
		copy(m.cells[m.row][m.column:], strings.Repeat(" ", 80))
	case 'r':
		m.top, m.bottom, m.row, m.column = 0, Height-1, 0, 0
		if n == 2 {
			m.top, m.bottom = a-1, b-1
		}
	case 'l', 'h':
	default:
		m.t.Fatalf("ESC %q", s[:end+1])
	}
	return s[end+1:]
}

func (m *terminal) text() string {
	var all []string
	for _, c := range m.cells {
		all = append(all, strings.TrimRight(string(c[:]), " "))
	}
	return strings.TrimRight(strings.Join(all, "\n"), "\n")
}

// show writes what was written since to the terminal.
func (m *terminal) show(b *bytes.Buffer) int {
	n := b.Len()
	m.write(b.String())
	b.Reset()
	return n
}

// TestPage: what stands on the screen is the page, however it came there, and the cursor is where
// somebody types; a key costs few bytes.
func TestPage(t *testing.T) {
	var b bytes.Buffer
	c, m := New(nil, &b, fixed), newTerminal(t)
	m.write("what stood there\r\n$ ")
	first := append(make([]string, 0, Height), "Title", strings.Repeat("-", 79), "", "Name: ")
	for len(first) < Height {
		first = append(first, "")
	}
	for i, tt := range []struct {
		line           int
		text           string
		column, atMost int
	}{
		{3, "Name: ", 6, 200}, {3, "Name: w", 7, 1}, {3, "Name: wa", 8, 1}, {3, "Name: w", 7, 20},
		{5, "the name is wrong", 7, 40}, {5, "", 7, 20}, {3, "Name: other", 11, 12},
	} {
		lines := append([]string(nil), first...)
		lines[tt.line] = tt.text
		if tt.line == 5 {
			lines[3] = "Name: w"
		}
		c.Page(lines, 3, tt.column)
		n := m.show(&b)
		if want := strings.TrimRight(strings.Join(lines, "\n"), "\n "); m.text() != want && m.text()+" " != want || m.row != 3 || m.column != tt.column {
			t.Errorf("%d: the screen has\n%s\nthe cursor is at %d, %d", i, m.text(), m.row, m.column)
		}
		if n > tt.atMost+len(wrapOff) {
			t.Errorf("%d: %d bytes, at most %d", i, n, tt.atMost)
		}
	}
	c.Line("a line ends the page")
	m.show(&b)
	if got := m.text(); !strings.HasSuffix(got, "a line ends the page") || m.column != 0 {
		t.Errorf("got\n%s", got)
	}
	c.Page(first, 3, 6)
	m.show(&b)
	if got := m.text(); !strings.HasPrefix(got, "Title\n---") || strings.Contains(got, "a line ends") {
		t.Errorf("got\n%s", got)
	}
}

// TestPanel: lines scroll above the panel; a second costs few bytes; a slow line gets it seldom.
func TestPanel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		c, m := New(nil, &b, fixed), newTerminal(t)
		panel := func(percent int) []string {
			return []string{strings.Repeat("-", 79), "Step 3 of 12: Apply Operating System",
				fmt.Sprintf("[%-50s] %3d%%  %d of 8000 MB", strings.Repeat("#", percent/2), percent, percent*80)}
		}
		for i := range 30 {
			c.Line("line %d", i)
		}
		c.Panel(panel(1), true)
		m.show(&b)
		for i := range 40 {
			time.Sleep(time.Second)
			c.Panel(panel(2+i), false)
			if n := m.show(&b); n == 0 || n > 100 {
				t.Errorf("%d bytes for a second of progress", n)
			}
			c.Panel(panel(2+i), true)
			if n := m.show(&b); n != 0 {
				t.Errorf("%d bytes for nothing", n)
			}
			c.Line("more %d", i)
			m.show(&b)
		}
		got := strings.Split(m.text(), "\n")
		if len(got) != Height || got[Height-3] != strings.Repeat("-", 79) || !strings.Contains(got[Height-1], " 41%") || !strings.HasSuffix(got[Height-5], "more 39") {
			t.Errorf("got\n%s", m.text())
		}
		c.EndPanel()
		c.Line("below")
		m.show(&b)
		if got := m.text(); !strings.HasSuffix(got, "below") {
			t.Errorf("got\n%s", got)
		}
		slowly := New(nil, &crawl{}, fixed)
		slowly.Panel(panel(1), true) // 0.3 s or so
		time.Sleep(2 * time.Second)
		if slowly.Panel(panel(2), false); strings.Contains(strings.Join(slowly.panel.lines, ""), "  2%") {
			t.Error("a slow line gets no rest")
		}
	})
}

// crawl is a line of 9,600 baud.
type crawl struct{}

func (crawl) Write(b []byte) (int, error) {
	time.Sleep(time.Duration(len(b)) * time.Second / 960)
	return len(b), nil
}

// FuzzPage: whatever page follows whatever page, the screen shows the one that was painted last.
func FuzzPage(f *testing.F) {
	f.Add("Title\nName: w", "Title\nName: wa", 3, 7)
	f.Add("a\nlong line\n\nlast", "\n", 0, 0)
	f.Fuzz(func(t *testing.T, one, two string, row, column int) {
		var b bytes.Buffer
		c, m := New(nil, &b, fixed), newTerminal(t)
		for _, text := range []string{one, two, one} {
			var lines []string
			for _, line := range strings.SplitN(text, "\n", Height) {
				ascii := strings.Map(func(r rune) rune {
					if r < 0x20 || r > 0x7e {
						return -1
					}
					return r
				}, line)
				lines = append(lines, strings.TrimRight(ascii[:min(len(ascii), Width)], " "))
			}
			for len(lines) < Height {
				lines = append(lines, "")
			}
			r, col := min(max(row, 0), Height-1), min(max(column, 0), Width)
			c.Page(lines, r, col)
			m.show(&b)
			if want := strings.TrimRight(strings.Join(lines, "\n"), "\n"); m.text() != want || m.row != r || m.column != col {
				t.Fatalf("the screen has\n%s\nwant\n%s", m.text(), want)
			}
		}
	})
}
