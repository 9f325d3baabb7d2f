package status

import (
	"strings"
	"unicode/utf8"
)

// column is one of a text table.
type column struct {
	head  string
	cell  func(Row) string
	least int // narrowest that is still readable
	width int // widest cell; after fit, what is shown
	right bool
}

// gap stands between two columns.
const gap = 1

// fit narrows columns to a table of total runes: each has its least width, and
// what is left is dealt out in turn to those whose cells are longer.
func fit(columns []*column, total int) {
	rest := total - gap*(len(columns)-1)
	wanted := make([]int, len(columns))
	for i, c := range columns {
		wanted[i] = c.width
		c.width = min(c.least, c.width)
		rest -= c.width
	}
	for more := true; more && rest > 0; {
		more = false
		for i, c := range columns {
			if rest > 0 && c.width < wanted[i] {
				c.width++
				rest--
				more = true
			}
		}
	}
}

// writeRow writes cells side by side, wrapped into as many lines as the
// longest takes. The cell of column cut, if not 0, takes no more lines than the
// others.
func writeRow(b *strings.Builder, columns []*column, cells []string, cut int) {
	wrapped := make([][]string, len(columns))
	height := 1
	for i, c := range columns {
		wrapped[i] = wrap(cells[i], c.width)
		if cut == 0 || i != cut {
			height = max(height, len(wrapped[i]))
		}
	}
	for n := range height {
		line := make([]string, len(columns))
		for i, c := range columns {
			text := ""
			if n < len(wrapped[i]) {
				text = wrapped[i][n]
			}
			if n == height-1 && len(wrapped[i]) > height {
				text = clip(text+" "+wrapped[i][n+1], max(c.width-1, 1))
				text = strings.TrimSuffix(text, "~") + "~"
			}
			line[i] = pad(text, c.width, c.right)
		}
		b.WriteString(strings.TrimRight(strings.Join(line, strings.Repeat(" ", gap)), " ") + "\n")
	}
}

func cells(columns []*column, row Row) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = oneLine(c.cell(row))
	}
	return out
}

// outputColumn is the index of the column of output, 0 when there is none.
func outputColumn(columns []*column) int {
	if last := len(columns) - 1; columns[last].head == "Action Output" {
		return last
	}
	return 0
}

// wrap breaks a text between words; a word that is too long is broken too.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && runes(line)+1+runes(word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for runes(word) > width {
			r := []rune(word)
			lines, word = append(lines, string(r[:width])), string(r[width:])
		}
		line = word
	}
	return append(lines, line)
}

func pad(s string, width int, right bool) string {
	space := strings.Repeat(" ", max(0, width-runes(s)))
	if right {
		return space + s
	}
	return s + space
}

func runes(s string) int { return utf8.RuneCountInString(s) }

// clip cuts a text to a width, in runes.
func clip(s string, width int) string {
	if runes(s) <= width {
		return s
	}
	return string([]rune(s)[:max(width-1, 0)]) + "~"
}

// oneLine puts a text of several lines into one, with single spaces.
func oneLine(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }

// printable takes the power over terminals out of a text.
func printable(s string) string {
	return strings.TrimRight(strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s), " ")
}
