package console

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Row is one event of a timeline.
type Row struct {
	At      time.Duration // since power-on of its machine
	Machine string
	Event   string
}

const (
	// barColumns is the width of the picture, which lines of less than
	// pictureFrom columns do not have.
	barColumns  = 12
	pictureFrom = 100
	// longEvent is where a text is cut even on a wide line.
	longEvent = 110
)

// Timeline prints the rows by machine, in the order in which the machines appear, and by time. The words stand first. On
// a wide line a bar behind them reaches from the machine's event before to this one, on one scale for all machines:
//
//	ward-uefi
//	     8.2 s    +8.2  DHCP offer  |##..........|
func Timeline(w io.Writer, rows []Row) error {
	var machines []string
	longest := time.Duration(1)
	for _, r := range rows {
		if !slices.Contains(machines, r.Machine) {
			machines = append(machines, r.Machine)
		}
		longest = max(longest, r.At)
	}
	words := wordColumns(rows, columns(w, wideLine))
	out := bufio.NewWriter(w)
	for _, machine := range machines {
		fmt.Fprintln(out, machine)
		own := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Machine != machine })
		slices.SortStableFunc(own, func(a, b Row) int { return cmp.Compare(a.At, b.At) })
		before := time.Duration(0)
		for _, r := range own {
			step := fmt.Sprintf("+%.1f", (r.At - before).Seconds())
			line := fmt.Sprintf("%9.1f s %8s  %s", r.At.Seconds(), step, cut(r.Event, words.width))
			if words.bar {
				line = fmt.Sprintf("%-*s  |%s|", timeColumns+words.width, line, span(before, r.At, longest))
			}
			fmt.Fprintln(out, strings.TrimRight(line, " "))
			before = r.At
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("print timeline: %w", err)
	}
	return nil
}

// timeColumns is what stands before the words.
const timeColumns = 22

// words is the room for the words of a line.
type words struct {
	width int
	bar   bool
}

// wordColumns gives the words what they need, the bar what is left if that is enough.
func wordColumns(rows []Row, line int) words {
	w := words{width: 1, bar: line >= pictureFrom}
	for _, r := range rows {
		w.width = max(w.width, len([]rune(r.Event)))
	}
	room := line - timeColumns
	if w.bar {
		room -= barColumns + 4
	}
	w.width = min(w.width, room, longEvent)
	return w
}

// span draws from..to of 0..whole; it has one mark at least.
func span(from, to, whole time.Duration) string {
	at := func(d time.Duration) int {
		return min(barColumns, max(0, int(float64(d)/float64(whole)*barColumns)))
	}
	first := min(at(from), barColumns-1)
	last := max(at(to), first+1)
	return strings.Repeat(".", first) + strings.Repeat("#", last-first) + strings.Repeat(".", barColumns-last)
}
