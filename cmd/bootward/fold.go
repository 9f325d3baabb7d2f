package main

import (
	"strings"
	"unicode/utf8"
)

// gap is what stands between two columns, narrowest the width below which no
// column is folded: less is no help to a reader.
const (
	gap       = 2
	narrowest = 10
)

// fold makes rows fit into a width: the widest column is made narrower until the
// table fits, and what does not fit into a cell goes on below it. Rows that fit,
// or cannot, stay as they are.
func fold(rows [][]string, width int) [][]string {
	widths := columnWidths(rows)
	total := gap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for ; total > width; total-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= narrowest {
			break // it fits nowhere: as narrow as can be read
		}
		widths[widest]--
	}
	var out [][]string
	for _, r := range rows {
		out = append(out, foldRow(r, widths)...)
	}
	return out
}

func columnWidths(rows [][]string) []int {
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	return widths
}

// foldRow is one row, in as many lines as its longest cell needs.
func foldRow(row []string, widths []int) [][]string {
	lines := [][]string{make([]string, len(row))}
	for i, c := range row {
		for n, part := range foldCell(c, widths[i]) {
			if n == len(lines) {
				lines = append(lines, make([]string, len(row)))
			}
			lines[n][i] = part
		}
	}
	return lines
}

// foldCell breaks a text at spaces, and where there are none in the middle.
func foldCell(text string, width int) []string {
	var parts []string
	rest := []rune(text)
	for len(rest) > width {
		cut := width
		if at := strings.LastIndexByte(string(rest[:width+1]), ' '); at > 0 {
			cut = utf8.RuneCountInString(string(rest[:width+1])[:at])
		}
		parts = append(parts, string(rest[:cut]))
		rest = []rune(strings.TrimLeft(string(rest[cut:]), " "))
	}
	return append(parts, string(rest))
}
