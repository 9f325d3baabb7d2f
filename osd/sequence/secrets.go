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
	own := slices.Sorted(maps.Keys(r.Secrets))
	for _, name := range append(own, c.hidden...) {
		for field, text := range map[string]string{"command": r.Command, "workingDirectory": r.WorkingDirectory} {
			if strings.Contains(strings.ToLower(text), "%"+strings.ToLower(name)+"%") {
				c.fail(field, text, `a command line stands in the list of processes, where everybody reads it: the secret is in the environment of the command, write "$%s"`, name)
			}
		}
	}
	for _, name := range own {
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

// Public is the environment without the secrets of the step that runs and without secret
// variables: for what others can read, such as command lines. Expand refuses a text there that
// names a secret variable.
func (e *Environment) Public() *Environment {
	out := e.Clone()
	out.hidden = map[string]bool{}
	for key, v := range e.values {
		if v.secret {
			delete(out.values, key)
			out.hidden[key] = true
		}
	}
	for name := range e.lent {
		delete(out.hidden, strings.ToLower(name)) // Validate has refused it where it stands
	}
	return out
}

// shown is the expanded value of a variable in a place that others can read; public is Public. One
// that is secret is an error: to leave it out would do something else than what it says.
func (e *Environment) shown(public *Environment, name string) (string, error) {
	key := strings.ToLower(name)
	if public.hidden[key] && e.values[key].value != "" {
		return "", fmt.Errorf("variable %s is secret, and what it says here others can read: take a variable that is not", name)
	}
	raw, _ := public.Get(name)
	text, err := public.Expand(raw)
	if err != nil {
		return "", fmt.Errorf("variable %s: %w", name, err)
	}
	return text, nil
}

// inShell are the variables that a shell reads where a command line names them so.
var inShell = regexp.MustCompile(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// ForCommand are the secrets that the environment of a command holds: those of the step that runs,
// and the secret variables that the command line names as $NAME or ${NAME}.
func (e *Environment) ForCommand(line string) map[string]string {
	out := e.Lent()
	if out == nil {
		out = map[string]string{}
	}
	for _, m := range inShell.FindAllStringSubmatch(line, -1) {
		if v := e.values[strings.ToLower(m[1])]; v.secret {
			out[m[1]] = v.value
		}
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
func (l *Loan) Redact(text string) string { return Stars(text, slices.Collect(maps.Values(l.values))) }

// Stars puts stars in place of secrets in a text, and of the longer lines of those that have more
// than one.
func Stars(text string, secrets []string) string {
	for _, word := range words(secrets) {
		text = strings.ReplaceAll(text, word, stars)
	}
	return text
}

// minLine is the shortest line of a longer value that is looked for by itself:
// shorter ones are words like any other.
const minLine = 8

// words are what Stars looks for, the longest first.
func words(secrets []string) []string {
	var all []string
	for _, v := range secrets {
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
