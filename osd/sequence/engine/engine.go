// Package engine runs a task sequence: node after node, groups, conditions,
// failures, retries and restarts, with the status messages of the guide
// (figure 10).
//
// It does no I/O. An Executor makes steps real, a Journal keeps the state, a
// Reporter takes the messages. The state is saved before and after each step,
// so that the sequence goes on behind a planned restart; a step that a power
// cut ended in the middle fails the sequence, unless it is marked rerunnable.
package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

// Failure is the exit code of a step that failed without one of its own:
// 0x4005, as in figure 10 of the guide.
const Failure = 16389

// Executor makes steps real.
type Executor interface {
	// Execute runs one step to its end. It may set variables. It is not
	// called twice at a time.
	Execute(ctx context.Context, line sequence.Line, env *sequence.Environment) Result
}

// Result is how a step ended.
type Result struct {
	ExitCode int
	// Output is for people; the end of it is reported.
	Output string
	// Err says why the step failed; a step with an error has failed whatever
	// its exit code.
	Err error
	// Restart asks for a restart of the machine behind a step that succeeded.
	Restart *Restart
}

// Restart is a restart that a step asked for.
type Restart struct {
	To      string        `json:"to"` // sequence.ToBootImage or ToInstalledOS
	Message string        `json:"message,omitempty"`
	Delay   time.Duration `json:"delay,omitempty"`
}

// Journal keeps the state.
type Journal interface {
	// Save returns when the state is on stable storage.
	Save(State) error
}

// Reporter takes status messages.
type Reporter interface {
	// Report returns when the message will not be lost any more. It gives the
	// message its number and job.
	Report(status.Message) error
}

// Engine runs one sequence. All fields but Wait and Started are needed.
type Engine struct {
	Sequence *sequence.Sequence
	// State is where to begin: New for a fresh run, or what was saved.
	State    State
	Executor Executor
	Journal  Journal
	Reporter Reporter
	// Stage is where the program runs now, status.StageBootImage or
	// status.StageInstalledSystem.
	Stage string
	// Now is the time for messages.
	Now func() time.Time
	// Wait waits for the delay between tries; a timer when nil.
	Wait func(ctx context.Context, d time.Duration) error
	// Started, if given, is told each step before it runs: for the screen.
	Started func(sequence.Line)
	// Secrets gives the values of the secrets of a step, by variable. It is asked
	// once for a step that names any, before its first try. May be nil: such a
	// step then fails.
	Secrets func(ctx context.Context, line sequence.Line) (map[string]string, error)
}

// Ending is how a run of the engine ended: by success, failure or restart.
type Ending struct {
	Succeeded bool
	Restart   *Restart
	// Step, Action, ExitCode, Output and Reason are those of the failure.
	Step     int
	Action   string
	ExitCode int
	Output   string
	Reason   string
}

// run is one run of an Engine.
type run struct {
	*Engine
	lines []sequence.Line
	env   *sequence.Environment
}

// Run goes on from the state until the sequence ends or a restart is due. An
// error means that state or messages could not be kept, or that ctx ended: the
// sequence has not ended then.
func (e *Engine) Run(ctx context.Context) (Ending, error) {
	r := &run{Engine: e, lines: e.Sequence.Flatten()}
	env, err := e.State.environment()
	if err != nil {
		return Ending{}, err
	}
	if err := e.State.fits(r.lines); err != nil {
		return Ending{}, err
	}
	r.env = env
	if end, err := r.begin(); end != nil || err != nil {
		return deref(end), err
	}
	for r.State.Next <= len(r.lines) {
		if err := ctx.Err(); err != nil {
			return Ending{}, err
		}
		end, err := r.node(ctx, r.lines[r.State.Next-1])
		if end != nil || err != nil {
			return deref(end), err
		}
	}
	if err := r.closeGroups(len(r.lines) + 1); err != nil {
		return Ending{}, err
	}
	r.State.Ended = Succeeded
	if err := r.report(status.Message{ID: status.SequenceCompleted}); err != nil {
		return Ending{}, err
	}
	return Ending{Succeeded: true}, r.save()
}

