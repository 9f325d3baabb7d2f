package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

// told keeps the messages of clumsy.
type told struct {
	*clumsy
	last status.Message
}

func (l *told) Report(m status.Message) error {
	l.last = m
	return l.clumsy.Report(m)
}

// TestClose: what is to be done at the end is done before the end is reported, once, however the
// sequence ended; and once more at the end of a run that goes on behind a failure.
func TestClose(t *testing.T) {
	for _, tt := range []struct {
		name   string
		broken map[string]int
		err    error
		id     status.MessageID
		output string
	}{
		{"succeeds", nil, nil, status.SequenceCompleted, "locked"},
		{"fails", map[string]int{"a": 9}, nil, status.SequenceFailed, "a broke\nlocked"},
		{"cannot close", nil, errors.New("not locked"), status.SequenceFailed, "not locked"},
		{"fails and cannot close", map[string]int{"a": 9}, errors.New("not locked"), status.SequenceFailed, "a broke\nnot locked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &told{clumsy: &clumsy{broken: tt.broken}}
			var closed []status.MessageID
			e := &Engine{Sequence: one("a"), State: New(sequence.NewEnvironment()), Executor: c, Journal: c, Reporter: c, Stage: status.StageInstalledSystem, Now: time.Now,
				Close: func(context.Context) (string, error) {
					closed = append(closed, c.last.ID)
					return "locked", tt.err
				}}
			end, err := e.Run(t.Context())
			if err != nil || end.Succeeded != (tt.id == status.SequenceCompleted) || (end.Reason == "") != end.Succeeded {
				t.Errorf("%+v, %v", end, err)
			}
			if c.last.ID != tt.id || !strings.Contains(c.last.Output, tt.output) || (c.last.ExitCode == 0) != end.Succeeded {
				t.Errorf("last message %+v", c.last)
			}
			if s := c.state(t); s.Reason != end.Reason || s.ExitCode != end.ExitCode || s.FailedAt != end.Step {
				t.Errorf("the state says %+v, the end is %+v", s, end)
			}
			if len(closed) != 1 || slices.Contains(closed, tt.id) {
				t.Errorf("closed behind %v", closed)
			}
		})
	}
}

// TestCloseAgain: what failed was closed, and is closed again when it goes on and ends.
func TestCloseAgain(t *testing.T) {
	c := &told{clumsy: &clumsy{broken: map[string]int{"a": 1}}}
	state, closed := New(sequence.NewEnvironment()), 0
	for i, want := range []status.MessageID{status.SequenceFailed, status.SequenceCompleted} {
		e := &Engine{Sequence: one("a"), State: state, Executor: c, Journal: c, Reporter: c, Stage: status.StageInstalledSystem, Now: time.Now,
			Close: func(context.Context) (string, error) { closed++; return "locked", nil }}
		if _, err := e.Run(t.Context()); err != nil || c.last.ID != want || closed != i+1 {
			t.Fatalf("run %d: %v, last message %+v, closed %d times", i+1, err, c.last, closed)
		}
		if state = c.state(t); i == 0 {
			if err := state.Retry(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
