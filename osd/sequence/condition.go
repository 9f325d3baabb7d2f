package sequence

import (
	"cmp"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Condition decides whether a group or a step is run: either a group of
// conditions, or a comparison of one variable.
type Condition struct {
	All  []Condition `json:"all,omitempty"`
	Any  []Condition `json:"any,omitempty"`
	None []Condition `json:"none,omitempty"`

	// Variable is compared, without regard to case, by exactly one of the
	// following. Numbers are compared as numbers if both sides are numbers.
	// A variable that does not exist fits only exists: false, notEquals and
	// notLike.
	Variable       string  `json:"variable,omitempty"`
	Exists         *bool   `json:"exists,omitempty"`
	Equals         *string `json:"equals,omitempty"`
	NotEquals      *string `json:"notEquals,omitempty"`
	Greater        *string `json:"greater,omitempty"`
	GreaterOrEqual *string `json:"greaterOrEqual,omitempty"`
	Less           *string `json:"less,omitempty"`
	LessOrEqual    *string `json:"lessOrEqual,omitempty"`
	Like           *string `json:"like,omitempty"`    // * and ? as in file names
	NotLike        *string `json:"notLike,omitempty"` // the contrary
}

// Holds says whether the condition is true of the variables. Values on the
// right are expanded first. A nil condition holds.
func (c *Condition) Holds(env *Environment) (bool, error) {
	switch {
	case c == nil:
		return true, nil
	case c.All != nil:
		n, err := count(c.All, env)
		return n == len(c.All), err
	case c.Any != nil:
		n, err := count(c.Any, env)
		return n > 0, err
	case c.None != nil:
		n, err := count(c.None, env)
		return n == 0, err
	}
	return c.compare(env)
}

func count(list []Condition, env *Environment) (int, error) {
	n := 0
	for i := range list {
		ok, err := list[i].Holds(env)
		if err != nil {
			return 0, err
		}
		if ok {
			n++
		}
	}
	return n, nil
}

func (c *Condition) compare(env *Environment) (bool, error) {
	value, exists := env.Get(c.Variable)
	if c.Exists != nil {
		return exists == *c.Exists, nil
	}
	for _, op := range c.operators() {
		if op.want == nil {
			continue
		}
		if !exists {
			return op.negative, nil
		}
		want, err := env.Expand(*op.want)
		if err != nil {
			return false, fmt.Errorf("condition on %s: %w", c.Variable, err)
		}
		return op.test(value, want), nil
	}
	return false, fmt.Errorf("condition on %s: no comparison is given", c.Variable)
}

type operator struct {
	name     string
	want     *string
	negative bool // what a missing variable gives
	test     func(value, want string) bool
}

func (c *Condition) operators() []operator {
	return []operator{
		{"equals", c.Equals, false, func(a, b string) bool { return order(a, b) == 0 }},
		{"notEquals", c.NotEquals, true, func(a, b string) bool { return order(a, b) != 0 }},
		{"greater", c.Greater, false, func(a, b string) bool { return order(a, b) > 0 }},
		{"greaterOrEqual", c.GreaterOrEqual, false, func(a, b string) bool { return order(a, b) >= 0 }},
		{"less", c.Less, false, func(a, b string) bool { return order(a, b) < 0 }},
		{"lessOrEqual", c.LessOrEqual, false, func(a, b string) bool { return order(a, b) <= 0 }},
		{"like", c.Like, false, like},
		{"notLike", c.NotLike, true, func(a, b string) bool { return !like(a, b) }},
	}
}

func order(a, b string) int {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	return strings.Compare(strings.ToLower(a), strings.ToLower(b))
}

// like matches * and ?; nothing else is special. Slashes are put aside, since
// path.Match stops at them.
func like(value, pattern string) bool {
	clean := strings.NewReplacer("/", "\x00", "[", `\[`, "]", `\]`, `\`, `\\`)
	ok, err := path.Match(clean.Replace(strings.ToLower(pattern)), strings.ReplaceAll(strings.ToLower(value), "/", "\x00"))
	return ok && err == nil
}
