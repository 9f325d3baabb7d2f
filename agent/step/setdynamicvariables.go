package step

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// setDynamicVariables applies each rule whose condition holds, in order: a later rule sees what an earlier one set.
func (x *Executor) setDynamicVariables(s *sequence.SetDynamicVariables, env *sequence.Environment) engine.Result {
	var said []string
	fail := func(i int, err error) engine.Result {
		return engine.Result{Output: strings.Join(said, "\n"), Err: fmt.Errorf("rule %d: %w", i+1, err)}
	}
	for i, rule := range s.Rules {
		j, err := rule.Condition.Judge(env, x.Facts)
		said = append(said, j.Warnings...)
		if err != nil {
			return fail(i, err)
		}
		said = append(said, fmt.Sprintf("rule %d %s: %s", i+1, map[bool]string{true: "holds", false: "does not hold"}[j.Holds], j.Why))
		if !j.Holds {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(rule.Variables)) {
			shown, err := assign(env, name, rule.Variables[name], false)
			if err != nil {
				return fail(i, err)
			}
			said = append(said, shown)
		}
	}
	return engine.Result{Output: strings.Join(said, "\n")}
}

// assign sets a variable to the expanded value: see keep.
func assign(env *sequence.Environment, name, text string, secret bool) (shown string, err error) {
	value, err := env.Expand(text)
	if err != nil {
		return "", err
	}
	return keep(env, name, value, secret || env.Redact(value) != value)
}

// keep sets a variable, and says so. What holds a secret becomes one, and is not shown.
func keep(env *sequence.Environment, name, value string, secret bool) (shown string, err error) {
	if !secret && !env.Holds(value) {
		return name + " = " + value, env.Set(name, value)
	}
	return name + " = ********", env.SetSecret(name, value)
}
