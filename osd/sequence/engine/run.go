package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

// run is one run of an Engine.
type run struct {
	*Engine
	lines  []sequence.Line
	env    *sequence.Environment
	warned map[string]bool // warnings that were told
}

// Run goes on from the state until the sequence ends or a restart is due. An
// error means that state or messages could not be kept, or that ctx ended: the
// sequence has not ended then.
func (e *Engine) Run(ctx context.Context) (Ending, error) {
	r := &run{Engine: e, lines: e.Sequence.Flatten(), warned: map[string]bool{}}
	env, err := e.State.Environment()
	if err != nil {
		return Ending{}, err
	}
	if err := e.State.fits(r.lines); err != nil {
		return Ending{}, err
	}
	r.env = env
	if end, err := r.begin(); end != nil || err != nil {
		return r.end(ctx, end, err)
	}
	return r.goOn(ctx)
}

// goOn does node after node.
func (r *run) goOn(ctx context.Context) (Ending, error) {
	for r.State.Next <= len(r.lines) {
		if err := ctx.Err(); err != nil {
			return Ending{}, err
		}
		end, err := r.node(ctx, r.lines[r.State.Next-1])
		if end != nil || err != nil {
			return r.end(ctx, end, err)
		}
	}
	if err := r.closeGroups(len(r.lines) + 1); err != nil {
		return Ending{}, err
	}
	end := Ending{Succeeded: true}
	if err := r.close(ctx, &end); err != nil {
		return Ending{}, err
	}
	return r.over(end)
}

// close does what is to be done when the sequence is over, however it ended.
func (r *run) close(ctx context.Context, end *Ending) error {
	if r.Close == nil {
		return nil
	}
	note, err := r.Close(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		note = err.Error()
		if end.Succeeded {
			*end = Ending{ExitCode: Failure, Reason: note}
			r.State.failing(0, Failure, note) // no step failed; saved with the end
		}
	}
	end.Output = strings.TrimSpace(end.Output + "\n" + note)
	return nil
}

// over puts the end on record.
func (r *run) over(end Ending) (Ending, error) {
	m := status.Message{ID: status.SequenceFailed, ExitCode: end.ExitCode, Output: end.Output}
	ended := Failed
	if end.Succeeded {
		m, ended = status.Message{ID: status.SequenceCompleted, Output: end.Output}, Succeeded
	}
	if err := r.report(m); err != nil {
		return Ending{}, err
	}
	r.State.Ended = ended
	return end, r.save()
}

// end ends the run by a restart or a failure.
func (r *run) end(ctx context.Context, end *Ending, err error) (Ending, error) {
	switch {
	case err != nil:
		return Ending{}, err
	case end.Restart != nil:
		return *end, nil
	case ctx.Err() != nil: // the state says how it failed
		return Ending{}, ctx.Err()
	}
	if err := r.close(ctx, end); err != nil {
		return Ending{}, err
	}
	return r.over(*end)
}

// node does one entry of the instruction table and moves on.
func (r *run) node(ctx context.Context, line sequence.Line) (*Ending, error) {
	if err := r.closeGroups(line.Number); err != nil {
		return nil, err
	}
	disabled, condition := options(line.Node)
	if disabled {
		return nil, r.skip(line, status.ActionDisabled, Disabled, "")
	}
	judgement, err := condition.Judge(r.env, r.Facts)
	r.warn(line, judgement.Warnings)
	switch {
	case err != nil:
		return r.fail(line, Result{ExitCode: Failure, Err: err})
	case !judgement.Holds:
		why := r.env.Redact(judgement.Why)
		if r.Skipped != nil {
			r.Skipped(line, why)
		}
		return nil, r.skip(line, status.ActionSkipped, Skipped, why)
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

// warn tells each warning of conditions once.
func (r *run) warn(line sequence.Line, warnings []string) {
	for _, w := range warnings {
		if w = r.env.Redact(w); r.Warned != nil && !r.warned[w] {
			r.warned[w] = true
			r.Warned(line, w)
		}
	}
}

func (r *run) skip(line sequence.Line, id status.MessageID, outcome Outcome, why string) error {
	r.State.note(line.Number, outcome)
	r.State.Next = line.End
	m := r.about(line, id)
	m.Output = why
	if err := r.report(m); err != nil {
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

func succeeded(codes []int, code int) bool {
	if len(codes) == 0 {
		return code == 0
	}
	return slices.Contains(codes, code)
}
