package sequence

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/version"
)

// Condition decides whether a group or a step is run: a group of conditions, or a question
// about one subject.
type Condition struct {
	All  []Condition `json:"all,omitempty"`
	Any  []Condition `json:"any,omitempty"`
	None []Condition `json:"none,omitempty"`

	// Variable is compared by exactly one of the comparisons. A variable that does not
	// exist fits only exists: false, notEquals and notLike.
	Variable string `json:"variable,omitempty"`
	// File and Folder ask whether it exists; compared, when it was changed last, as
	// 2026-01-31T12:00:00Z.
	File   string `json:"file,omitempty"`
	Folder string `json:"folder,omitempty"`
	// OperatingSystem is the ID of os-release(5), such as debian; compared, its VERSION_ID.
	OperatingSystem string `json:"operatingSystem,omitempty"`
	// Software is a package that is installed in the system; compared, its version.
	Software string `json:"software,omitempty"`
	// Query holds if it finds something on this machine: SELECT * FROM Win32_BaseBoard WHERE …
	Query string `json:"query,omitempty"`
	// Registry is a key or value of Windows' registry; Linux has none.
	Registry string `json:"registry,omitempty"`

	Comparison
}

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

// Facts answers what conditions ask of a machine, beside variables. Where there is no such thing,
// found is false; errors are for what could not be looked up.
type Facts interface {
	// Changed is when a file (or a folder) was changed last.
	Changed(path string, folder bool) (at time.Time, found bool, err error)
	// OperatingSystem is the system that runs or, in the boot image, was applied.
	OperatingSystem() (id, version string, found bool, err error)
	Software(name string) (version string, found bool, err error)
	// Query runs a hardware query. A warning says why the answer may be wrong, such as a
	// class that is not known.
	Query(text string) (found bool, warning string, err error)
}

// Judgement is what a condition comes to, and why.
type Judgement struct {
	Holds bool
	// Why is for people: `_SMSTSModel is "X1", not like "T*"`.
	Why      string
	Warnings []string
}

// Holds says whether the condition is true. A nil condition is; facts may be nil where only
// variables can be asked.
func (c *Condition) Holds(env *Environment, facts Facts) (bool, error) {
	j, err := c.Judge(env, facts)
	return j.Holds, err
}

// Judge says whether the condition is true, and why.
func (c *Condition) Judge(env *Environment, facts Facts) (Judgement, error) {
	switch {
	case c == nil:
		return Judgement{Holds: true, Why: "it has no condition"}, nil
	case c.All != nil:
		return judgeAll(c.All, env, facts)
	case c.Any != nil:
		return judgeAny(c.Any, env, facts)
	case c.None != nil:
		j, err := judgeAny(c.None, env, facts)
		j.Holds = !j.Holds
		return j, err
	case c.Query != "":
		return judgeQuery(c.Query, env, facts)
	}
	return c.compare(env, facts)
}

// judgeAll holds if all do; the first that does not is the reason.
func judgeAll(list []Condition, env *Environment, facts Facts) (Judgement, error) {
	out := Judgement{Holds: true}
	var why []string
	for i := range list {
		j, err := list[i].Judge(env, facts)
		out.Warnings = append(out.Warnings, j.Warnings...)
		if err != nil || !j.Holds {
			return Judgement{Why: j.Why, Warnings: out.Warnings}, err
		}
		why = append(why, j.Why)
	}
	out.Why = strings.Join(why, "; ")
	return out, nil
}

// judgeAny holds if one does; the first that does is the reason.
func judgeAny(list []Condition, env *Environment, facts Facts) (Judgement, error) {
	var out Judgement
	var why []string
	for i := range list {
		j, err := list[i].Judge(env, facts)
		out.Warnings = append(out.Warnings, j.Warnings...)
		if err != nil || j.Holds {
			return Judgement{Holds: j.Holds, Why: j.Why, Warnings: out.Warnings}, err
		}
		why = append(why, j.Why)
	}
	out.Why = strings.Join(why, "; ")
	return out, nil
}

var errNoFacts = errors.New("only variables can be asked here")

func judgeQuery(text string, env *Environment, facts Facts) (Judgement, error) {
	text, err := env.Expand(text)
	if err == nil && facts == nil {
		err = errNoFacts
	}
	if err != nil {
		return Judgement{}, fmt.Errorf("condition on a query: %w", err)
	}
	found, warning, err := facts.Query(text)
	if err != nil {
		return Judgement{}, fmt.Errorf("condition on query %q: %w", shorten(text), err)
	}
	j := Judgement{Holds: found, Why: map[bool]string{true: "found: ", false: "nothing found: "}[found] + text}
	if warning != "" {
		j.Warnings = []string{warning}
	}
	return j, nil
}

// subject is what a comparison is about.
type subject struct {
	kind, name string
	versions   bool // values are versions
}

func (c *Condition) subjects() []subject {
	all := []subject{{"variable", c.Variable, false}, {"file", c.File, false}, {"folder", c.Folder, false}, {"operatingSystem", c.OperatingSystem, true},
		{"software", c.Software, true}, {"query", c.Query, false}, {"registry", c.Registry, false}}
	return slices.DeleteFunc(all, func(s subject) bool { return s.name == "" })
}

func (c *Condition) compare(env *Environment, facts Facts) (Judgement, error) {
	subjects := c.subjects()
	if len(subjects) != 1 {
		return Judgement{}, errors.New("condition: it has no subject, or several")
	}
	s := subjects[0]
	fail := func(err error) (Judgement, error) {
		return Judgement{}, fmt.Errorf("condition on %s %s: %w", s.kind, s.name, err)
	}
	value, exists, warning, err := s.look(env, facts)
	if err != nil {
		return fail(err)
	}
	j, err := c.judge(s, value, exists, env)
	if err != nil {
		return fail(err)
	}
	if warning != "" {
		j.Warnings = []string{warning}
	}
	return j, nil
}

// look finds the value of a subject.
func (s subject) look(env *Environment, facts Facts) (value string, found bool, warning string, err error) {
	if s.kind == "variable" {
		value, found = env.Get(s.name)
		return value, found, "", nil
	}
	name, err := env.Expand(s.name)
	switch {
	case err != nil:
		return "", false, "", err
	case s.kind == "registry":
		return "", false, "a condition asks for " + name + ": this system has no registry", nil
	case facts == nil:
		return "", false, "", errNoFacts
	case s.kind == "operatingSystem":
		id, version, found, err := facts.OperatingSystem()
		return version, found && strings.EqualFold(id, name), "", err
	case s.kind == "software":
		value, found, err = facts.Software(name)
		return value, found, "", err
	}
	at, found, err := facts.Changed(name, s.kind == "folder")
	return at.UTC().Format(time.RFC3339), found, "", err
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

// label is how people call the subject.
func (s subject) label() string {
	if s.kind == "variable" {
		return s.name
	}
	return map[string]string{"file": "file ", "folder": "folder ", "operatingSystem": "operating system ", "software": "software ", "registry": "registry "}[s.kind] + s.name
}

func (s subject) existence(exists bool) string {
	return s.label() + map[bool]string{true: " exists", false: " does not exist"}[exists]
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
