package wizard

import (
	"fmt"
	"strings"
	"time"
)

// Progress is how far a task sequence is: the panel below what is said.
type Progress struct {
	Sequence string
	// Steps counts the nodes of the sequence, groups and what is skipped too; Number is the one that
	// runs, from 1.
	Steps, Number int
	Group, Step   string
	// Done of Total bytes of the step; Total is 0 where that is not known.
	Done, Total int64
	Rate        float64 // bytes in a second
	Elapsed     time.Duration
}

// barWidth is the inside of a bar.
const barWidth = 24

// Panel is the progress in five lines.
func (p Progress) Panel() []string {
	where := p.Step
	if p.Group != "" {
		where = p.Group + " > " + p.Step
	}
	head := cut(p.Sequence, Width-12)
	return []string{
		strings.Repeat("-", Width),
		fmt.Sprintf("%-*s %10s", Width-11, head, clock(p.Elapsed)),
		cut(fmt.Sprintf("Step %d of %d: %s", p.Number, p.Steps, where), Width),
		cut("This step  "+bar(p.Done, p.Total)+" "+p.amount(), Width),
		cut(fmt.Sprintf("All steps  %s %3d%%", bar(p.overall(), 1000), p.overall()/10), Width),
	}
}

// overall is how much of the sequence is done, in thousandths: each step counts the same, and the
// one that runs as far as its bytes are.
func (p Progress) overall() int64 {
	if p.Steps <= 0 || p.Number <= 0 {
		return 0
	}
	part := int64(0)
	if p.Total > 0 {
		part = 1000 * min(max(p.Done, 0), p.Total) / p.Total
	}
	return min((int64(p.Number-1)*1000+part)/int64(p.Steps), 1000)
}

// amount is percent, bytes, rate and time left of the step, as far as they are known.
func (p Progress) amount() string {
	switch {
	case p.Total <= 0 && p.Done <= 0:
		return ""
	case p.Total <= 0:
		return fmt.Sprintf("%d MiB", p.Done>>20)
	}
	text := fmt.Sprintf("%3d%% of %d MiB", 100*min(p.Done, p.Total)/p.Total, p.Total>>20)
	if p.Rate >= 1 && p.Done < p.Total {
		left := time.Duration(float64(p.Total-p.Done) / p.Rate * float64(time.Second))
		text += fmt.Sprintf(" %.0f MiB/s %s left", p.Rate/(1<<20), clock(left))
	}
	return text
}

func bar(done, total int64) string {
	if total <= 0 {
		return "[" + strings.Repeat(" ", barWidth) + "]"
	}
	full := int(barWidth * min(max(done, 0), total) / total)
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
}

// clock writes a duration as minutes and seconds, 0:07, or with hours before them.
func clock(d time.Duration) string {
	s := int(max(d, 0).Seconds())
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
