package simulate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// Execute implements engine.Executor. It simulates: nothing is done.
func (s *simulator) Execute(_ context.Context, line sequence.Line, env *sequence.Environment) engine.Result {
	again := s.step != nil && s.step.Number == line.Number
	if !again {
		l := s.line(line.Number, Runs)
		s.step = &l
	}
	before := env.All()
	if s.fails(line) {
		return engine.Result{Err: errTold}
	}
	res := s.pretend(line.Node.Step, line.Number, env)
	s.step.Sets = changes(before, env)
	s.step.Detail = env.Redact(s.step.Detail)
	if !again {
		s.unset(env)
	}
	return res
}

var reference = regexp.MustCompile(`%([A-Za-z_][A-Za-z0-9_.-]{1,254})%`)

// unset warns of variables that stay as they are written.
func (s *simulator) unset(env *sequence.Environment) {
	text := s.step.Detail
	for _, v := range s.step.Sets {
		text += " " + v.Value
	}
	for _, m := range reference.FindAllStringSubmatch(text, -1) {
		if _, ok := env.Get(m[1]); !ok && len(strings.Trim(m[1], "-._")) > 1 { // date +%Y-%m-%d
			s.step.Warnings = append(s.step.Warnings, "nothing sets "+m[1]+" here: "+m[0]+" stays as it is written; --variable "+m[1]+"=…")
		}
	}
}

func failed(err error) engine.Result { return engine.Result{Err: err} }

// pretend does of a step what it means for the steps after it.
func (s *simulator) pretend(step sequence.Step, number int, env *sequence.Environment) engine.Result {
	if missing := step.Type().Missing(); missing != "" {
		return failed(fmt.Errorf("this version lacks %s", missing))
	}
	switch step := step.(type) {
	case *sequence.PartitionDisk:
		return s.partitionDisk(step, env)
	case *sequence.ApplyOperatingSystem:
		return s.applyOperatingSystem(step, env)
	case *sequence.ApplyDataImage:
		return s.image(step.Image, step.To, env)
	case *sequence.SetupOperatingSystem:
		return s.setupOperatingSystem()
	case *sequence.RestartComputer:
		return s.restartComputer(step, env)
	case *sequence.SetTaskSequenceVariable:
		return setVariable(step, env)
	case *sequence.SetDynamicVariables:
		return s.setDynamicVariables(step, env)
	case *sequence.RunCommandLine:
		return s.runCommandLine(step, number, env)
	case *sequence.CheckReadiness:
		return s.checkReadiness(step)
	case *sequence.DownloadPackageContent:
		return s.download(step, env)
	case *sequence.CaptureNetworkSettings, *sequence.CaptureWindowsSettings:
		return s.captured(step, env)
	case *sequence.ApplyNetworkSettings, *sequence.ApplyWindowsSettings:
		if !s.applied {
			return failed(errors.New("no operating system was applied in this job; put an applyOperatingSystem step before this one"))
		}
	}
	return s.others(step, env)
}

func setVariable(v *sequence.SetTaskSequenceVariable, env *sequence.Environment) engine.Result {
	value, err := env.Expand(v.Value)
	if err != nil {
		return failed(err)
	}
	return failed(keep(env, v.Variable, value, v.Secret))
}

// keep sets a variable; what holds a secret becomes one, as on the machine.
func keep(env *sequence.Environment, name, value string, secret bool) error {
	if secret || env.Holds(value) {
		return env.SetSecret(name, value)
	}
	return env.Set(name, value)
}

func (s *simulator) setDynamicVariables(d *sequence.SetDynamicVariables, env *sequence.Environment) engine.Result {
	for i, r := range d.Rules {
		s.doubts = nil
		j, err := r.Condition.Judge(env, s)
		if err != nil {
			return failed(fmt.Errorf("rule %d: %w", i+1, err))
		}
		s.step.Warnings = append(s.step.Warnings, slices.Concat(j.Warnings, s.doubts, doubtful(r.Condition, env))...)
		if !j.Holds {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(r.Variables)) {
			value, err := env.Expand(r.Variables[name])
			if err := errors.Join(err, keep(env, name, value, false)); err != nil {
				return failed(fmt.Errorf("rule %d: %w", i+1, err))
			}
		}
	}
	return engine.Result{}
}
