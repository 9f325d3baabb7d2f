package main

import (
	"strings"
	"unicode/utf8"
)

// gap is what stands between two columns. Words up to wholeWord stay whole as
// long as that is possible; below narrowest a column is no help to a reader.
const (
	gap       = 2
	wholeWord = 14
	narrowest = 6
)

// fold makes rows fit into a width: the widest column is made narrower until the
// table fits, and what does not fit into a cell goes on below it. Rows that fit
// stay as they are; where nothing helps they are too wide.
func fold(rows [][]string, width int) [][]string {
	widths, words := columnWidths(rows)
	total := gap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for ; total > width; total-- {
		i := widest(widths, func(i int) bool { return widths[i] > words[i] })
		if i < 0 {
			i = widest(widths, func(i int) bool { return widths[i] > narrowest })
		}
		if i < 0 {
			break
		}
		widths[i]--
	}
	var out [][]string
	for _, r := range rows {
		out = append(out, foldRow(r, widths)...)
	}
	return out
}

// widest is the widest column of those that may be made narrower, or -1.
func widest(widths []int, may func(i int) bool) int {
	found := -1
	for i, w := range widths {
		if may(i) && (found < 0 || w > widths[found]) {
			found = i
		}
	}
	return found
}

// columnWidths are those of the longest cells, and of the longest words.
func columnWidths(rows [][]string) (widths, words []int) {
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths, words = append(widths, 0), append(words, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
			for word := range strings.FieldsSeq(c) {
				words[i] = max(words[i], min(wholeWord, utf8.RuneCountInString(word)))
			}
		}
	}
	return widths, words
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
