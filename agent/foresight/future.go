package foresight

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bootward/bootward/agent/readiness"
	"github.com/bootward/bootward/osd/sequence"
)

// future is what is known of the time when a step will run. The texts are reasons, for people.
type future struct {
	env   *sequence.Environment // as it will be, as far as that is known
	facts sequence.Facts
	later map[string]string // variables that get a value which is known later, by lower-case name
	// anything may have changed any variable but those that are sure; touched may have changed
	// files; ran says that a step has run.
	anything, touched, ran string
	sure                   map[string]bool
}

// effects takes in what a step does that is reached, or may be.
func (f *future) effects(l sequence.Line, j judgement) {
	name := fmt.Sprintf("step %d %q", l.Number, l.Name())
	f.ran = name
	switch s := l.Node.Step.(type) {
	case *sequence.SetTaskSequenceVariable:
		f.assign(name, s.Variable, s.Value, s.Secret, j)
	case *sequence.SetDynamicVariables:
		for _, rule := range s.Rules {
			holds := both(j, f.judge(rule.Condition))
			for _, variable := range slices.Sorted(maps.Keys(rule.Variables)) {
				f.assign(name, variable, rule.Variables[variable], false, holds)
			}
		}
	case *sequence.RestartComputer:
	case *sequence.CheckReadiness:
		for _, variable := range readiness.Variables() {
			f.put(variable, name+" sets "+variable)
		}
	case *sequence.RunCommandLine:
		f.touched = name
		if s.OutputVariable != "" {
			f.put(s.OutputVariable, name+" sets "+s.OutputVariable)
		}
	case *sequence.DownloadPackageContent:
		f.touched = name
		for i := range s.Packages {
			if s.Variable != "" {
				variable := s.FolderVariable(i)
				f.put(variable, name+" sets "+variable)
			}
		}
	case *sequence.ConnectToNetworkFolder, *sequence.RunPowerShellScript, *sequence.InstallPackage, *sequence.InstallSoftwareUpdates:
		f.touched = name
	default:
		f.touched, f.anything = name, name+" may set it"
		clear(f.sure)
	}
}

// assign takes in an assignment, as far as it is known.
func (f *future) assign(step, variable, value string, secret bool, j judgement) {
	why := j.why
	if j.verdict == yes {
		why = f.doubts(value, map[string]bool{})
	}
	if j.verdict == no {
		return
	}
	if why != "" || j.verdict == open {
		f.put(variable, step+" sets "+variable+" ("+why+")")
		return
	}
	expanded, err := f.env.Expand(value)
	set := f.env.Set
	if secret || f.env.Holds(expanded) { // as the step does
		set = f.env.SetSecret
	}
	if err == nil {
		err = set(variable, expanded)
	}
	if err != nil {
		f.put(variable, step+" sets "+variable+": "+err.Error())
		return
	}
	f.sure[strings.ToLower(variable)] = true
	delete(f.later, strings.ToLower(variable))
}

// put notes that a variable is known later.
func (f *future) put(variable, why string) {
	f.later[strings.ToLower(variable)] = why
	delete(f.sure, strings.ToLower(variable))
}

// ofEngine are the variables that the engine sets with each step.
var ofEngine = []string{"_smstslastactionretcode", "_smstslastactionsucceeded", "_smstscurrentactionname", "_smstsnextinstructionpointer"}

// doubt says why the value of a variable is known later; empty if it is known now. seen are the
// variables that were looked at.
func (f *future) doubt(variable string, seen map[string]bool) string {
	name := strings.ToLower(variable)
	why := f.later[name]
	switch {
	case why != "":
		return why
	case name == "_smstsinstructiontablesize":
		return variable + " is set when the sequence begins"
	case slices.Contains(ofEngine, name) && f.ran != "":
		return variable + " is set by " + f.ran
	case f.anything != "" && !strings.HasPrefix(name, "_") && !f.sure[name]:
		return variable + ": " + f.anything
	case seen[name]:
		return "" // an expansion without end is an error of its own
	}
	seen[name] = true
	value, _ := f.env.Get(variable)
	return f.doubts(value, seen)
}

// doubts says why the expansion of a text is known later.
func (f *future) doubts(text string, seen map[string]bool) string {
	parts := strings.Split(text, "%")
	for _, name := range parts[min(1, len(parts)):max(1, len(parts)-1)] { // between two signs
		if sequence.CheckName(strings.TrimLeft(name, "_")) != nil {
			continue
		}
		if why := f.doubt(name, seen); why != "" {
			return why
		}
	}
	return ""
}