// begin reports the start, or decides how to go on behind an interruption.
func (r *run) begin() (*Ending, error) {
	s := &r.State
	switch {
	case s.Ended != "":
		return nil, fmt.Errorf("task sequence: it has ended before: %s", s.Ended)
	case s.Next == 0:
		s.Next = 1
		r.setReadOnly("_SMSTSInstructionTableSize", strconv.Itoa(len(r.lines)))
		if err := r.report(status.Message{ID: status.SequenceStarted}); err != nil {
			return nil, err
		}
		return nil, r.save()
	case s.Restarting != nil:
		want := map[string]string{sequence.ToBootImage: status.StageBootImage, sequence.ToInstalledOS: status.StageInstalledSystem}[s.Restarting.To]
		if want != r.Stage {
			return r.give(r.lines[max(s.Next-2, 0)], Failure, fmt.Sprintf("the machine was to restart into %s and came up in %s", want, r.Stage))
		}
		s.Restarting = nil
		return nil, r.save()
	case s.Running > 0 && s.Running <= len(r.lines):
		line := r.lines[s.Running-1]
		s.Running = 0
		if line.Node.Step != nil && line.Node.Step.Common().Rerunnable {
			s.Next = line.Number
			return nil, r.save()
		}
		reason := "the machine stopped while this step was running, and the step is not marked rerunnable; deploy the machine again"
		if err := r.failed(line, Failure, reason); err != nil {
			return nil, err
		}
		return r.give(line, Failure, reason)
	}
	return nil, nil
}

// node does one entry of the instruction table and moves on.
func (r *run) node(ctx context.Context, line sequence.Line) (*Ending, error) {
	if err := r.closeGroups(line.Number); err != nil {
		return nil, err
	}
	disabled, condition := options(line.Node)
	if disabled {
		return nil, r.skip(line, status.ActionDisabled, Disabled)
	}
	holds, err := condition.Holds(r.env)
	switch {
	case err != nil:
		return r.fail(line, Result{ExitCode: Failure, Err: err})
	case !holds:
		return nil, r.skip(line, status.ActionSkipped, Skipped)
	case line.Node.Group != nil:
		r.State.Open = append(r.State.Open, line.Number)
		r.State.Next = line.Number + 1
		if err := r.report(status.Message{ID: status.GroupStarted, Step: line.Number, Group: line.Name()}); err != nil {
			return nil, err
		}
		return nil, r.save()
	}
	return r.step(ctx, line)
}

func options(n sequence.Node) (bool, *sequence.Condition) {
	if n.Group != nil {
		return n.Group.Disabled, n.Group.Condition
	}
	return n.Step.Common().Disabled, n.Step.Common().Condition
}

func (r *run) skip(line sequence.Line, id status.MessageID, outcome Outcome) error {
	r.State.note(line.Number, outcome)
	r.State.Next = line.End
	if err := r.report(r.about(line, id)); err != nil {
		return err
	}
	return r.save()
}

// closeGroups ends the groups that do not hold the node of a number.
func (r *run) closeGroups(number int) error {
	for len(r.State.Open) > 0 {
		g := r.lines[r.State.Open[len(r.State.Open)-1]-1]
		if number < g.End {
			return nil
		}
		r.State.Open = r.State.Open[:len(r.State.Open)-1]
		r.State.note(g.Number, Completed)
		if err := r.report(status.Message{ID: status.GroupCompleted, Step: g.Number, Group: g.Name()}); err != nil {
			return err
		}
	}
	return nil
}

// about makes a message about a node.
func (r *run) about(line sequence.Line, id status.MessageID) status.Message {
	m := status.Message{ID: id, Step: line.Number}
	if line.Node.Group != nil {
		m.Group = line.Name()
		return m
	}
	m.Action = line.Name()
	if line.Parent > 0 {
		m.Group = r.lines[line.Parent-1].Name()
	}
	return m
}

func (r *run) report(m status.Message) error {
	m.Time, m.Stage = r.Now(), r.Stage
	m.Output = status.Tail(r.env.Redact(m.Output), status.MaxOutput)
	if err := r.Reporter.Report(m); err != nil {
		return fmt.Errorf("report status message %d: %w", m.ID, err)
	}
	return nil
}

func (r *run) save() error {
	r.State.keep(r.env)
	if err := r.Journal.Save(r.State); err != nil {
		return fmt.Errorf("save the state of the task sequence: %w", err)
	}
	return nil
}

// setReadOnly sets a variable of the engine; the names are right and the
// values short.
func (r *run) setReadOnly(name, value string) {
	_ = r.env.SetReadOnly(name, value)
}

func deref(e *Ending) Ending {
	if e == nil {
		return Ending{}
	}
	return *e
}

func succeeded(codes []int, code int) bool {
	if len(codes) == 0 {
		return code == 0
	}
	return slices.Contains(codes, code)
}
