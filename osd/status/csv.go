package status

import (
	"io"
	"strconv"
	"strings"
	"time"
)

// WriteCSV writes the report with the headings of figure 10 (RFC 4180). Cells
// that a spreadsheet would take for a formula begin with an apostrophe.
func (r Report) WriteCSV(w io.Writer) error {
	rows := [][]string{Columns()}
	for _, row := range r.Rows {
		rows = append(rows, []string{row.ExecutionTime.UTC().Format(time.RFC3339), number(row.LastStep), row.LastAction, row.LastGroup,
			strconv.Itoa(int(row.MessageID)), row.MessageName, strconv.Itoa(row.ExitCode), row.ActionOutput})
	}
	return WriteRows(w, rows)
}

// cell keeps a spreadsheet from running a text as a formula; a number is none.
func cell(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if _, err := strconv.Atoi(s); err == nil {
		return s
	}
	return "'" + s
}
