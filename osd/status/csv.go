package status

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
)

// WriteCSV writes the report with the headings of figure 10 (RFC 4180). Cells
// that a spreadsheet would take for a formula begin with an apostrophe.
func (r Report) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	if err := c.Write(Columns()); err != nil {
		return err
	}
	for _, row := range r.Rows {
		step := ""
		if row.LastStep > 0 {
			step = strconv.Itoa(row.LastStep)
		}
		err := c.Write([]string{row.ExecutionTime.UTC().Format(time.RFC3339), step, cell(row.LastAction), cell(row.LastGroup),
			strconv.Itoa(int(row.MessageID)), row.MessageName, strconv.Itoa(row.ExitCode), cell(row.ActionOutput)})
		if err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
