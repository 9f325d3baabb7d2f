package engine

import (
	"fmt"
	"maps"
	"slices"

	"github.com/bootward/bootward/osd/sequence"
)

// Outcome is how a node ended.
type Outcome string

// The outcomes of nodes and sequences.
const (
	Completed Outcome = "completed"
	Failed    Outcome = "failed"
	Skipped   Outcome = "skipped"
	Disabled  Outcome = "disabled"
	Succeeded Outcome = "succeeded" // of the whole sequence
)

// State is everything that must survive a restart. It is JSON on disk.
type State struct {
	Format int `json:"format"` // 1
	// Next is the number of the next node; 0 before the start.
	Next int `json:"next"`
	// Running is the step that was started and has not ended, or 0.
	Running int `json:"running,omitempty"`
	// Open are the groups that are open, outermost first.
	Open []int `json:"open,omitempty"`
	// Restarting is the restart that is under way.
	Restarting *Restart        `json:"restarting,omitempty"`
	Nodes      map[int]Outcome `json:"nodes,omitempty"`
	Ended      Outcome         `json:"ended,omitempty"`
	// FailedAt is the node that ended a sequence which failed, or 0. Open are the groups around
	// it then: see Retry. It is saved before the end is reported, and Ended behind that.
	FailedAt int    `json:"failedAt,omitempty"`
	ExitCode int    `json:"exitCode,omitempty"`
	Reason   string `json:"reason,omitempty"`

	Variables map[string]string `json:"variables,omitempty"`
	Secrets   []string          `json:"secrets,omitempty"`
}

// New is the state of a sequence that has not begun, with its variables.
func New(env *sequence.Environment) State {
	s := State{Format: 1}
	s.keep(env)
	return s
}

// failing takes note of how the sequence fails.
func (s *State) failing(number, code int, reason string) {
	s.FailedAt, s.ExitCode, s.Reason, s.Running, s.Restarting = number, code, reason, 0, nil
}

func (s *State) note(number int, o Outcome) {
	s.Nodes = maps.Clone(s.Nodes)
	if s.Nodes == nil {
		s.Nodes = map[int]Outcome{}
	}
	s.Nodes[number] = o
}

func (s *State) forget(number int) {
	s.Nodes = maps.Clone(s.Nodes)
	delete(s.Nodes, number)
}

func (s *State) keep(env *sequence.Environment) {
	s.Variables, s.Secrets = env.All(), env.Secrets()
	s.Open = slices.Clone(s.Open)
}

// fits refuses a state of another sequence.
func (s *State) fits(lines []sequence.Line) error {
	if s.Next < 0 || s.Next > len(lines)+1 || s.Running < 0 || s.Running > len(lines) || s.FailedAt < 0 || s.FailedAt > len(lines) {
		return fmt.Errorf("state of the task sequence: it stands at node %d of %d; the sequence is another one", s.Next, len(lines))
	}
	if r := s.Restarting; r != nil && (r.Step < 0 || r.Step > len(lines) || len(lines) == 0) {
		return fmt.Errorf("state of the task sequence: node %d of %d asked for a restart; the sequence is another one", r.Step, len(lines))
	}
	for _, g := range s.Open {
		if g < 1 || g > len(lines) || lines[g-1].Node.Group == nil {
			return fmt.Errorf("state of the task sequence: node %d is no group; the sequence is another one", g)
		}
	}
	return nil
}

// Environment are the variables of the state.
func (s *State) Environment() (*sequence.Environment, error) {
	if s.Format != 1 {
		return nil, fmt.Errorf("state of the task sequence: format %d, this program reads format 1", s.Format)
	}
	env := sequence.NewEnvironment()
	for name, value := range s.Variables {
		set := env.SetReadOnly
		if slices.Contains(s.Secrets, name) {
			set = env.SetSecret
		}
		if err := set(name, value); err != nil {
			return nil, fmt.Errorf("state of the task sequence: %w", err)
		}
	}
	return env, nil
}
