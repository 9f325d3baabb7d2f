package agent

import (
	"sync"
	"time"

	"github.com/bootward/bootward/agent/wizard"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

// shown is how far the sequence is, for the screen. It is safe for concurrent use.
type shown struct {
	mu       sync.Mutex
	progress wizard.Progress
	begun    time.Time // the run
	step     time.Time // the step's first bytes
	first    int64     // how many they were
}

func (s *shown) begin(seq *sequence.Sequence) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = time.Now()
	s.progress = wizard.Progress{Sequence: seq.Name, Steps: len(seq.Flatten())}
}

func (s *shown) started(group string, l sequence.Line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.progress
	p.Number, p.Group, p.Step, p.Done, p.Total, p.Rate = l.Number, group, l.Name(), 0, 0, 0
	s.step = time.Time{}
}

// moved notes bytes of the step, and returns their rate.
func (s *shown) moved(done, total int64) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.step.IsZero() {
		s.step, s.first = time.Now(), done
	}
	p := &s.progress
	p.Done, p.Total, p.Rate = done, total, float64(done-s.first)/max(time.Since(s.step).Seconds(), 0.001)
	return p.Rate
}

func (s *shown) panel() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress.Elapsed = time.Since(s.begun)
	return s.progress.Panel()
}

// panels says whether progress has a place of its own on the screen.
func (s *session) panels() bool { return s.conf.Screen && !s.job.HideProgress }

// watch keeps the panel of the progress up to date until stop.
func (s *session) watch(seq *sequence.Sequence) (stop func()) {
	s.shown.begin(seq)
	if !s.panels() {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			s.console.Panel(s.shown.panel(), false)
			select {
			case <-tick.C:
			case <-end:
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
		s.console.EndPanel()
	}
}

// started shows each step as it begins, unless the advertisement hides them.
func (s *session) started(seq *sequence.Sequence) func(sequence.Line) {
	lines := seq.Flatten()
	return func(l sequence.Line) {
		s.shown.started(groupOf(lines, l), l)
		if !s.job.HideProgress {
			s.console.Line("step %d of %d: %s", l.Number, len(lines), l.Name())
		}
	}
}

// groupOf is the name of the group that holds a node, or nothing.
func groupOf(lines []sequence.Line, l sequence.Line) string {
	if l.Parent < 1 {
		return ""
	}
	return lines[l.Parent-1].Name()
}

// progress shows how far a step is, with rate and time left, and tells the box.
func (s *session) progress() func(line sequence.Line, done, total int64) {
	return func(line sequence.Line, done, total int64) {
		rate := s.shown.moved(done, total)
		if !s.conf.Screen && !s.job.HideProgress {
			s.console.Progress("%s", progressText(line.Name(), done, total, rate))
		}
		s.box.Progress(status.Progress{Step: line.Number, Action: line.Name(), Done: done, Total: total, Unit: "B"})
	}
}
