package console

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// barWidth is the length of a progress bar.
const barWidth = 16

// redraw replaces the live lines at the bottom of a terminal.
func (d *Display) redraw() {
	if d.mode != Terminal || d.stage == "" || d.over {
		return
	}
	d.erase()
	lines := []string{fmt.Sprintf("%s  ...   %s, %s", d.elapsed(), d.stage, clock(d.now().Sub(d.since)))}
	if d.progress.Unit != "" {
		lines = append(lines, "  "+bar(d.progress)+" "+d.progress.String())
	}
	width := columns(d.out, smallTerminal) - 1 // a full line would wrap on some terminals
	for _, l := range lines {
		_, _ = io.WriteString(d.out, cut(l, width)+"\n")
	}
	d.drawn = len(lines)
}

// erase removes the live lines: cursor up, then clear to the end of the screen (ECMA-48, CUU and ED).
func (d *Display) erase() {
	if d.drawn > 0 {
		_, _ = fmt.Fprintf(d.out, "\x1b[%dA\r\x1b[J", d.drawn)
		d.drawn = 0
	}
}

// String is such as "57%, 123.0 MiB of 214.0 MiB, 12.3 MiB/s, 7 s left".
func (p Progress) String() string {
	amount := func(n float64) string {
		if p.Unit == Bytes {
			return size(n)
		}
		return fmt.Sprintf("%.0f %s", n, p.Unit)
	}
	parts := []string{amount(float64(p.Done))}
	if p.Total > 0 {
		parts = []string{fmt.Sprintf("%d%%", percent(p)), amount(float64(p.Done)) + " of " + amount(float64(p.Total))}
	}
	if p.Rate >= 0.5 {
		parts = append(parts, amount(p.Rate)+"/s")
		if left := float64(p.Total-p.Done) / p.Rate; p.Total > 0 && left >= 1 && left < 86400 {
			parts = append(parts, fmt.Sprintf("%.0f s left", left))
		}
	}
	return strings.Join(parts, ", ")
}

func percent(p Progress) int64 {
	return int64(min(100, max(0, 100*float64(p.Done)/float64(p.Total))))
}

func bar(p Progress) string {
	full := 0
	if p.Total > 0 {
		full = int(percent(p)) * barWidth / 100
	}
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
}

func size(n float64) string {
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if n < 1024 {
			if unit == "B" {
				return fmt.Sprintf("%.0f B", n)
			}
			return fmt.Sprintf("%.1f %s", n, unit)
		}
		n /= 1024
	}
	return fmt.Sprintf("%.1f GiB", n)
}

// clock is minutes and seconds, such as "  3:07".
func clock(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%3d:%02d", s/60, s%60)
}

// cut shortens a line to n characters.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
