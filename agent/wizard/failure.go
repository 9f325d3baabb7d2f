package wizard

import (
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/agent/console"
	"github.com/bootward/bootward/agent/keys"
)

// Failure is the end of a task sequence that failed.
type Failure struct {
	About        About
	Step         int // 0: it did not come to a step
	Steps        int
	Action       string
	Group        string
	ExitCode     int
	Output       string
	Log          string // where it is
	Retry, Shell bool   // what may be done
	// Ends is when the machine restarts by itself, Note what was said last, such as by the box.
	Ends time.Duration
	Note string
}

// Choice is what somebody wants at the end of a failed sequence.
type Choice int

// The choices.
const (
	None Choice = iota
	Restart
	Again
	Log
	Shell
)

// Press is what a key chooses.
func (f *Failure) Press(k keys.Key) Choice {
	switch {
	case k == keys.Enter || k == '\n' || k == keys.F10 || k == keys.Interrupt:
		return Restart
	case (k == 'r' || k == 'R') && f.Retry:
		return Again
	case k == 'l' || k == 'L':
		return Log
	case (k == 's' || k == 'S' || k == keys.F8) && f.Shell:
		return Shell
	}
	return None
}

// outputLines is how much of the output stands on the page.
const outputLines = 8

// Lines is the page.
func (f *Failure) Lines() []string {
	p := newPage(f.About, "THE TASK SEQUENCE FAILED")
	f.body(p)
	p.blank()
	if f.Note != "" {
		p.most(2, "", f.Note)
	}
	p.text("", fmt.Sprintf("The machine restarts by itself in %s.", minutes(f.Ends)))
	return p.done(f.keys())
}

// Report is the failure in an installed system, where nobody types: what may be done from
// elsewhere, as long as the job waits for it.
func (f *Failure) Report(computer string) []string {
	p := newPage(f.About, "THE TASK SEQUENCE FAILED")
	f.body(p)
	p.blank()
	if f.Retry && f.Ends > 0 {
		p.text("", fmt.Sprintf("Try again from the failed step, within %s; then the job is over:", minutes(f.Ends)))
		p.text("", "bootward computer retry "+computer) // a line of its own: it is copied
	} else {
		p.text("", "The job is over.")
	}
	return p.lines
}

func (f *Failure) body(p *page) {
	if f.Step > 0 {
		p.text("Step:      ", fmt.Sprintf("%d %s", f.Step, f.Action))
	}
	if f.Group != "" {
		p.text("Group:     ", f.Group)
	}
	p.text("Exit code: ", fmt.Sprintf("%d (0x%08X)", f.ExitCode, uint32(f.ExitCode)))
	if c := Explain(f.ExitCode, f.Output); c.Why != "" {
		p.most(2, "Cause:     ", c.Why)
		p.most(2, "Remedy:    ", c.Remedy)
	}
	label := "Output:    "
	for _, line := range tail(f.Output, Width-len(label), min(outputLines, Height-len(p.lines)-7)) {
		p.lines = append(p.lines, label+line)
		label = strings.Repeat(" ", len(label))
	}
	p.most(2, "Log:       ", f.Log)
}

func (f *Failure) keys() string {
	text := "Enter restart   L log"
	if f.Retry {
		text = "R try again from the failed step   " + text
	}
	if f.Shell {
		text += "   S (F8) shell"
	}
	return text
}

// minutes writes a wait roughly: a page is not written anew each second.
func minutes(d time.Duration) string {
	switch m := int((d + time.Minute - 1) / time.Minute); {
	case d <= 0:
		return "a moment"
	case m == 1:
		return "a minute"
	default:
		return fmt.Sprintf("%d minutes", m)
	}
}

// tail is the last lines of a text.
func tail(text string, width, lines int) []string {
	all := console.Wrap(strings.TrimSpace(text), width)
	return all[max(len(all)-max(lines, 1), 0):]
}

// Pager pages through a text, the last page first.
type Pager struct {
	lines []string
	page  int
}

// pagerLines is how many lines of the text stand on a page.
const pagerLines = Height - 4

// NewPager makes a pager of a text.
func NewPager(text string) *Pager {
	p := &Pager{lines: console.Wrap(text, Width)}
	p.page = p.last()
	return p
}

func (p *Pager) last() int { return max(len(p.lines)-1, 0) / pagerLines }

// Press turns the page, and is false when the reader is done.
func (p *Pager) Press(k keys.Key) bool {
	switch k {
	case keys.Up, keys.PageUp, keys.Left, keys.Ctrl('P'), 'b', 'p', '-':
		p.page = max(p.page-1, 0)
	case keys.Down, keys.PageDown, keys.Right, keys.Ctrl('N'), ' ', 'n', '+':
		p.page = min(p.page+1, p.last())
	case keys.Escape, keys.Enter, '\n', keys.Interrupt, keys.F10, 'q', 'l', 'L':
		return false
	}
	return true
}

// Lines is the page.
func (p *Pager) Lines(about About) []string {
	out := newPage(about, "")
	out.lines = out.lines[:2]
	from := p.page * pagerLines
	out.lines = append(out.lines, p.lines[from:min(from+pagerLines, len(p.lines))]...)
	return out.done(fmt.Sprintf("Page %d of %d   Space (^N) next   B (^P) back   Esc (Q) done", p.page+1, p.last()+1))
}
