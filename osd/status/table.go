package status

import (
	"encoding/csv"
	"io"
	"strings"
)

// Table is a view as lines and columns, for people and for spreadsheets.
type Table struct {
	Columns []Column
	Rows    [][]string
	// Foot is what stands below the rows for people: a sum.
	Foot []string
}

// Column is one of a Table.
type Column struct {
	Head  string
	Least int  // narrowest that is still readable; 0: the widest cell
	Right bool // numbers
	Wide  bool // left out where there are less than 120 columns
}

// WriteText writes the table for people. A width of 0 gives each row one line; a
// table that is too wide otherwise has its cells wrapped.
func (t Table) WriteText(w io.Writer, width int) error {
	if width > 0 && width < outputFrom {
		t = t.narrow()
	}
	var b strings.Builder
	lines := append(t.Rows[:len(t.Rows):len(t.Rows)], t.foot()...)
	columns := make([]*column, len(t.Columns))
	heads := make([]string, len(columns))
	for i, c := range t.Columns {
		columns[i] = &column{head: c.Head, right: c.Right, width: runes(c.Head)}
		heads[i] = c.Head
		for _, row := range lines {
			columns[i].width = max(columns[i].width, runes(oneLine(row[i])))
		}
		columns[i].least = columns[i].width
		if c.Least > 0 {
			columns[i].least = min(c.Least, columns[i].width)
		}
	}
	if width > 0 {
		fit(columns, max(width, narrowest))
	}
	for _, row := range append([][]string{heads}, lines...) {
		cells := make([]string, len(row))
		for i := range row {
			cells[i] = oneLine(row[i])
		}
		writeRow(&b, columns, cells, 0)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// narrow leaves out the columns that are for wide terminals.
func (t Table) narrow() Table {
	pick := func(row []string) []string {
		var kept []string
		for i, c := range t.Columns {
			if !c.Wide && row != nil {
				kept = append(kept, row[i])
			}
		}
		return kept
	}
	n := Table{Foot: pick(t.Foot)}
	for _, c := range t.Columns {
		if !c.Wide {
			n.Columns = append(n.Columns, c)
		}
	}
	for _, row := range t.Rows {
		n.Rows = append(n.Rows, pick(row))
	}
	return n
}

func (t Table) foot() [][]string {
	if t.Foot == nil {
		return nil
	}
	return [][]string{t.Foot}
}

// WriteCSV writes head and rows (RFC 4180), without the foot. Cells that a spreadsheet
// would take for a formula begin with an apostrophe.
func (t Table) WriteCSV(w io.Writer) error {
	heads := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		heads[i] = c.Head
	}
	return WriteRows(w, append([][]string{heads}, t.Rows...))
}

// WriteRows writes rows as CSV, with an apostrophe before what a spreadsheet would take
// for a formula.
func WriteRows(w io.Writer, rows [][]string) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	for _, row := range rows {
		safe := make([]string, len(row))
		for i := range row {
			safe[i] = cell(row[i])
		}
		if err := c.Write(safe); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// Changed are the rows that are not in an earlier state of the table.
func (t Table) Changed(before Table) [][]string {
	known := map[string]bool{}
	for _, row := range before.Rows {
		known[strings.Join(row, "\x00")] = true
	}
	var all [][]string
	for _, row := range t.Rows {
		if !known[strings.Join(row, "\x00")] {
			all = append(all, row)
		}
	}
	return all
}
