package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

// eventful has groups that go on, steps that fail, are skipped, may run again, and restarts of
// both kinds.
const eventful = `{"format":1,"name":"s","steps":[
	{"setTaskSequenceVariable":{"variable":"A","value":"%A%1"}},
	{"group":"G","continueOnError":true,"steps":[
		{"runCommandLine":{"command":"a"}},
		{"group":"Inner","steps":[{"runCommandLine":{"command":"fail"}},{"runCommandLine":{"command":"never"}}]},
		{"runCommandLine":{"command":"never"}}]},
	{"runCommandLine":{"command":"again","rerunnable":true}},
	{"runCommandLine":{"command":"fail","continueOnError":true,"rerunnable":true}},
	{"group":"H","condition":{"variable":"A","equals":"x1"},"steps":[
		{"runCommandLine":{"command":"never","disabled":true}},
		{"runCommandLine":{"command":"never","condition":{"variable":"B","exists":true}}},
		{"restartComputer":{"to":"installedOS"}},
		{"runCommandLine":{"command":"c"}}]},
	{"runCommandLine":{"command":"reboot"}},
	{"runCommandLine":{"command":"last"}}]}`

// flaky fails by a step that may run again, and would succeed then.
const flaky = `{"format":1,"name":"s","steps":[
	{"runCommandLine":{"command":"a"}},
	{"group":"G","steps":[{"runCommandLine":{"command":"flaky","rerunnable":true}}]},
	{"runCommandLine":{"command":"last"}}]}`

// errCut is what the power cut panics with.
var errCut = errors.New("the power is cut")

// world is a machine whose power goes at chosen moments: what was saved or reported before
// stays, and what steps have done; all else is lost.
type world struct {
	t     *testing.T
	lines []sequence.Line
	cuts  []int // moments between two cuts, the next first
	left  int   // moments to the next cut

	saved    []byte
	messages []status.Message
	position int         // as the box follows the messages
	ended    map[int]int // how often each step came to its end
	order    []int       // of the first ends
	stage    string
}

// moment is a place at which the power may go.
func (w *world) moment() {
	if w.left--; w.left == 0 {
		panic(errCut)
	}
}

func (w *world) Execute(_ context.Context, line sequence.Line, env *sequence.Environment) Result {
	if over := slices.ContainsFunc(w.messages, func(m status.Message) bool { return m.ID.Final() }); over {
		w.t.Errorf("step %d runs behind the end", line.Number)
	}
	if w.position != line.Number && (w.position != line.Number+1 || !rerunnable(line.Node.Step)) {
		w.t.Errorf("step %d runs, and the box believes the machine at %d", line.Number, w.position)
	}
	w.moment()
	defer w.moment() // behind its end
	w.moment()       // in the middle
	if w.ended[line.Number]++; w.ended[line.Number] == 1 {
		w.order = append(w.order, line.Number)
	}
	switch s := line.Node.Step.(type) {
	case *sequence.SetTaskSequenceVariable:
		value, err := env.Expand(s.Value)
		return Result{Err: errors.Join(err, env.Set(s.Variable, value))}
	case *sequence.RestartComputer:
		return Result{Restart: &Restart{To: s.To}}
	case *sequence.RunCommandLine:
		switch s.Command {
		case "fail":
			return Result{ExitCode: 7}
		case "flaky":
			return Result{ExitCode: max(0, 2-w.ended[line.Number])}
		case "never":
			w.t.Errorf("step %d ran", line.Number)
		case "reboot":
			return Result{Err: env.Set("SMSTSRebootRequested", "HD")}
		}
	}
	return Result{}
}

func (w *world) Save(s State) (err error) {
	w.moment()
	w.saved, err = json.Marshal(s)
	w.moment()
	return err
}

func (w *world) Report(m status.Message) error {
	w.moment()
	w.messages = append(w.messages, m)
	w.position = Position(w.lines, w.position, m)
	w.moment()
	return nil
}

