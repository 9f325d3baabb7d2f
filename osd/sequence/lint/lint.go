// Package lint gives advice on a valid task sequence: what will fail on the machine, what
// probably will, and what people should know. What is not valid at all is refused by the
// sequence's own Validate. Pure; the rules are listed in docs/sequences.md.
package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// Severity says how bad a finding is.
type Severity string

// The severities, the worst first.
const (
	Error   Severity = "error"   // the run fails when it comes there
	Warning Severity = "warning" // it probably is not what was meant
	Note    Severity = "note"    // good to know
)

// Finding is one piece of advice.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Field    string   `json:"field"`          // such as steps[0].partitionDisk.volumes
	Step     string   `json:"step,omitempty"` // name of the group or the step
	Text     string   `json:"text"`
	Remedy   string   `json:"remedy"`
}

// node is a group or a step with what stands around it.
type node struct {
	sequence.Line
	path string
	// off says that it, or a group around it, is disabled.
	off    bool
	groups []*node // around it, outermost first
}

// step is the step that will run, or nil.
func (n *node) step() sequence.Step {
	if n.off {
		return nil
	}
	return n.Node.Step
}

func (n *node) condition() *sequence.Condition {
	if n.Node.Group != nil {
		return n.Node.Group.Condition
	}
	return n.Node.Step.Common().Condition
}

// conditional says whether some condition decides if the node is run.
func (n *node) conditional() bool {
	return n.condition() != nil || slices.ContainsFunc(n.groups, func(g *node) bool { return g.condition() != nil })
}

// linter is the work on one sequence.
type linter struct {
	sequence *sequence.Sequence
	nodes    []*node
	known    map[string]bool // variables that are set elsewhere, lower case
	found    []Finding
}

// Around is what is known of the surroundings of a sequence.
type Around struct {
	// Known are the names of variables that others set, such as collections and computers.
	Known []string
	// Inner says that another sequence runs this one: what comes before its steps is not known.
	Inner bool
}

// Lint looks at a valid sequence. Findings are in the order of the sequence.
func Lint(s *sequence.Sequence, around Around) []Finding {
	l := &linter{sequence: s, nodes: nodesOf(s), known: map[string]bool{}}
	for _, name := range around.Known {
		l.known[strings.ToLower(name)] = true
	}
	rules := []func(*linter){
		literalSecrets, shownSecrets, cannotRun, windowsCommands, networkTimeouts, // steps by themselves
		bootVolumes, eraseAndContinue, contradictions, unknownQuestions, emptyGroups, sameNames,
	}
	if !around.Inner {
		rules = append(rules, bootImage, unsetVariables, order, stages, volumeVariables, diskIndex, stateStore) // steps behind others
	}
	for _, rule := range rules {
		rule(l)
	}
	place := map[string]int{}
	for i, n := range l.nodes {
		place[n.path] = i + 1
	}
	slices.SortStableFunc(l.found, func(a, b Finding) int { return cmp.Compare(l.at(place, a.Field), l.at(place, b.Field)) })
	return l.found
}

// at is the place of the node that a field belongs to; 0 is the sequence itself.
func (l *linter) at(place map[string]int, field string) int {
	for field != "" {
		if i, ok := place[field]; ok {
			return i
		}
		field = field[:max(strings.LastIndexAny(field, ".["), 0)]
	}
	return 0
}

func nodesOf(s *sequence.Sequence) []*node {
	var nodes []*node
	lines := s.Flatten()
	s.Walk(func(path string, n sequence.Node) {
		made := &node{Line: lines[len(nodes)], path: path}
		if n.Group != nil {
			made.off = n.Group.Disabled
		} else {
			made.off = n.Step.Common().Disabled
		}
		if made.Parent > 0 {
			g := nodes[made.Parent-1]
			made.groups = append(slices.Clone(g.groups), g)
			made.off = made.off || g.off
		}
		nodes = append(nodes, made)
	})
	return nodes
}

// add notes a finding at a field of a node; n is nil for the sequence itself.
func (l *linter) add(rule string, s Severity, n *node, field, text, remedy string) {
	f := Finding{Rule: rule, Severity: s, Field: field, Text: text, Remedy: remedy}
	if n != nil {
		f.Step, f.Field = n.Name(), n.path
		if field != "" {
			f.Field += "." + field
		}
	}
	l.found = append(l.found, f)
}

// Worst is the worst severity of the findings; empty when there is none.
func Worst(all []Finding) Severity {
	for _, s := range []Severity{Error, Warning, Note} {
		if slices.ContainsFunc(all, func(f Finding) bool { return f.Severity == s }) {
			return s
		}
	}
	return ""
}
