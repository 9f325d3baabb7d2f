// Package simulate walks a task sequence against what is known of a machine, and says of each
// step whether it would run, and why. The engine is the real one; nothing is executed: commands
// are not run, disks are not touched. What only a machine can tell, such as what a command
// writes, is unknown, and a condition that hangs on it is warned of. Pure.
package simulate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// Does is what becomes of a node.
type Does string

// What can become of a node.
const (
	Enters Does = "group" // a group that is entered
	Runs   Does = "run"
	Skips  Does = "skip"
	Off    Does = "disabled"
	Fails  Does = "fail"
)

// Variable is a variable that a step would set.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Line is what becomes of one node.
type Line struct {
	Number   int        `json:"number"`
	Depth    int        `json:"depth"`
	Name     string     `json:"name"`
	Type     string     `json:"type"` // YAML key
	Stage    string     `json:"stage"`
	Does     Does       `json:"does"`
	Why      string     `json:"why,omitempty"`
	Detail   string     `json:"detail,omitempty"` // what it would do
	Erases   string     `json:"erases,omitempty"` // the disk that it would erase
	Sets     []Variable `json:"sets,omitempty"`
	Restart  string     `json:"restart,omitempty"` // into what, behind it
	Ignored  bool       `json:"ignored,omitempty"` // it fails, and the sequence goes on
	Warnings []string   `json:"warnings,omitempty"`
}

// Report is how the sequence would go.
type Report struct {
	Sequence  string   `json:"sequence"`
	Lines     []Line   `json:"lines"`
	Restarts  int      `json:"restarts"`
	Succeeded bool     `json:"succeeded"`
	Step      int      `json:"step,omitempty"` // that fails
	Reason    string   `json:"reason,omitempty"`
	Warnings  []string `json:"warnings,omitempty"` // of the whole
}

// Run is one simulated run.
type Run struct {
	Sequence *sequence.Sequence
	Machine  Machine
	// Variables are those of collections and the computer. Those of the engine may be among
	// them, to try what a machine would do that says something else.
	Variables map[string]string
	Stage     string // where it begins: status.StageBootImage or StageInstalledSystem
	// Fail are the steps that fail, by number or name.
	Fail []string
}

// maxRestarts ends a sequence that restarts for ever.
const maxRestarts = 100

// Simulate walks the sequence, which runs no other one: see sequence.Inline. An error is about what
// was asked, not about the machine.
func Simulate(ctx context.Context, r Run) (Report, error) {
	s, err := newSimulator(r)
	if err != nil {
		return Report{}, err
	}
	for {
		e := &engine.Engine{Sequence: r.Sequence, State: s.state, Executor: s, Journal: s, Reporter: s, Facts: s, Stage: s.stage,
			Now: func() time.Time { return time.Time{} }, Wait: func(context.Context, time.Duration) error { return nil }, Secrets: secrets}
		end, err := e.Run(ctx)
		if err != nil {
			return Report{}, fmt.Errorf("simulate task sequence %q: %w", r.Sequence.Name, err)
		}
		if end.Restart == nil {
			s.report.Succeeded, s.report.Step, s.report.Reason = end.Succeeded, end.Step, end.Reason
			return s.report, nil
		}
		if s.report.Restarts++; s.report.Restarts > maxRestarts {
			s.report.Reason = fmt.Sprintf("it restarts the machine more than %d times", maxRestarts)
			return s.report, nil
		}
		s.report.Lines[len(s.report.Lines)-1].Restart = end.Restart.To
		s.restart(end.Restart.To)
	}
}

// restart goes on in another stage.
func (s *simulator) restart(to string) {
	s.stage = map[string]string{sequence.ToBootImage: status.StageBootImage, sequence.ToInstalledOS: status.StageInstalledSystem}[to]
	for name := range s.state.Variables {
		if strings.EqualFold(name, inWinPE) {
			s.state.Variables[name] = fmt.Sprint(s.stage == status.StageBootImage)
		}
	}
}

// secrets are as unknown here as they are to whoever reads the sequence.
func secrets(_ context.Context, line sequence.Line) (map[string]string, error) {
	values := map[string]string{}
	for variable, name := range line.Node.Step.Common().Secrets {
		values[variable] = unknown("secret " + name)
	}
	return values, nil
}

// The value of what only the machine, the site or a person knows.
const (
	unknownBegin = "<unknown: "
	unknownEnd   = ">"
)

func unknown(what string) string { return unknownBegin + what + unknownEnd }

func isUnknown(value string) bool { return strings.Contains(value, unknownBegin) }

// fails says whether a step was told to fail.
func (s *simulator) fails(l sequence.Line) bool {
	return slices.ContainsFunc(s.run.Fail, func(f string) bool { return named(l, f) })
}

func named(l sequence.Line, name string) bool {
	return name == fmt.Sprint(l.Number) || strings.EqualFold(name, l.Name())
}

// checkFail refuses a step to fail that does not exist.
func (r Run) checkFail(lines []sequence.Line) error {
	for _, f := range r.Fail {
		if !slices.ContainsFunc(lines, func(l sequence.Line) bool { return l.Node.Step != nil && named(l, f) }) {
			return fmt.Errorf("the sequence has no step %q that could fail; give its number or its name", f)
		}
	}
	return nil
}

// environment makes the variables of a fresh run, as the agent does; those that only it and the
// box know are unknown.
func (r Run) environment() (*sequence.Environment, error) {
	env := sequence.NewEnvironment()
	name := unknown("name of the computer")
	values := map[string]string{inWinPE: fmt.Sprint(r.Stage == status.StageBootImage), "_SMSTSLaunchMode": "PXE", "_SMSTSMediaType": "PXE", "_SMSTSPackageName": r.Sequence.Name,
		"_SMSTSIPAddresses": strings.Join(r.Machine.IPAddresses, ","), "_SMSTSMachineName": name, "OSDComputerName": name, "_SMSTSTimezone": "UTC"}
	if r.Stage == status.StageInstalledSystem {
		values["_SMSTSLaunchMode"], values["_SMSTSMediaType"] = "SMS", ""
	}
	for _, n := range []string{"_SMSTSMP", "_SMSTSSiteCode", "_SMSTSAdvertID", "_SMSTSPackageID", "_SMSTSBootImageID", "_SMSTSLogPath", "_SMSTSDefaultGateways", "_SMSTSOrgName", "_TSSecureBoot"} {
		values[n] = unknown(n)
	}
	maps.Copy(values, r.Machine.Variables())
	for _, set := range []map[string]string{values, r.Sequence.Variables, r.Variables} {
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if err := env.SetReadOnly(name, set[name]); err != nil {
				return nil, err
			}
		}
	}
	for _, q := range r.Sequence.Questions {
		if err := answer(env, q); err != nil {
			return nil, err
		}
	}
	if zone, ok := env.Get("OSDTimeZone"); ok {
		return env, env.SetReadOnly("_SMSTSTimezone", zone)
	}
	return env, nil
}

// answer is what the agent takes where nobody is asked: a variable of the computer or a collection,
// or else the default. Where there is none only a person knows it.
func answer(env *sequence.Environment, q sequence.Question) error {
	if was, _ := env.Get(q.Variable); was != "" {
		return nil
	}
	value := q.Default
	if !q.Unattended() {
		value = unknown("answer to " + q.Variable)
	}
	if q.Secret {
		return env.SetSecret(q.Variable, value)
	}
	return env.Set(q.Variable, value)
}

const inWinPE = "_SMSTSInWinPE"
