// Package serialconsole shows the technician how the box is: a block of plain
// lines, at most 80 columns, printed when something changed. It is no
// full-screen program: a serial line may be watched by a person, a logger or
// a test.
//
// Where the line is a terminal, somebody may type: the console collects lines,
// and an Interpreter carries them out; it knows of no command itself. Every text
// is cut down to printable ASCII: names come from firmware, from the network, and
// from whoever types.
//
// Format: docs/formats/console.md.
package serialconsole

import (
	"fmt"
	"strings"
	"time"
)

// State is what the console shows.
type State struct {
	Box, Site string // empty before the enrolment
	Version   string
	Addresses []string // interface and address
	Services  []Service
	Policy    string // epoch.number, empty before there is one
	PolicyAge time.Duration
	Stale     bool
	Line      string // what is wrong with the line to the site, empty if nothing is
	Content   Content
	Segments  []string // the last test of the segments in few lines
	Jobs      []Job
	Pending   []Pending
	Alarms    []string
	Keyboard  bool   // somebody may type
	Waiting   uint64 // events that the site does not have yet
	Ready     bool
	// NotReady says what is lacking.
	NotReady string
}

// Service is one service that does not run as it should.
type Service struct{ Name, State, Why string }

// Content is how far the content is.
type Content struct {
	Wanted, Held int64
	Complete     bool
	Fetching     string
	Rate         float64 // bytes per second
	Left         time.Duration
	Problem      string
}

// Job is a running deployment.
type Job struct {
	Computer, Sequence, Action string
	Step                       int
	Percent                    int // -1: not known
}

const width = 80

// Render makes the block of a state: lines of printable ASCII, at most 80
// columns.
func Render(s State) []string {
	var b block
	b.add("", "%s", strings.Repeat("-", 72))
	name := "not enrolled"
	if s.Box != "" {
		name = s.Box + ", site " + s.Site
	}
	b.add("box", "%s (version %s)", name, s.Version)
	b.add("address", "%s", orNone(strings.Join(s.Addresses, ", ")))
	b.services(s.Services)
	b.policy(s)
	b.content(s.Content)
	for _, text := range s.Segments {
		b.add("segment", "%s", text)
	}
	if s.Line != "" {
		b.add("site", "not reached: %s", s.Line)
	}
	if s.Waiting > 0 {
		b.add("outbox", "%d events wait for the site", s.Waiting)
	}
	for _, j := range s.Jobs {
		b.job(j)
	}
	for _, p := range s.Pending {
		b.pending(p)
	}
	for _, a := range s.Alarms {
		b.add("ALARM", "%s", a)
	}
	if s.Keyboard {
		b.add("console", "press Enter and type help")
	}
	if s.Ready {
		b.add("state", "ready")
	} else {
		b.add("state", "not ready: %s", s.NotReady)
	}
	return b.lines
}

type block struct{ lines []string }

// add appends a line with a label; longer text goes on below.
func (b *block) add(label, format string, args ...any) {
	if label == "" {
		b.lines = append(b.lines, cut(fmt.Sprintf(format, args...), width))
		return
	}
	for i, part := range wrap(printable(fmt.Sprintf(format, args...)), width-12) {
		if i > 0 {
			label = ""
		}
		b.lines = append(b.lines, strings.TrimRight(fmt.Sprintf("  %-9s %s", label, part), " "))
	}
}

func (b *block) services(all []Service) {
	if len(all) == 0 {
		b.add("services", "all running")
	}
	for _, s := range all {
		text := s.Name + " " + s.State
		if s.Why != "" {
			text += ": " + s.Why
		}
		b.add("service", "%s", text)
	}
}

func (b *block) policy(s State) {
	switch {
	case s.Policy == "":
		b.add("policy", "none yet")
	case s.Stale:
		b.add("policy", "%s, STALE: %d days old", s.Policy, int(s.PolicyAge.Hours()/24))
	default:
		b.add("policy", "%s, %s old", s.Policy, age(s.PolicyAge))
	}
}

func (b *block) content(c Content) {
	switch {
	case c.Complete:
		b.add("content", "complete and verified, %s", Bytes(c.Held))
	case c.Wanted == 0 && c.Fetching == "":
		b.add("content", "none wanted yet")
	default:
		text := fmt.Sprintf("%d %% of %s", percent(c.Held, c.Wanted), Bytes(c.Wanted))
		if c.Fetching != "" {
			text += fmt.Sprintf(", %s, %s/s", c.Fetching, Bytes(int64(c.Rate)))
		}
		if c.Left > 0 {
			text += ", " + age(c.Left) + " left"
		}
		b.add("content", "%s", text)
	}
	if c.Problem != "" {
		b.add("problem", "%s", c.Problem)
	}
}

func (b *block) job(j Job) {
	text := j.Computer + ": " + j.Sequence
	if j.Action != "" {
		text += fmt.Sprintf(", step %d %s", j.Step, j.Action)
	}
	if j.Percent >= 0 {
		text += fmt.Sprintf(" %d %%", j.Percent)
	}
	b.add("job", "%s", text)
}

// Bytes writes an amount with a decimal unit: 18.6 MB.
func Bytes(n int64) string {
	units := []string{"kB", "MB", "GB", "TB"}
	if n < 1000 {
		return fmt.Sprintf("%d B", max(n, 0))
	}
	f := float64(n)
	i := -1
	for f >= 1000 && i < len(units)-1 {
		f /= 1000
		i++
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

func percent(done, of int64) int64 {
	if of <= 0 {
		return 0
	}
	return min(done*100/of, 99)
}

// age writes a duration in its largest unit, so that a block does not change
// each second.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "under a minute"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func orNone(s string) string {
	if s == "" {
		return "none yet"
	}
	return s
}

// printable replaces everything that a terminal might obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < 0x20 || r > 0x7e:
			return '?'
		}
		return r
	}, s)
}

func cut(s string, n int) string {
	if s = printable(s); len(s) > n {
		s = s[:n]
	}
	return s
}

// wrap breaks a text at spaces into at most six lines of n columns.
func wrap(s string, n int) []string {
	var lines []string
	for len(s) > n && len(lines) < 5 {
		at := strings.LastIndex(s[:n+1], " ")
		if at <= 0 {
			at = n
		}
		lines = append(lines, s[:at])
		s = strings.TrimLeft(s[at:], " ")
	}
	return append(lines, cut(s, n))
}
