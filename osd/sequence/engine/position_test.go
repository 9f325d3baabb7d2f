package engine

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

func decoded(t testing.TB, document string) *sequence.Sequence {
	t.Helper()
	s, err := sequence.Decode([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// nested has nodes 1 G(2 a, 3 H(4 b, 5 c)), 6 d.
const nested = `{"format":1,"name":"s","steps":[
	{"group":"G","steps":[{"runCommandLine":{"command":"a"}},
		{"group":"H","steps":[{"runCommandLine":{"command":"b"}},{"runCommandLine":{"command":"c"}}]}]},
	{"runCommandLine":{"command":"d"}}]}`

func TestPosition(t *testing.T) {
	lines := decoded(t, nested).Flatten()
	for _, tt := range []struct {
		name string
		at   int
		id   status.MessageID
		step int
		want int
	}{
		{"the start says nothing of nodes", 1, status.SequenceStarted, 0, 1},
		{"a group begins", 1, status.GroupStarted, 1, 2},
		{"a group is skipped with all it holds", 1, status.ActionSkipped, 1, 6},
		{"a group is disabled", 3, status.ActionDisabled, 3, 6},
		{"a step is done", 2, status.ActionCompleted, 2, 3},
		{"the last step of two groups is done", 5, status.ActionCompleted, 5, 6},
		{"a step is skipped", 4, status.ActionSkipped, 4, 5},
		{"a failure alone moves nothing", 4, status.ActionFailed, 4, 4},
		{"the failure of a step is passed over", 4, status.FailureIgnored, 4, 5},
		{"the failure is passed over by a group around it", 4, status.FailureIgnored, 3, 6},
		{"and by the outer one", 4, status.FailureIgnored, 1, 6},
		{"a group that does not hold it passes nothing over", 2, status.FailureIgnored, 3, 2},
		{"a group ends behind its last node", 6, status.GroupCompleted, 3, 6},
		{"the end of a group skips nothing", 4, status.GroupCompleted, 3, 4},
		{"a restart moves nothing", 4, status.RebootInitiated, 3, 4},
		{"the last node", 6, status.ActionCompleted, 6, 7},
		{"behind the end", 7, status.ActionCompleted, 6, 7},
		{"a step that comes later", 2, status.ActionCompleted, 5, 2},
		{"a step that is done, once more", 5, status.ActionCompleted, 4, 5},
		{"a failure of a step that is done", 5, status.FailureIgnored, 4, 5},
		{"no group begins at a step", 2, status.GroupStarted, 2, 2},
		{"no group is an action", 1, status.ActionCompleted, 1, 1},
		{"no such node", 1, status.ActionCompleted, 99, 1},
		{"no such node", 1, status.ActionSkipped, -1, 1},
	} {
		if got := Position(lines, tt.at, status.Message{ID: tt.id, Step: tt.step}); got != tt.want {
			t.Errorf("%s: from %d to %d, want %d", tt.name, tt.at, got, tt.want)
		}
	}
	if got := Position(nil, 1, status.Message{ID: status.ActionCompleted, Step: 1}); got != 1 {
		t.Errorf("without a sequence: %d", got)
	}
}

// follower checks at each step that runs whether its position is that of the
// engine.
type follower struct {
	t     *testing.T
	lines []sequence.Line
	at    int
	steps int
	bench bench
}

func (f *follower) Execute(ctx context.Context, line sequence.Line, env *sequence.Environment) Result {
	f.steps++
	if f.at != line.Number {
		f.t.Errorf("step %d %s runs, by the messages the sequence stands at %d", line.Number, line.Name(), f.at)
	}
	return f.bench.Execute(ctx, line, env)
}

func (f *follower) Save(s State) error { return f.bench.Save(s) }

func (f *follower) Report(m status.Message) error {
	was := f.at
	if f.at = Position(f.lines, f.at, m); f.at < was {
		f.t.Errorf("message %d of step %d: from %d back to %d", m.ID, m.Step, was, f.at)
	}
	return nil
}

// TestPositionFollowsTheEngine runs every sequence of the transcripts, through
// failures, restarts and power cuts.
func TestPositionFollowsTheEngine(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := document.Decode(file, data)
		if err != nil {
			t.Fatal(err)
		}
		follow(t, file, objects[0].(*sequence.Sequence))
	}
	follow(t, "nested", decoded(t, nested))
	follow(t, "failures", decoded(t, `{"format":1,"name":"s","steps":[
		{"group":"G","continueOnError":true,"steps":[{"group":"H","steps":[
			{"runCommandLine":{"command":"fail","continueOnError":true}},{"runCommandLine":{"command":"fail"}},{"runCommandLine":{"command":"never"}}]},
			{"runCommandLine":{"command":"never"}}]},
		{"group":"off","disabled":true,"steps":[{"runCommandLine":{"command":"never"}}]},
		{"group":"not","condition":{"variable":"X","exists":true},"steps":[{"runCommandLine":{"command":"never"}}]},
		{"runCommandLine":{"command":"never","disabled":true}},
		{"group":"last","steps":[{"runCommandLine":{"command":"fail","continueOnError":true}}]}]}`))
}

func follow(t *testing.T, name string, s *sequence.Sequence) {
	t.Helper()
	f := &follower{t: t, lines: s.Flatten(), at: 1, bench: bench{results: map[string][]Result{
		"fail": {{ExitCode: 7}, {ExitCode: 7}, {ExitCode: 7}, {ExitCode: 7}}, "three": {{ExitCode: 3}}, "twice": {{ExitCode: 1}, {Err: errors.New("busy")}}}}}
	state, stage := New(sequence.NewEnvironment()), status.StageBootImage
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		f.bench.cancel = cancel
		e := &Engine{Sequence: s, State: state, Executor: f, Journal: f, Reporter: f, Stage: stage, Now: time.Now,
			Wait: func(context.Context, time.Duration) error { return nil }}
		end, err := e.Run(ctx)
		cancel()
		state = State{}
		if err := json.Unmarshal(f.bench.saved, &state); err != nil {
			t.Fatal(err)
		}
		if end.Restart != nil && end.Restart.To == sequence.ToInstalledOS {
			stage = status.StageInstalledSystem
		}
		if err == nil && end.Restart == nil {
			if end.Succeeded && f.at != len(f.lines)+1 {
				t.Errorf("%s: at the end the sequence stands at %d of %d", name, f.at, len(f.lines))
			}
			break
		}
	}
	if f.steps == 0 && name != "" {
		t.Errorf("%s: no step ran", name)
	}
}
