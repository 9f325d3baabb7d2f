package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/simulate"
	"github.com/bootward/bootward/osd/status"
)

func printReport(w io.Writer, r simulate.Run, report simulate.Report) error {
	p := paragraphs{width: 80}
	if width := terminalWidth(w); width > 0 {
		p.width = width
	}
	firmware := map[bool]string{true: "UEFI", false: "BIOS"}[r.Machine.UEFI]
	model := cmp.Or(strings.TrimSpace(r.Machine.Manufacturer+" "+r.Machine.Model), "a machine")
	p.add("", fmt.Sprintf("%s, on %s by %s", report.Sequence, model, firmware))
	for _, text := range report.Warnings {
		p.add("", "WARNING: "+text)
	}
	stage := ""
	for _, l := range report.Lines {
		if l.Stage != stage {
			stage = l.Stage
			p.add("", map[string]string{status.StageBootImage: "-- in the boot image", status.StageInstalledSystem: "-- in the installed system"}[stage])
		}
		p.line(l)
	}
	restarts := map[int]string{0: "", 1: ", with one restart"}[report.Restarts]
	if report.Restarts > 1 {
		restarts = fmt.Sprintf(", with %d restarts", report.Restarts)
	}
	if report.Succeeded {
		p.add("", "It would succeed"+restarts+".")
	} else {
		p.add("", fmt.Sprintf("It would FAIL at step %d%s: %s", report.Step, restarts, report.Reason))
	}
	return printLines(w, p.lines)
}

// paragraphs are texts that go on below themselves.
type paragraphs struct {
	width int
	lines []string
}

// add folds a text behind an indent.
func (p *paragraphs) add(indent, text string) {
	for _, part := range foldCell(plain(text), max(p.width-len(indent), 20)) {
		p.lines = append(p.lines, indent+part)
	}
}

func (p *paragraphs) line(l simulate.Line) {
	word := map[simulate.Does]string{simulate.Enters: "group", simulate.Runs: "RUN", simulate.Skips: "skip", simulate.Off: "off", simulate.Fails: "FAIL"}[l.Does]
	begin := fmt.Sprintf("%4d  %-5s  %s", l.Number, word, strings.Repeat("  ", l.Depth))
	p.lines = append(p.lines, begin+plain(l.Name))
	indent := strings.Repeat(" ", len(begin)+2)
	if l.Why != "" {
		p.add(indent, "because "+l.Why)
	}
	if l.Does == simulate.Off {
		p.add(indent, "because it is disabled")
	}
	if l.Erases != "" {
		p.add(indent, "ERASES "+l.Erases)
	}
	if l.Detail != "" {
		p.add(indent, l.Detail)
	}
	for _, v := range l.Sets {
		p.add(indent, "sets "+v.Name+" = "+v.Value)
	}
	for _, text := range slices.Compact(l.Warnings) {
		p.add(indent, "WARNING: "+text)
	}
	if l.Ignored {
		p.add(indent, "the failure is ignored")
	}
	if l.Restart != "" {
		p.add(indent, "restarts into "+map[string]string{sequence.ToBootImage: "the boot image", sequence.ToInstalledOS: "the installed system"}[l.Restart])
	}
}
