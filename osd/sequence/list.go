package sequence

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// MaxList is how many entries a list of programs holds.
const MaxList = 999

// Entry is an entry of a list of programs: the value Package:Program of a variable.
type Entry struct {
	Variable string
	Package  string // name or ID
	Program  string
}

// ListVariable is the name of entry n of a list, from 1: AA001.
func ListVariable(base string, n int) string { return fmt.Sprintf("%s%03d", base, n) }

// InList says whether a variable can be an entry of a list.
func InList(base, variable string) bool {
	if len(variable) != len(base)+3 || !strings.EqualFold(variable[:len(base)], base) || strings.HasSuffix(variable, "000") {
		return false
	}
	return strings.Trim(variable[len(base):], "0123456789") == ""
}

// ParseEntry reads an entry. The last colon counts: names of packages may hold some, those of
// programs none.
func ParseEntry(variable, value string) (Entry, error) {
	i := strings.LastIndexByte(value, ':')
	e := Entry{Variable: variable}
	if i >= 0 {
		e.Package, e.Program = strings.TrimSpace(value[:i]), strings.TrimSpace(value[i+1:])
	}
	if e.Package == "" || e.Program == "" {
		return e, fmt.Errorf("variable %s: %q is no entry of a list of programs: write Package:Program", variable, shorten(value))
	}
	return e, nil
}

// Listed are the entries of a list, in order, until a variable is missing or empty.
func (e *Environment) Listed(base string) ([]Entry, error) {
	var out []Entry
	public := e.Public() // what runs is told
	for n := 1; n <= MaxList; n++ {
		name := ListVariable(base, n)
		value, err := e.shown(public, name)
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(value) == "" {
			break
		}
		one, err := ParseEntry(name, value)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// Lists are the bases of the lists that steps install, also disabled ones, sorted, each once.
func (s *Sequence) Lists() []string {
	var out []string
	walk(s.Steps, "", func(_ string, n Node) {
		if i, ok := n.Step.(*InstallPackage); ok && i.List != "" {
			out = append(out, strings.ToUpper(i.List))
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// Setting is a variable that a sequence sets.
type Setting struct {
	Name, Value string
	Field       string // path of the field that holds the value
}

// Settings are the variables that the sequence sets, at its beginning or by steps, whatever their
// conditions.
func (s *Sequence) Settings() []Setting {
	out := settings(s.Variables, "variables")
	walk(s.Steps, "steps", func(path string, n Node) {
		switch step := n.Step.(type) {
		case *SetTaskSequenceVariable:
			out = append(out, Setting{step.Variable, step.Value, path + "." + string(step.Type()) + ".value"})
		case *SetDynamicVariables:
			for i, r := range step.Rules {
				out = append(out, settings(r.Variables, fmt.Sprintf("%s.%s.rules[%d].variables", path, step.Type(), i))...)
			}
		}
	})
	return out
}

func settings(variables map[string]string, path string) []Setting {
	var out []Setting
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		out = append(out, Setting{name, variables[name], path + "." + name})
	}
	return out
}

// ProgramUse is a program that a step, or an entry of a list, names.
type ProgramUse struct {
	Package string // name, or ID in a list
	Program string
	Field   string // path of the field
}

// Programs are the programs that steps of the sequence name themselves.
func (s *Sequence) Programs() []ProgramUse {
	var out []ProgramUse
	walk(s.Steps, "steps", func(path string, n Node) {
		if i, ok := n.Step.(*InstallPackage); ok && i.Package != "" {
			out = append(out, ProgramUse{i.Package, i.Program, path + "." + string(i.Type()) + ".program"})
		}
	})
	return out
}

// ListUses are the programs that variables list, of the lists with one of the bases. Values that
// other variables make are left out: nobody knows them before the sequence runs.
func ListUses(bases []string, set []Setting) []ProgramUse {
	var out []ProgramUse
	for _, one := range set {
		if strings.Contains(one.Value, "%") || !slices.ContainsFunc(bases, func(b string) bool { return InList(b, one.Name) }) {
			continue
		}
		if e, err := ParseEntry(one.Name, one.Value); err == nil {
			out = append(out, ProgramUse{e.Package, e.Program, one.Field})
		}
	}
	return out
}

// VariableSettings are the variables of a collection or a computer as settings.
func VariableSettings(variables map[string]string) []Setting {
	return settings(variables, "variables")
}
