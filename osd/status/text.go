package status

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteText writes the report for people: a table with the columns of figure
// 10. A width of 0 gives each row one line, however long; otherwise the table
// fits width columns (80 at least): cells are wrapped, and output is cut to the
// lines of its row. Below 120 columns output has no column of its own and
// stands below its row. What a failed step said follows its row. CSV and JSON
// cut nothing. Times are UTC.
func (r Report) WriteText(w io.Writer, width int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Report Name: History - Specific task sequence advertisements run on a specific computer\n")
	fmt.Fprintf(&b, "Category: Task Sequence - Advertisement Status\n\n")
	fmt.Fprintf(&b, "Advertisement ID    %s\n", printable(r.Advertisement))
	if r.AdvertisementName != "" {
		fmt.Fprintf(&b, "Advertisement Name  %s\n", printable(r.AdvertisementName))
	}
	fmt.Fprintf(&b, "Computer Name       %s\n(Number of Records: %d)\n\n", printable(r.Computer), len(r.Rows))
	switch {
	case len(r.Rows) == 0:
		b.WriteString("No record: the task sequence has not yet started.\n")
	case width == 0:
		r.table(&b, 0)
	default:
		r.table(&b, max(width, narrowest))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// The widths at which the form of the table changes.
const (
	narrowest  = 80
	outputFrom = 120 // output has a column of its own
	fullNames  = 150 // the names of messages stand in full
)

// failedOutput is how much of the output of a failed step follows its row.
const failedOutput = 1000

// table writes heading and rows.
func (r Report) table(b *strings.Builder, width int) {
	columns := r.columns(width)
	if width > 0 {
		fit(columns, width)
	}
	heads := make([]string, len(columns))
	rules := make([]string, len(columns))
	for i, c := range columns {
		heads[i], rules[i] = c.head, strings.Repeat("-", c.width)
	}
	writeRow(b, columns, heads, 0)
	writeRow(b, columns, rules, 0)
	for _, row := range r.Rows {
		writeRow(b, columns, cells(columns, row), outputColumn(columns))
		r.below(b, row, width)
	}
	if width > 0 && width < fullNames {
		fmt.Fprintf(b, "\nNames of status messages are shown without %q.\n", strings.TrimSpace(engineLead))
	}
}

// below writes the output that follows a row.
func (r Report) below(b *strings.Builder, row Row, width int) {
	if width == 0 || row.ActionOutput == "" {
		return
	}
	const lead = "    | "
	switch {
	case row.ExitCode != 0 && row.MessageID != SequenceFailed:
		for out := range strings.Lines(Tail(strings.TrimSpace(row.ActionOutput), failedOutput)) {
			b.WriteString(lead + clip(printable(out), width-len(lead)) + "\n")
		}
	case width < outputFrom:
		b.WriteString(lead + clip(oneLine(row.ActionOutput), width-len(lead)) + "\n")
	}
}

// columns are those that are shown at a width.
func (r Report) columns(width int) []*column {
	wide := func(narrow, wide int) int {
		if width >= outputFrom {
			return wide
		}
		return narrow
	}
	name := func(row Row) string { return row.MessageName }
	least := len("successfully")
	switch {
	case width >= fullNames:
		least = len(engineLead) - 1
	case width > 0:
		name = func(row Row) string { return brief(row.MessageName) }
	}
	all := []*column{
		{cell: func(row Row) string { return row.ExecutionTime.UTC().Format("2006-01-02 15:04:05") }, least: wide(10, 19)},
		{cell: func(row Row) string { return number(row.LastStep) }, least: 4, right: true},
		{cell: func(row Row) string { return row.LastAction }, least: 11},
		{cell: func(row Row) string { return row.LastGroup }, least: 10},
		{cell: func(row Row) string { return strconv.Itoa(int(row.MessageID)) }, least: 7, right: true},
		{cell: name, least: least},
		{cell: func(row Row) string { return strconv.Itoa(row.ExitCode) }, least: 5, right: true},
		{cell: func(row Row) string { return outputEnd(row, width) }, least: 13},
	}
	for i, c := range all {
		c.head = Columns()[i]
	}
	if width > 0 && width < outputFrom {
		all = all[:len(all)-1]
	}
	for _, c := range all {
		c.width = len(c.head)
		if width > 0 {
			c.width = 0 // a heading may be wrapped
		}
		for _, row := range r.Rows {
			c.width = max(c.width, runes(oneLine(c.cell(row))))
		}
		c.width = max(c.width, c.least)
	}
	if width > 0 {
		all[0].width = all[0].least // day and time on two lines, or side by side
	}
	return all
}

// outputEnd is the output in one line: its beginning, or its end when the
// step failed, since that says why.
func outputEnd(row Row, width int) string {
	s := oneLine(row.ActionOutput)
	if most := width / 2; width > 0 && row.ExitCode != 0 && runes(s) > most {
		r := []rune(s)
		return "~" + string(r[len(r)-most:])
	}
	return s
}

func number(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

const engineLead = "The task sequence execution engine "

// Brief is the name without what every message begins with.
func (id MessageID) Brief() string { return brief(id.Name()) }

// brief leaves out what every message begins with.
func brief(name string) string {
	for _, lead := range []string{engineLead, "The task sequence "} {
		if s, ok := strings.CutPrefix(name, lead); ok {
			return s
		}
	}
	return name
}
