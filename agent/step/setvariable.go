package step

import (
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// setVariable sets a variable to the expanded value.
func setVariable(s *sequence.SetTaskSequenceVariable, env *sequence.Environment) engine.Result {
	value, err := env.Expand(s.Value)
	if err != nil {
		return failed(err)
	}
	set := env.Set
	if s.Secret {
		set = env.SetSecret
	}
	if err := set(s.Variable, value); err != nil {
		return failed(err)
	}
	if s.Secret {
		value = "********"
	}
	return engine.Result{Output: s.Variable + " = " + value}
}
