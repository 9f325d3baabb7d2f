package sequence

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/bootward/bootward/osd/version"
)

// Comparison compares what is known of a subject, without regard to case. Numbers are compared
// as numbers if both sides are numbers. The right side is expanded first.
type Comparison struct {
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

func (c *Comparison) judge(s subject, value string, exists bool, env *Environment) (Judgement, error) {
	if c.Exists != nil {
		return Judgement{Holds: exists == *c.Exists, Why: s.existence(exists)}, nil
	}
	for _, op := range c.operators(s.versions) {
		if op.want == nil {
			continue
		}
		if !exists {
			return Judgement{Holds: op.negative, Why: s.existence(false)}, nil
		}
		want, err := env.Expand(*op.want)
		if err != nil {
			return Judgement{}, err
		}
		holds := op.test(value, want)
		word := map[bool]string{true: op.word, false: "not " + op.word}[holds]
		return Judgement{Holds: holds, Why: env.Redact(fmt.Sprintf("%s is %q, %s %q", s.label(), value, word, want))}, nil
	}
	if s.kind == "variable" {
		return Judgement{}, errors.New("no comparison is given")
	}
	return Judgement{Holds: exists, Why: s.existence(exists)}, nil
}

type operator struct {
	name, word string
	want       *string
	negative   bool // what a missing subject gives
	test       func(value, want string) bool
}

func (c *Comparison) operators(versions bool) []operator {
	order := order
	if versions {
		order = version.Compare
	}
	return []operator{
		{"equals", "equal to", c.Equals, false, func(a, b string) bool { return order(a, b) == 0 }},
		{"notEquals", "different from", c.NotEquals, true, func(a, b string) bool { return order(a, b) != 0 }},
		{"greater", "greater than", c.Greater, false, func(a, b string) bool { return order(a, b) > 0 }},
		{"greaterOrEqual", "at least", c.GreaterOrEqual, false, func(a, b string) bool { return order(a, b) >= 0 }},
		{"less", "less than", c.Less, false, func(a, b string) bool { return order(a, b) < 0 }},
		{"lessOrEqual", "at most", c.LessOrEqual, false, func(a, b string) bool { return order(a, b) <= 0 }},
		{"like", "like", c.Like, false, like},
		{"notLike", "unlike", c.NotLike, true, func(a, b string) bool { return !like(a, b) }},
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
