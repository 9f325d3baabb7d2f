package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
)

// ordered are the collections of a decision in rising precedence: by variable
// priority, then by name.
func (e *Evaluator) ordered(d *Decision) []osd.Collection {
	var in []osd.Collection
	for _, c := range e.s.Collections {
		if d.Collections.Has(c.Name) {
			in = append(in, c)
		}
	}
	slices.SortFunc(in, func(a, b osd.Collection) int {
		return cmp.Or(cmp.Compare(a.VariablePriority, b.VariablePriority), strings.Compare(a.Name, b.Name))
	})
	return in
}

// Variables merges those of the machine's collections, the higher priority
// last, then those of the computer: later ones win. Those of the sequence come
// before all of them, in the agent.
func (e *Evaluator) Variables(d *Decision) map[string]string {
	merged := map[string]string{}
	for _, c := range e.ordered(d) {
		maps.Copy(merged, c.Variables)
	}
	if d.Computer != nil {
		maps.Copy(merged, d.Computer.Variables)
	}
	return merged
}

// NameTemplate is the template of the machine's name: that of the
// advertisement, of a collection, of the site, or empty.
func (e *Evaluator) NameTemplate(d *Decision, a osd.Advertisement) string {
	template := e.s.Settings.ComputerName
	for _, c := range e.ordered(d) {
		template = cmp.Or(c.ComputerName, template)
	}
	return cmp.Or(a.ComputerName, template)
}

// NameTaken says whether another computer is called so.
func (e *Evaluator) NameTaken(name string, except *osd.Computer) bool {
	c := e.Computer(name)
	return c != nil && strings.EqualFold(c.Name, name) && (except == nil || c.ID != except.ID)
}

// ExpandName makes a computer name of a template: %Variable% is a built-in
// variable of the hardware, %Variable:4% its first four characters, %Variable:-4%
// its last four. Characters that no name holds are left out of values.
func ExpandName(template string, m inventory.Machine) (string, error) {
	variables := m.Variables()
	var b strings.Builder
	for i, part := range strings.Split(template, "%") {
		if i%2 == 0 {
			b.WriteString(part)
			continue
		}
		name, cut, _ := strings.Cut(part, ":")
		value, known := lookUp(variables, name)
		value = strings.Map(nameChar, value)
		if !known || value == "" {
			return "", fmt.Errorf("computer name %q: the machine has no value for %s", template, name)
		}
		b.WriteString(slice(value, cut))
	}
	return b.String(), osd.CheckComputerName(b.String())
}

func lookUp(variables map[string]string, name string) (string, bool) {
	for k, v := range variables {
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	return "", false
}

func nameChar(r rune) rune {
	if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return -1
}

func slice(s, cut string) string {
	n, err := strconv.Atoi(cut)
	switch {
	case err != nil || n == 0:
		return s
	case n < 0:
		return s[max(len(s)+n, 0):]
	}
	return s[:min(n, len(s))]
}
