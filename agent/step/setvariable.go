package step

import (
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// setVariable sets a variable to the expanded value.
func setVariable(s *sequence.SetTaskSequenceVariable, env *sequence.Environment) engine.Result {
	shown, err := assign(env, s.Variable, s.Value, s.Secret)
	if err != nil {
		return failed(err)
	}
	return engine.Result{Output: shown}
}
