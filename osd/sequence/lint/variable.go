package lint

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// sets lists the variables that a step sets for those after it.
func sets(s sequence.Step) []string {
	var names []string
	switch s := s.(type) {
	case *sequence.SetTaskSequenceVariable:
		names = append(names, s.Variable)
	case *sequence.SetDynamicVariables:
		for _, r := range s.Rules {
			names = append(names, slices.Sorted(maps.Keys(r.Variables))...)
		}
	case *sequence.RunCommandLine:
		names = append(names, s.OutputVariable)
	case *sequence.PartitionDisk:
		for _, v := range s.Volumes {
			names = append(names, v.Variable)
		}
	case *sequence.DownloadPackageContent:
		for i := range s.Packages {
			if s.Variable != "" {
				names = append(names, fmt.Sprintf("%s%02d", s.Variable, i+1))
			}
		}
	}
	return slices.DeleteFunc(names, func(n string) bool { return n == "" })
}

// unsetVariables: names between percent signs that nobody sets stay as they are written.
func unsetVariables(l *linter) {
	set := maps.Clone(l.known)
	for name := range l.sequence.Variables {
		set[strings.ToLower(name)] = true
	}
	for _, q := range l.sequence.Questions {
		set[strings.ToLower(q.Variable)] = true
	}
	others := false // another sequence may set any
	for _, n := range l.nodes {
		if s := n.Node.Step; s != nil {
			others = others || s.Type() == sequence.TypeRunTaskSequence
			for _, name := range append(sets(s), slices.Collect(maps.Keys(s.Common().Secrets))...) {
				set[strings.ToLower(name)] = true
			}
		}
	}
	told := map[string]bool{}
	for _, n := range l.nodes {
		for _, u := range uses(n) {
			key := strings.ToLower(u.name)
			if set[key] || told[key] {
				continue
			}
			told[key] = true
			if BuiltIn(u.name) || len(strings.Trim(u.name, "-._")) == 1 { // date +%Y-%m-%d
				continue
			}
			if !others || strings.HasPrefix(u.name, "_") {
				l.unset(n, u)
			}
		}
	}
}

// use is a place where a variable is read.
type use struct{ name, field string }

func uses(n *node) []use {
	var all []use
	if s := n.step(); s != nil {
		for _, f := range sequence.Fields(s) {
			if f.Text && f.Path != "name" && f.Path != "description" {
				for _, name := range namesIn(f.Value) {
					all = append(all, use{name, f.Path})
				}
			}
		}
	}
	if !n.off {
		for _, a := range atoms(n.condition()) {
			if strings.HasPrefix(a.Variable, "_") { // others may be missing on purpose
				all = append(all, use{a.Variable, "condition"})
			}
		}
	}
	return all
}

func (l *linter) unset(n *node, u use) {
	if strings.HasPrefix(u.name, "_") {
		l.add("unset-variable", Warning, n, u.field, u.name+" is no variable that the engine sets, and nobody else may set it", "correct the name: it is one such as _SMSTSModel")
		return
	}
	l.add("unset-variable", Note, n, u.field, "nothing here sets "+u.name+": it must come from a collection or the computer", "set it there, or give their files to lint as well")
}

var secretName = regexp.MustCompile(`(?i)(pass(word|wd|phrase|code)?|pwd|secret|token|productkey|pin)$`)

// literalSecrets: a value that everybody who may read the sequence reads.
func literalSecrets(l *linter) {
	const remedy = "make a Secret of it (`bootward secret set`), and name that in `secrets` of the step that needs it"
	literal := func(name, value string) bool {
		return secretName.MatchString(name) && value != "" && len(namesIn(value)) == 0
	}
	for _, name := range slices.Sorted(maps.Keys(l.sequence.Variables)) {
		if literal(name, l.sequence.Variables[name]) {
			l.add("literal-secret", Warning, nil, "variables."+name, name+" looks like a secret, and its value stands here", remedy)
		}
	}
	for _, n := range l.nodes { // disabled ones too: the value can be read there
		switch s := n.Node.Step.(type) {
		case *sequence.SetTaskSequenceVariable:
			if literal(s.Variable, s.Value) {
				l.add("literal-secret", Warning, n, "value", s.Variable+" looks like a secret, and its value stands here", remedy)
			}
		case *sequence.SetDynamicVariables:
			for i, r := range s.Rules {
				for _, name := range slices.Sorted(maps.Keys(r.Variables)) {
					if literal(name, r.Variables[name]) {
						l.add("literal-secret", Warning, n, fmt.Sprintf("rules[%d].variables.%s", i, name), name+" looks like a secret, and its value stands here", remedy)
					}
				}
			}
		case *sequence.RunCommandLine:
			if secretArgument.MatchString(s.Command) {
				l.add("literal-secret", Warning, n, "command", "the command line seems to hold a password", remedy+`; the command reads it as "$NAME"`)
			}
		}
	}
}

// shownSecrets: a command line that names a secret variable fails on the machine. Of secret answers
// Validate refuses it.
func shownSecrets(l *linter) {
	secret := map[string]bool{}
	for _, n := range l.nodes {
		if s, ok := n.Node.Step.(*sequence.SetTaskSequenceVariable); ok && s.Secret {
			secret[strings.ToLower(s.Variable)] = true
		}
	}
	for _, q := range l.sequence.Questions {
		if q.Secret {
			secret[strings.ToLower(q.Variable)] = true
		}
	}
	tell := func(n *node, field, text string) {
		for _, name := range namesIn(text) {
			if secret[strings.ToLower(name)] {
				l.add("secret-in-command", Error, n, field, name+" is secret, and a command line stands in the list of processes: the step fails", `write "$`+name+`": the command reads it from its environment`)
			}
		}
	}
	const postAction = "SMSTSPostAction"
	for _, name := range slices.Sorted(maps.Keys(l.sequence.Variables)) {
		if strings.EqualFold(name, postAction) {
			tell(nil, "variables."+name, l.sequence.Variables[name])
		}
	}
	for _, n := range l.nodes {
		switch s := n.step().(type) {
		case *sequence.RunCommandLine:
			tell(n, "command", s.Command)
			tell(n, "workingDirectory", s.WorkingDirectory)
		case *sequence.SetTaskSequenceVariable:
			if strings.EqualFold(s.Variable, postAction) {
				tell(n, "value", s.Value)
			}
		}
	}
}

// secretArgument is a password in a command line: --password=x, /p:x, PASSWORD=x.
var secretArgument = regexp.MustCompile(`(?i)(^|[\s;&|/-])(password|passwd|passphrase|pwd)[=: ]["']?[^\s"'$%<-]`)
