package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

// clumsy runs commands; those named in broken fail, each as often as it says there.
type clumsy struct {
	broken map[string]int
	ran    []string
	opened []int // groups
	saved  []byte
	// messages counts them.
	messages map[status.MessageID]int
}

func (c *clumsy) Execute(_ context.Context, line sequence.Line, _ *sequence.Environment) Result {
	command := line.Node.Step.(*sequence.RunCommandLine).Command
	c.ran = append(c.ran, command)
	if c.broken[command] > 0 {
		c.broken[command]--
		return Result{Err: errors.New(command + " broke")}
	}
	return Result{}
}

func (c *clumsy) Save(s State) (err error) {
	c.saved, err = json.Marshal(s)
	return err
}

func (c *clumsy) Report(m status.Message) error {
	if c.messages == nil {
		c.messages = map[status.MessageID]int{}
	}
	c.messages[m.ID]++
	if m.ID == status.GroupStarted {
		c.opened = append(c.opened, m.Step)
	}
	return nil
}

func (c *clumsy) run(t *testing.T, seq *sequence.Sequence, state State) Ending {
	t.Helper()
	e := &Engine{Sequence: seq, State: state, Executor: c, Journal: c, Reporter: c, Stage: status.StageBootImage, Now: time.Now}
	end, err := e.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return end
}

// state is what a restart finds.
func (c *clumsy) state(t *testing.T) (s State) {
	t.Helper()
	if err := json.Unmarshal(c.saved, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRetry(t *testing.T) {
	const proud = `"condition":{"variable":"_SMSTSLastActionSucceeded","equals":"true"}`
	for _, tt := range []struct {
		name   string
		steps  string
		broken map[string]int
		ran    string // until it succeeds
		tries  int
	}{
		{"a step", `{"runCommandLine":{"command":"a"}},{"runCommandLine":{"command":"b"}}`, map[string]int{"b": 1}, "a b b", 1},
		{"a step that fails twice", `{"runCommandLine":{"command":"a"}},{"runCommandLine":{"command":"b"}}`, map[string]int{"b": 2}, "a b b b", 2},
		{"nested groups", `{"group":"G","steps":[{"runCommandLine":{"command":"a"}},
			{"group":"H","steps":[{"runCommandLine":{"command":"b"}},{"runCommandLine":{"command":"c"}}]},{"runCommandLine":{"command":"d"}}]}`,
			map[string]int{"b": 1, "d": 1}, "a b b c d d", 2},
		{"behind a group that went on", `{"group":"G","continueOnError":true,"steps":[{"runCommandLine":{"command":"a"}},{"runCommandLine":{"command":"b"}}]},
			{"runCommandLine":{"command":"c"}}`, map[string]int{"a": 1, "c": 1}, "a c c", 1},
		{"in a group that goes on, tried again outside", `{"group":"G","steps":[{"group":"H","continueOnError":true,"steps":[{"runCommandLine":{"command":"a"}}]},
			{"runCommandLine":{"command":"b"}}]}`, map[string]int{"a": 1, "b": 1}, "a b b", 1},
		{"its condition looks at the step before it", `{"runCommandLine":{"command":"a"}},{"runCommandLine":{"command":"b",` + proud + `}}`, map[string]int{"b": 1}, "a b b", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seq := decoded(t, `{"format":1,"name":"s","steps":[`+tt.steps+`]}`)
			c := &clumsy{broken: tt.broken}
			end, tries := c.run(t, seq, New(sequence.NewEnvironment())), 0
			for ; !end.Succeeded && tries < 5; tries++ {
				state := c.state(t)
				if err := state.Retry(); err != nil {
					t.Fatal(err)
				}
				end = c.run(t, seq, state)
			}
			if got := strings.Join(c.ran, " "); got != tt.ran || tries != tt.tries || !end.Succeeded {
				t.Errorf("ran %s with %d retries, succeeded %v; want %s with %d", got, tries, end.Succeeded, tt.ran, tt.tries)
			}
			if got, want := len(c.opened), strings.Count(tt.steps, `"group"`); got != want {
				t.Errorf("%d groups were opened, of %d", got, want)
			}
		})
	}
}

// TestRetryOutcomes: the state says of no node that it failed, once it is to be tried again.
func TestRetryOutcomes(t *testing.T) {
	c := &clumsy{broken: map[string]int{"b": 1}}
	seq := decoded(t, nested)
	c.run(t, seq, New(sequence.NewEnvironment()))
	s := c.state(t)
	if s.Nodes[1] != Failed || s.Nodes[3] != Failed || s.Nodes[4] != Failed || s.FailedAt != 4 {
		t.Fatalf("it failed as %+v", s)
	}
	if err := s.Retry(); err != nil {
		t.Fatal(err)
	}
	if len(s.Nodes) != 1 || s.Nodes[2] != Completed || s.Next != 4 || fmt.Sprint(s.Open) != "[1 3]" {
		t.Errorf("got %+v", s)
	}
	if end := c.run(t, seq, s); !end.Succeeded {
		t.Errorf("ended %+v", end)
	}
	if s := c.state(t); s.Nodes[1] != Completed || s.Nodes[3] != Completed || s.Nodes[4] != Completed {
		t.Errorf("the outcomes are %v", s.Nodes)
	}
}

func TestRetryRefuses(t *testing.T) {
	for _, s := range []State{{Format: 1}, {Format: 1, Next: 2}, {Format: 1, Next: 2, Ended: Succeeded}, {Format: 1, Next: 2, Ended: Failed}} {
		before := fmt.Sprint(s)
		if err := s.Retry(); err == nil || fmt.Sprint(s) != before {
			t.Errorf("%s became %v, error %v", before, s, err)
		}
	}
}
