package sequence

import (
	"fmt"
	"maps"
	"slices"
)

// SetTaskSequenceVariable sets a variable.
type SetTaskSequenceVariable struct {
	Options
	Variable string `json:"variable"`
	Value    string `json:"value"`
	// Secret keeps the value out of logs and status messages.
	Secret bool `json:"secret,omitempty"`
}

// SetDynamicVariables sets variables by rules (Set Dynamic Variables). All rules that hold are
// applied, in order.
type SetDynamicVariables struct {
	Options
	Rules []Rule `json:"rules"`
}

// Rule sets variables where its condition holds.
type Rule struct {
	Condition *Condition        `json:"condition,omitempty"` // holds when left out
	Variables map[string]string `json:"variables"`           // expanded, in the order of their names
}

// Type implements Step.
func (*SetTaskSequenceVariable) Type() Type { return TypeSetTaskSequenceVariable }
func (*SetDynamicVariables) Type() Type     { return TypeSetDynamicVariables }

func (s *SetTaskSequenceVariable) check(c *checker) {
	c.name("variable", s.Variable)
	if len(s.Value) > maxValue {
		c.fail("value", shorten(s.Value), "give at most %d bytes", maxValue)
	}
	c.lasting(&s.Options)
}

// lasting refuses secrets at a step that sets variables for the steps after it.
func (c *checker) lasting(o *Options) {
	if len(o.Secrets) > 0 {
		c.fail("secrets", "", "the variable would outlive the step: name the secret at the step that uses it")
	}
}

func (s *SetDynamicVariables) check(c *checker) {
	if len(s.Rules) == 0 || len(s.Rules) > 100 {
		c.fail("rules", fmt.Sprint(len(s.Rules)), "give 1 to 100 rules")
	}
	for i, r := range s.Rules {
		field := fmt.Sprintf("rules[%d]", i)
		c.condition(field+".condition", r.Condition, 0)
		if len(r.Variables) == 0 {
			c.fail(field+".variables", "", "give at least one variable")
		}
		for _, name := range slices.Sorted(maps.Keys(r.Variables)) {
			c.name(field+".variables."+name, name)
		}
	}
	c.lasting(&s.Options)
}
