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

// barColumns is the width of the picture.
const barColumns = 20

// Timeline prints the rows by machine, in the order in which the machines appear, and by time. Each bar reaches from
// the machine's event before to this one, on one scale for all machines:
//
//	ward-uefi
//	     8.2 s    +8.2  ##..................  DHCP offer
func Timeline(w io.Writer, rows []Row) error {
	var machines []string
	longest := time.Duration(1)
	for _, r := range rows {
		if !slices.Contains(machines, r.Machine) {
			machines = append(machines, r.Machine)
		}
		longest = max(longest, r.At)
	}
	out := bufio.NewWriter(w)
	for _, machine := range machines {
		fmt.Fprintln(out, machine)
		own := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Machine != machine })
		slices.SortStableFunc(own, func(a, b Row) int { return cmp.Compare(a.At, b.At) })
		before := time.Duration(0)
		for _, r := range own {
			step := fmt.Sprintf("+%.1f", (r.At - before).Seconds())
			line := fmt.Sprintf("%9.1f s %8s  %s  %s", r.At.Seconds(), step, span(before, r.At, longest), r.Event)
			fmt.Fprintln(out, cut(line, width))
			before = r.At
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("print timeline: %w", err)
	}
	return nil
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