// boot runs the engine from what was saved until it ends or the power goes.
func (w *world) boot(seq *sequence.Sequence) (end Ending, err error) {
	defer func() {
		if r := recover(); r == errCut {
			err = errCut
		} else if r != nil {
			panic(r)
		}
	}()
	w.left = 0
	if len(w.cuts) > 0 {
		w.left, w.cuts = w.cuts[0], w.cuts[1:]
	}
	state := State{}
	if err := json.Unmarshal(w.saved, &state); err != nil {
		w.t.Fatal(err)
	}
	if r := state.Restarting; r != nil && r.To == sequence.ToInstalledOS {
		w.stage = status.StageInstalledSystem
	}
	if state.Ended != "" { // the end was on record, and the machine is asked for the rest
		return Ending{Succeeded: state.Ended == Succeeded, Reason: state.Reason}, nil
	}
	e := &Engine{Sequence: seq, State: state, Executor: w, Journal: w, Reporter: w, Stage: w.stage, Now: time.Now}
	return e.Run(w.t.Context())
}

// play runs a sequence through its restarts and the cuts, and says how it ended.
func play(t *testing.T, seq *sequence.Sequence, cuts ...int) (*world, Ending, bool) {
	t.Helper()
	w := &world{t: t, lines: seq.Flatten(), cuts: cuts, position: 1, ended: map[int]int{}, stage: status.StageBootImage}
	env := sequence.NewEnvironment()
	err := env.Set("A", "x")
	if err != nil {
		t.Fatal(err)
	}
	if w.saved, err = json.Marshal(New(env)); err != nil {
		t.Fatal(err)
	}
	cut := false
	for range 12 {
		end, err := w.boot(seq)
		switch {
		case errors.Is(err, errCut):
			cut = true
		case err != nil:
			t.Fatalf("cuts %v: %v", cuts, err)
		case end.Restart == nil:
			return w, end, cut
		}
	}
	t.Fatalf("cuts %v: the job does not end", cuts)
	return nil, Ending{}, false
}

// TestPowerCuts cuts the power at every moment between two acts of the engine, and once more soon
// after: no step that may not runs twice to its end, none is left out, and the job completes or
// says why not.
func TestPowerCuts(t *testing.T) {
	for _, tt := range []struct {
		name, document string
		succeeds       bool  // without a cut
		steps          []int // that end, if it succeeds
	}{
		{"eventful", eventful, true, []int{1, 3, 5, 8, 9, 13, 14, 15, 16}},
		{"flaky", flaky, false, []int{1, 3, 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seq := decoded(t, tt.document)
			if w, end, _ := play(t, seq); end.Succeeded != tt.succeeds || tt.succeeds && !slices.Equal(w.order, tt.steps) {
				t.Fatalf("without a cut it ended as %+v, steps %v", end, w.order)
			}
			outcomes := map[bool]int{}
			for first, done := 1, false; !done; first++ {
				for second := range 14 {
					w, end, cut := play(t, seq, first, second)
					if done = !cut; done {
						break
					}
					outcomes[end.Succeeded]++
					if why := w.wrong(end, tt.steps); why != "" {
						t.Errorf("cuts %d, %d: %s", first, second, why)
					}
				}
			}
			if outcomes[true] == 0 || outcomes[false] == 0 {
				t.Errorf("outcomes %v: the test does not see both", outcomes)
			}
			t.Logf("%d jobs completed, %d stopped with a reason", outcomes[true], outcomes[false])
		})
	}
}

// wrong says what is wrong with how a job ended.
func (w *world) wrong(end Ending, steps []int) string {
	for n, times := range w.ended {
		if times > 1 && !rerunnable(w.lines[n-1].Node.Step) {
			return fmt.Sprintf("step %d came to its end %d times", n, times)
		}
	}
	var last State
	if err := json.Unmarshal(w.saved, &last); err != nil {
		return err.Error()
	}
	switch want := steps[:min(len(w.order), len(steps))]; {
	case !slices.Equal(w.order, want), end.Succeeded && len(w.order) != len(steps):
		return fmt.Sprintf("steps %v ran, want %v", w.order, steps)
	case !end.Succeeded && end.Reason == "":
		return "the job stopped without a reason"
	case last.Ended == "" || last.Variables["A"] == "x11":
		return "the state is " + string(w.saved)
	case !w.messages[len(w.messages)-1].ID.Final():
		return "the end was not reported"
	}
	return ""
}
