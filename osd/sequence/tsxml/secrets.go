package tsxml

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// notSecret are names that sound like one: they hold a choice.
var notSecret = regexp.MustCompile(`(?i)^(osd)?(skip|hide|random|prompt|require|allow|enable|disable)|CreateRecoveryPassword$|Variable(Name)?$`)

// secretName is the name of a variable, or of a step's property, that holds a secret.
var secretName = regexp.MustCompile(`(?i:password|passphrase|passwd|pwd|secret|productkey)|PIN$|(?i:bdepin)$`)

// wholeReference is a value that names a variable and holds nothing itself.
var wholeReference = regexp.MustCompile(`^%[A-Za-z_][A-Za-z0-9_.-]{0,254}%$`)

// isSecretName says whether a variable of these names holds a secret.
func isSecretName(names ...string) bool {
	return slices.ContainsFunc(names, secretName.MatchString) && !slices.ContainsFunc(names, notSecret.MatchString)
}

// isSecretValue says whether a value of such a variable can be the secret itself.
func isSecretValue(value string) bool {
	value = strings.TrimSpace(value)
	choice := slices.Contains([]string{"", "true", "false", "yes", "no"}, strings.ToLower(value))
	return !choice && !wholeReference.MatchString(value)
}

// maxQuoted is how deep documents are looked at that stand as text in others.
const maxQuoted = 3

// scrub takes the passwords out of a document before anything else looks at it. depth is how deep
// it stands as text in others.
func scrub(src string, depth int) (string, []Warning, error) {
	doc, err := parse(src, false)
	if err != nil {
		return "", nil, err
	}
	s := &scrubber{doc: doc, depth: depth}
	s.element(doc.top, nil)
	return apply(src, s.edits), s.warnings, nil
}

type scrubber struct {
	doc      *document
	depth    int
	edits    []edit
	warnings []Warning
}

func (s *scrubber) warn(e *element, path []string, text string, args ...any) {
	s.warnings = append(s.warnings, Warning{s.doc.line(e.start), strings.Join(path, " > "), fmt.Sprintf(text, args...)})
}

// element looks at everything in e; path are the names of the nodes around it.
func (s *scrubber) element(e *element, path []string) {
	switch {
	case e.name == "step":
		s.step(e, append(path[:len(path):len(path)], nodeName(e)))
		return
	case e.name == "group":
		path = append(path[:len(path):len(path)], nodeName(e))
	case e.name == "variable" && s.secret(e) != "":
		s.edits = append(s.edits, e.setContent(""))
		s.warn(e, path, "the value of variable %s was a secret: it was stripped, and an export does not have it; set it at the computer or the collection, or name a Secret at the step that uses it", variableName(e))
		return
	}
	for _, k := range e.elements() {
		s.element(k, path)
	}
	if len(e.elements()) == 0 && strings.Contains(e.text(), "variable") {
		s.quoted(e)
	}
}

// secret is the value of a variable if it is a literal secret.
func (s *scrubber) secret(e *element) string {
	if v := e.text(); isSecretName(e.attr("name"), e.attr("property")) && isSecretValue(v) {
		return v
	}
	return ""
}

// step strips the variables of a step, and what its command line repeats of them.
func (s *scrubber) step(e *element, path []string) {
	in := newInput(e)
	var found []string
	if name := in.get("VariableName"); isSecretName(name) || in.bool("DoNotShowVariableValue") {
		if v, el := in.find("VariableValue"); el != nil && isSecretValue(v) {
			found = append(found, v)
			s.edits = append(s.edits, el.setContent(""), s.doc.setAttr(e, "disable", "true"))
			s.warn(e, path, "the value of variable %s was a secret: it was stripped, the step is disabled, and an export does not have it; name a Secret at the step that uses the variable", name)
		}
	}
	e.walk(func(v *element) bool {
		if v.name == "variable" && in.element("VariableValue") != v {
			found = append(found, s.variable(v, path)...)
		}
		return false
	})
	if len(found) > 0 {
		s.repeated(e, found)
	}
}

func (s *scrubber) variable(v *element, path []string) (found []string) {
	if value := s.secret(v); value != "" {
		name := variableName(v)
		s.edits = append(s.edits, v.setContent("%"+name+"%"))
		s.warn(v, path, "%s held a secret: it was stripped and replaced by the variable %%%s%%, also for export; name a Secret of that variable at the step", name, name)
		return []string{value}
	}
	text := v.text()
	if !strings.HasPrefix(strings.TrimSpace(text), "<") {
		return nil
	}
	inner, err := parse(text, false) // the rules of dynamic variables
	if err != nil {
		return nil
	}
	in := &scrubber{doc: inner}
	inner.top.walk(func(e *element) bool {
		if !strings.EqualFold(e.name, "variable") {
			return false
		}
		name := e.attr("Name") + e.attr("name")
		if value := e.text(); (isSecretName(name) || isTrue(e.attr("IsSecret"))) && len(e.elements()) == 0 && isSecretValue(value) {
			found = append(found, value)
			in.edits = append(in.edits, e.setContent(""))
			s.warn(v, path, "a rule sets %s to a secret: it was stripped, and an export does not have it; name a Secret at the step that uses it", name)
		}
		return false
	})
	if len(in.edits) > 0 {
		s.edits = append(s.edits, v.setContent(escape(apply(text, in.edits))))
	}
	return found
}

// minRepeated is the shortest secret that is looked for in other variables of its step: shorter
// ones are parts of words.
const minRepeated = 4

// repeated strips secrets from the command line and the other variables of a step.
func (s *scrubber) repeated(e *element, found []string) {
	inAction, inVariable := without(found, 1), without(found, minRepeated)
	e.walk(func(e *element) bool {
		text := e.text()
		switch e.name {
		case "action":
			text = inAction.Replace(text)
		case "variable":
			text = inVariable.Replace(text)
		}
		if text != e.text() && len(e.elements()) == 0 {
			s.edits = append(s.edits, e.setContent(escape(text)))
		}
		return false
	})
}

// without takes words away that are not shorter than least, the longest first.
func without(words []string, least int) *strings.Replacer {
	words = slices.Clone(words)
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, w := range slices.Compact(words) {
		if len(w) >= least {
			pairs = append(pairs, w, "")
		}
	}
	return strings.NewReplacer(pairs...)
}

// quoted strips a document that stands as the text of an element.
func (s *scrubber) quoted(in *element) {
	if s.depth == maxQuoted || !strings.HasPrefix(strings.TrimSpace(in.text()), "<") {
		return
	}
	inner, warnings, err := scrub(in.text(), s.depth+1)
	if err != nil || len(warnings) == 0 {
		return
	}
	h := holder{outer: s.doc, in: in}
	for _, w := range warnings {
		w.Line += s.doc.line(in.open) - 1
		s.warnings = append(s.warnings, w)
	}
	s.edits = append(s.edits, in.setContent(h.text(inner)))
}

// variableName is the variable that takes the place of a literal secret.
func variableName(e *element) string {
	for _, name := range []string{e.attr("name"), e.attr("property")} {
		if wholeReference.MatchString("%" + name + "%") {
			return name
		}
	}
	return "Password"
}
