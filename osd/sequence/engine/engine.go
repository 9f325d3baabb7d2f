// Package engine runs a task sequence: node after node, groups, conditions,
// failures, retries and restarts, with the status messages of the guide
// (figure 10).
//
// It does no I/O. An Executor makes steps real, a Journal keeps the state, a
// Reporter takes the messages. The state is saved before and after each step,
// so that the sequence goes on behind a planned restart; a step that a power
// cut ended in the middle fails the sequence, unless it is marked rerunnable or
// of a type that leaves nothing half done. A message may be repeated behind a
// power cut, and none is lost.
package engine

import (
	"context"
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
	// Step is the number of the step that asked; the engine fills it in.
	Step int `json:"step,omitempty"`
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

// Engine runs one sequence. The fields up to Now are needed.
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
	// Facts is the machine that conditions ask; nil: variables alone.
	Facts sequence.Facts
	// Wait waits for the delay between tries; a timer when nil.
	Wait func(ctx context.Context, d time.Duration) error
	// Started, if given, is told each step before it runs: for the screen.
	Started func(sequence.Line)
	// Skipped, if given, is told why a condition does not hold; Warned each warning of conditions,
	// once. Both texts hold no secrets.
	Skipped func(line sequence.Line, why string)
	Warned  func(line sequence.Line, warning string)
	// Close, if given, is called when the sequence is over, before that is reported. note goes with
	// the report; an error makes a sequence fail that succeeded. Behind a power cut it is called again,
	// and so it is at the end of each run that goes on behind a failure (State.Retry).
	Close func(ctx context.Context) (note string, err error)
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
