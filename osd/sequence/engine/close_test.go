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
// sequence ended; and not when it goes on behind a restart of the machine or a failure.
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
		{"tried again", map[string]int{"a": 1}, nil, status.SequenceCompleted, "locked"},
		{"cannot close", nil, errors.New("not locked"), status.SequenceFailed, "not locked"},
		{"fails and cannot close", map[string]int{"a": 9}, errors.New("not locked"), status.SequenceFailed, "a broke\nnot locked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &told{clumsy: &clumsy{broken: tt.broken}}
			var closed []status.MessageID
			again := true
			e := &Engine{Sequence: one("a"), State: New(sequence.NewEnvironment()), Executor: c, Journal: c, Reporter: c, Stage: status.StageInstalledSystem, Now: time.Now,
				Again: func(context.Context, Ending) bool { again = !again; return !again },
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
			if len(closed) != 1 || slices.Contains(closed, tt.id) {
				t.Errorf("closed behind %v", closed)
			}
		})
	}
}
