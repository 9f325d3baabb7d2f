package sequence

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
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
	versions   bool   // values are versions
	instead    string // what there is in its place, for people
}

func (c *Condition) subjects() []subject {
	all := []subject{{kind: "variable", name: c.Variable}, {kind: "file", name: c.File}, {kind: "folder", name: c.Folder}, {kind: "operatingSystem", name: c.OperatingSystem, versions: true},
		{kind: "software", name: c.Software, versions: true}, {kind: "query", name: c.Query}, {kind: "registry", name: c.Registry}}
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

// look finds the value of a subject, and what there is in its place.
func (s *subject) look(env *Environment, facts Facts) (value string, found bool, warning string, err error) {
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
		if found {
			s.instead = strings.TrimSpace(id + " " + version)
		}
		return version, found && strings.EqualFold(id, name), "", err
	case s.kind == "software":
		value, found, err = facts.Software(name)
		return value, found, "", err
	}
	at, found, err := facts.Changed(name, s.kind == "folder")
	return at.UTC().Format(time.RFC3339), found, "", err
}

// label is how people call the subject.
func (s subject) label() string {
	if s.kind == "variable" {
		return s.name
	}
	return map[string]string{"file": "file ", "folder": "folder ", "operatingSystem": "operating system ", "software": "software ", "registry": "registry "}[s.kind] + s.name
}

// existence says whether there is such a thing. Each machine has a system, and software is not lost:
// these are others, or not installed.
func (s subject) existence(exists bool) string {
	switch {
	case s.kind == "operatingSystem" && !exists && s.instead != "":
		return "this is " + s.instead + ", not " + s.name
	case s.kind == "operatingSystem":
		return "the operating system" + map[bool]string{true: " is ", false: " is not "}[exists] + s.name
	case s.kind == "software":
		return s.label() + map[bool]string{true: " is installed", false: " is not installed"}[exists]
	}
	return s.label() + map[bool]string{true: " exists", false: " does not exist"}[exists]
}
