package sequence

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// maxSecrets is how many secrets a step may name: the values of all of them
// travel in one sealed answer.
const maxSecrets = 8

// shellName is a name that a shell can read a variable of its environment by
// (POSIX.1-2017, section 8.1).
var shellName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (c *checker) secrets(o *Options) {
	names := slices.Sorted(maps.Keys(o.Secrets))
	for i, name := range names {
		c.name("secrets."+name, name)
		if o.Secrets[name] == "" {
			c.fail("secrets."+name, "", "name the Secret")
		}
		if slices.ContainsFunc(names[:i], func(other string) bool { return strings.EqualFold(other, name) }) {
			c.fail("secrets."+name, name, "two variables of this name differ in case only, which does not count: give another name")
		}
	}
	if len(names) > maxSecrets {
		c.fail("secrets", fmt.Sprint(len(names)), "a step names at most %d secrets", maxSecrets)
	}
	if len(names) > 0 && o.Rerunnable {
		c.fail("rerunnable", "true", "secrets are released once: a step that is started again behind a power cut would get none; leave rerunnable out")
	}
}

// commandSecrets checks that a command can read its secrets, and does not show
// them: they are in its environment.
func (c *checker) commandSecrets(r *RunCommandLine) {
	c.environment(&r.Options)
	for _, name := range slices.Sorted(maps.Keys(r.Secrets)) {
		for field, text := range map[string]string{"command": r.Command, "workingDirectory": r.WorkingDirectory} {
			if strings.Contains(strings.ToLower(text), "%"+strings.ToLower(name)+"%") {
				c.fail(field, text, `a command line stands in the list of processes, where everybody reads it: the secret is in the environment of the command, write "$%s"`, name)
			}
		}
		if strings.EqualFold(r.OutputVariable, name) {
			c.fail("outputVariable", r.OutputVariable, "the secret has this name: give another")
		}
	}
}

// environment checks that a command can read the secrets of its step by name.
func (c *checker) environment(o *Options) {
	for _, name := range slices.Sorted(maps.Keys(o.Secrets)) {
		if !shellName.MatchString(name) {
			c.fail("secrets."+name, name, "the command reads it from its environment: give letters, digits and '_' only")
		}
	}
}

// stars stand in place of a secret value.
const stars = "********"

// Lend sets secret variables for the time of one step, until Back. The names
// are those that CheckName takes.
func (e *Environment) Lend(values map[string]string) (*Loan, error) {
	l := &Loan{env: e, before: maps.Clone(e.values), values: maps.Clone(values)}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if err := e.SetSecret(name, values[name]); err != nil {
			e.values = l.before
			return nil, err
		}
	}
	e.lent = l.values
	return l, nil
}

// Lent are the secret variables of the step that runs, by name.
func (e *Environment) Lent() map[string]string { return maps.Clone(e.lent) }

// WithoutLent is the environment without the secrets of the step that runs: for
// what others can read, such as command lines.
func (e *Environment) WithoutLent() *Environment {
	out := &Environment{values: maps.Clone(e.values)}
	for name := range e.lent {
		out.Delete(name)
	}
	return out
}

// Loan is a set of secret variables that are taken back.
type Loan struct {
	env    *Environment
	before map[string]variable
	values map[string]string
}

// Back takes the variables away and puts back what they held before. Where the
// step wrote one of the values into another variable, stars take its place.
func (l *Loan) Back() {
	l.env.lent = nil
	for key, v := range l.env.values {
		if was, ok := l.before[key]; !ok || was.value != v.value {
			v.value = l.Redact(v.value)
			l.env.values[key] = v
		}
	}
	for name := range l.values {
		key := strings.ToLower(name)
		if was, ok := l.before[key]; ok {
			l.env.values[key] = was
		} else {
			delete(l.env.values, key)
		}
	}
}

// Redact puts stars in place of the values, and of the longer lines of those
// that have more than one.
func (l *Loan) Redact(text string) string {
	for _, secret := range l.words() {
		text = strings.ReplaceAll(text, secret, stars)
	}
	return text
}

// minLine is the shortest line of a longer value that is looked for by itself:
// shorter ones are words like any other.
const minLine = 8

// words are what Redact looks for, the longest first.
func (l *Loan) words() []string {
	var all []string
	for _, v := range l.values {
		if v != "" {
			all = append(all, v)
		}
		for line := range strings.Lines(v) {
			if line = strings.TrimRight(line, "\r\n"); len(line) >= minLine {
				all = append(all, line)
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}
