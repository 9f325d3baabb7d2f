package engine

import (
	"fmt"
	"strconv"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

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
	case s.FailedAt > 0: // the power was cut before the end was on record
		return r.give(r.lines[s.FailedAt-1], s.ExitCode, s.Reason)
	case s.Restarting != nil:
		return r.restarted()
	case s.Running > 0:
		return r.interrupted(r.lines[s.Running-1])
	}
	return nil, nil
}

// restarted goes on behind a restart that a step asked for.
func (r *run) restarted() (*Ending, error) {
	want := map[string]string{sequence.ToBootImage: status.StageBootImage, sequence.ToInstalledOS: status.StageInstalledSystem}[r.State.Restarting.To]
	if want == r.Stage {
		r.State.Restarting = nil
		return nil, r.save()
	}
	at := r.State.Restarting.Step
	if at == 0 { // a state of an older release
		at = min(max(r.State.Next-1, 1), len(r.lines))
	}
	return r.give(r.lines[at-1], Failure, fmt.Sprintf("the machine was to restart into %s and came up in %s", want, r.Stage))
}

// interrupted goes on behind a power cut in the middle of a step, or gives up: nobody knows what
// the step has done.
func (r *run) interrupted(line sequence.Line) (*Ending, error) {
	r.State.Running = 0
	if line.Node.Step != nil && rerunnable(line.Node.Step) {
		r.State.Next = line.Number
		return nil, r.save()
	}
	reason := "the machine stopped while this step was running, and the step is not marked rerunnable: see what it has done, and let it run again (`bootward computer retry`), or deploy the machine again"
	if err := r.failed(line, Failure, reason); err != nil {
		return nil, err
	}
	return r.give(line, Failure, reason)
}

// rerunnable says whether a step may run again that a power cut ended in the middle: it says so,
// or all that it does is in the state, which was saved before it or behind it.
func rerunnable(s sequence.Step) bool {
	switch s.(type) {
	case *sequence.SetTaskSequenceVariable, *sequence.SetDynamicVariables, *sequence.RestartComputer, *sequence.CheckReadiness:
		return true
	}
	return s.Common().Rerunnable
}
