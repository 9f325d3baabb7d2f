package status

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WriteText writes the report for people: a table that fits width columns, 80
// at least, with the output of failed steps below their line. Times are UTC.
func (r Report) WriteText(w io.Writer, width int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Report Name: History - Specific task sequence advertisements run on a specific computer\n")
	fmt.Fprintf(&b, "Advertisement ID  %s\nComputer Name     %s\n(Number of Records: %d)\n\n", r.Advertisement, r.Computer, len(r.Rows))
	if len(r.Rows) == 0 {
		b.WriteString("No record: the task sequence has not yet started.\n")
	} else {
		r.table(&b, max(width, 80))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// table writes the lines. Fixed columns take 42; the rest is shared.
func (r Report) table(b *strings.Builder, width int) {
	rest := width - len("2006-01-02 15:04:05 Step ") - len(" ID    Exit  ")
	action, group := rest*3/10, rest*3/10
	name := rest - action - group - 2
	line := func(at, step, act, grp, id, text, code string) {
		s := fmt.Sprintf("%-19s %4s %s %s %-5s %s %5s", at, step, pad(act, action), pad(grp, group), id, pad(text, name), code)
		b.WriteString(strings.TrimRight(s, " ") + "\n")
	}
	line("Execution Time", "Step", "Last Action", "Last Group", "ID", "Status Message", "Exit")
	for _, row := range r.Rows {
		step := ""
		if row.LastStep > 0 {
			step = strconv.Itoa(row.LastStep)
		}
		line(row.ExecutionTime.UTC().Format("2006-01-02 15:04:05"), step, row.LastAction, row.LastGroup,
			strconv.Itoa(int(row.MessageID)), brief(row.MessageName), strconv.Itoa(row.ExitCode))
		if row.ExitCode == 0 || row.ActionOutput == "" || row.MessageID == SequenceFailed {
			continue
		}
		for out := range strings.Lines(Tail(strings.TrimSpace(row.ActionOutput), 1000)) {
			b.WriteString("    | " + clip(printable(out), width-6) + "\n")
		}
	}
}

// brief leaves out what every message begins with.
func brief(name string) string {
	for _, lead := range []string{"The task sequence execution engine ", "The task sequence "} {
		if s, ok := strings.CutPrefix(name, lead); ok {
			return s
		}
	}
	return name
}

func pad(s string, width int) string {
	s = clip(printable(s), width)
	return s + strings.Repeat(" ", width-utf8.RuneCountInString(s))
}

// clip cuts a text to a width, in runes.
func clip(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:max(width-1, 0)]) + "~"
}

// printable takes the power over terminals out of a text.
func printable(s string) string {
	return strings.TrimRight(strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s), " ")
}
