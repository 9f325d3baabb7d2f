package simulate

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// simulator plays executor, journal, reporter and machine.
type simulator struct {
	run    Run
	lines  []sequence.Line
	depth  []int // of each line
	stage  string
	state  engine.State // as it was saved last
	report Report
	step   *Line    // the step that runs
	doubts []string // of the condition that is looked at

	partitioned, applied, setUp bool
	disks                       map[string]string // of the variables of volumes, in lower case
	named                       map[string]int    // of the disks that were erased: the number in the step that did
	systemDisk                  string            // that the operating system was applied to
}

func newSimulator(r Run) (*simulator, error) {
	r.Stage = cmp.Or(r.Stage, status.StageBootImage)
	s := &simulator{run: r, lines: r.Sequence.Flatten(), stage: r.Stage, report: Report{Sequence: r.Sequence.Name}, disks: map[string]string{}, named: map[string]int{}}
	if err := r.checkFail(s.lines); err != nil {
		return nil, err
	}
	for _, l := range s.lines {
		depth := 0
		if l.Parent > 0 {
			depth = s.depth[l.Parent-1] + 1
		}
		s.depth = append(s.depth, depth)
	}
	env, err := r.environment()
	if err != nil {
		return nil, err
	}
	s.state = engine.New(env)
	if r.Stage == status.StageBootImage && r.Sequence.BootImage == "" {
		s.report.Warnings = append(s.report.Warnings, "the sequence names no boot image: it is for running clients alone, and never begins in one")
	}
	return s, nil
}

// Save implements engine.Journal.
func (s *simulator) Save(state engine.State) error {
	s.state = state
	return nil
}

// env is the environment as it was saved last: that of conditions.
func (s *simulator) env() *sequence.Environment {
	env := sequence.NewEnvironment()
	for name, value := range s.state.Variables {
		set := env.SetReadOnly
		if slices.Contains(s.state.Secrets, name) {
			set = env.SetSecret
		}
		_ = set(name, value) // the engine took name and value before
	}
	return env
}

// Report implements engine.Reporter.
func (s *simulator) Report(m status.Message) error {
	switch m.ID {
	case status.GroupStarted:
		s.add(m.Step, Enters)
	case status.ActionSkipped:
		s.add(m.Step, Skips)
	case status.ActionDisabled:
		s.add(m.Step, Off)
	case status.ActionCompleted:
		s.close(m.Step, Runs)
	case status.ActionFailed:
		l := s.close(m.Step, Fails)
		l.Detail = strings.TrimSpace(m.Output)
	case status.FailureIgnored:
		s.ignored(m.Step)
	}
	return nil
}

// add notes what becomes of a node.
func (s *simulator) add(number int, does Does) *Line {
	s.report.Lines = append(s.report.Lines, s.line(number, does))
	return &s.report.Lines[len(s.report.Lines)-1]
}

// close ends the step that runs, or notes one that failed before it ran.
func (s *simulator) close(number int, does Does) *Line {
	if s.step == nil || s.step.Number != number {
		return s.add(number, does)
	}
	s.step.Does = does
	s.report.Lines = append(s.report.Lines, *s.step)
	s.step = nil
	return &s.report.Lines[len(s.report.Lines)-1]
}

// ignored says of the failure that was told last that the sequence goes on.
func (s *simulator) ignored(number int) {
	l := &s.report.Lines[len(s.report.Lines)-1]
	l.Ignored = true
	if number != l.Number {
		l.Detail += fmt.Sprintf("; group %q goes on behind itself", s.lines[number-1].Name())
	}
}

// line begins what is told of a node: why it is run or skipped.
func (s *simulator) line(number int, does Does) Line {
	of := s.lines[number-1]
	l := Line{Number: number, Depth: s.depth[number-1], Name: of.Name(), Type: "group", Stage: s.stage, Does: does}
	var condition *sequence.Condition
	if of.Node.Group != nil {
		condition = of.Node.Group.Condition
	} else {
		l.Type, condition = string(of.Node.Step.Type()), of.Node.Step.Common().Condition
	}
	if does == Off || condition == nil {
		return l
	}
	s.doubts = nil
	j, err := condition.Judge(s.env(), s)
	if err != nil {
		l.Why = err.Error()
		return l
	}
	l.Why = j.Why
	l.Warnings = slices.Compact(slices.Concat(j.Warnings, s.doubts, doubtful(condition, s.env())))
	return l
}

// doubtful warns of the variables of a condition that are not known here.
func doubtful(c *sequence.Condition, env *sequence.Environment) []string {
	if c == nil {
		return nil
	}
	var all []string
	for _, list := range [][]sequence.Condition{c.All, c.Any, c.None} {
		for i := range list {
			all = append(all, doubtful(&list[i], env)...)
		}
	}
	value, known := env.Get(c.Variable)
	expanded, err := env.Expand(value)
	switch {
	case c.Variable == "":
	case known && err == nil && isUnknown(expanded):
		all = append(all, c.Variable+" is known on the machine alone: the condition may come out otherwise; try values by --variable "+c.Variable+"=…")
	case !known && !strings.HasPrefix(c.Variable, "_"):
		all = append(all, "nothing sets "+c.Variable+" here; a collection or the computer may: --variable "+c.Variable+"=…")
	}
	return all
}

// changes are the variables that differ, those of the engine apart; secrets are not shown.
func changes(before map[string]string, env *sequence.Environment) []Variable {
	var all []Variable
	after := env.All()
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if was, ok := before[name]; (!ok || was != after[name]) && !strings.HasPrefix(name, "_") {
			all = append(all, Variable{name, env.Redact(after[name])})
		}
	}
	return all
}

var errTold = errors.New("told to fail")
