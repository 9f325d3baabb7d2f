package sequence

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Limits of expansion.
const (
	maxDepth = 16       // values within values
	maxValue = 64 << 10 // bytes of a value
	maxWork  = 4 << 20  // bytes looked at in one expansion
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,254}$`)

// CheckName says whether a name can be that of a variable that a sequence
// sets. Names that begin with an underscore are read-only.
func CheckName(name string) error {
	switch {
	case !variableName.MatchString(name):
		return fmt.Errorf("variable %q: a name begins with a letter and holds letters, digits, '_', '-' and '.'", name)
	case strings.HasPrefix(name, "_"):
		return fmt.Errorf("variable %q: names that begin with an underscore are read-only", name)
	}
	return nil
}

// Environment holds the variables of a running sequence. Names are compared
// without regard to case. It is not safe for concurrent use.
type Environment struct {
	values map[string]variable // by lower-case name
	lent   map[string]string   // secrets of the step that runs: see Lend
	hidden map[string]bool     // secret variables that Public left out, by lower-case name
}

type variable struct {
	name, value string
	secret      bool
}

// NewEnvironment makes an empty Environment.
func NewEnvironment() *Environment { return &Environment{values: map[string]variable{}} }

// Clone is a copy that can be changed by itself, without what is lent.
func (e *Environment) Clone() *Environment {
	return &Environment{values: maps.Clone(e.values), hidden: e.hidden}
}

// Get is the value of a variable, not expanded.
func (e *Environment) Get(name string) (string, bool) {
	v, ok := e.values[strings.ToLower(name)]
	return v.value, ok
}

// Set sets a variable for a step; read-only names are refused.
func (e *Environment) Set(name, value string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	return e.set(name, value, false)
}

// SetSecret sets a variable whose value is shown nowhere.
func (e *Environment) SetSecret(name, value string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	return e.set(name, value, true)
}

// SetReadOnly sets a variable of the engine, whose name begins with an
// underscore.
func (e *Environment) SetReadOnly(name, value string) error { return e.set(name, value, false) }

func (e *Environment) set(name, value string, secret bool) error {
	if !variableName.MatchString(name) {
		return fmt.Errorf("variable %q: the name is wrong", name)
	}
	if len(value) > maxValue {
		return fmt.Errorf("variable %s: %d bytes, at most %d are kept", name, len(value), maxValue)
	}
	secret = secret || e.values[strings.ToLower(name)].secret
	e.values[strings.ToLower(name)] = variable{name, value, secret}
	return nil
}

// Delete removes a variable.
func (e *Environment) Delete(name string) { delete(e.values, strings.ToLower(name)) }

// All returns every variable by its name as it was set last.
func (e *Environment) All() map[string]string {
	out := map[string]string{}
	for _, v := range e.values {
		out[v.name] = v.value
	}
	return out
}

// Secrets lists the names of the secret variables, sorted.
func (e *Environment) Secrets() []string {
	var out []string
	for _, v := range e.values {
		if v.secret {
			out = append(out, v.name)
		}
	}
	slices.Sort(out)
	return out
}

// Redact replaces the values of secret variables in a text by stars.
func (e *Environment) Redact(text string) string {
	secrets := slices.Collect(maps.Values(e.lent))
	for _, v := range e.values {
		if v.secret {
			secrets = append(secrets, v.value)
		}
	}
	return Stars(text, secrets)
}

// minHeld is the shortest secret that is looked for within other words, in bytes: a digit is in too many.
const minHeld = 4

// Holds says whether a text holds the value of a secret variable, or is it, if that is short; those that are
// lent do not count: Loan.Back sees to what they left.
func (e *Environment) Holds(text string) bool {
	lent := map[string]bool{}
	for name := range e.lent {
		lent[strings.ToLower(name)] = true
	}
	for key, v := range e.values {
		switch {
		case !v.secret || lent[key] || v.value == "":
		case strings.TrimSpace(text) == strings.TrimSpace(v.value), len(v.value) >= minHeld && Stars(text, []string{v.value}) != text:
			return true
		}
	}
	return false
}

// Expand replaces each %Name% by the value of the variable, and what that
// value names in turn. A name that is no variable stays as it is written, as
// does a single percent sign. Values that name each other without end are an
// error.
func (e *Environment) Expand(text string) (string, error) {
	work := maxWork
	out, err := e.expand(text, 0, &work)
	if err == nil && len(out) > maxValue+len(text) {
		err = fmt.Errorf("the result is longer than %d bytes", maxValue)
	}
	if err != nil {
		return "", fmt.Errorf("expand %q: %w", shorten(text), err)
	}
	return out, nil
}

func (e *Environment) expand(text string, depth int, work *int) (string, error) {
	if *work -= len(text) + 1; *work < 0 {
		return "", fmt.Errorf("the result is longer than %d bytes", maxValue)
	}
	if depth > maxDepth {
		return "", fmt.Errorf("variables name each other without end; more than %d values within values", maxDepth)
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "%")
		b.WriteString(before)
		if !ok {
			break
		}
		name, after, closed := strings.Cut(rest, "%")
		value, known := e.Get(name)
		if closed && e.hidden[strings.ToLower(name)] {
			return "", fmt.Errorf(`the variable %s is secret, and this text can be read by others, as in the list of processes; a command reads it from its environment: write "$%s"`, name, name)
		}
		if !closed || !known {
			b.WriteByte('%')
			text = rest
			continue
		}
		value, err := e.expand(value, depth+1, work)
		if err != nil {
			return "", err
		}
		b.WriteString(value)
		text = after
	}
	return b.String(), nil
}

func shorten(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
