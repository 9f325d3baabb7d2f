package sequence

import (
	"fmt"
	"strings"
)

// Inline puts the steps of other sequences in place of the steps that run them: a group with the
// name and the options of that step. find gives a sequence by its name, nil if there is none.
// A sequence that runs itself, also by way of others, is an error, and so is a result that is no
// valid sequence, such as one of too many nodes. Variables of the inner sequences are set where the outer one sets none.
func Inline(s *Sequence, find func(name string) *Sequence) (*Sequence, error) {
	i := inliner{find: find, variables: map[string]string{}}
	out := *s
	out.Steps = i.nodes(s.Steps, []string{s.Name})
	if i.err != nil {
		return nil, fmt.Errorf("task sequence %q: %w", s.Name, i.err)
	}
	if len(i.variables) > 0 {
		for name, value := range s.Variables {
			i.set(name, value)
		}
		out.Variables = i.variables
	}
	if err := out.Validate(); err != nil { // groups too deep, for one
		return nil, fmt.Errorf("task sequence %q with the sequences that it runs: %w", s.Name, err)
	}
	return &out, nil
}

type inliner struct {
	find      func(string) *Sequence
	variables map[string]string // of the inner sequences
	count     int
	err       error
}

func (i *inliner) set(name, value string) {
	for other := range i.variables {
		if strings.EqualFold(other, name) {
			delete(i.variables, other)
		}
	}
	i.variables[name] = value
}

// nodes copies nodes; within are the names of the sequences around them.
func (i *inliner) nodes(nodes []Node, within []string) []Node {
	var out []Node
	for _, n := range nodes {
		if i.count++; i.count > maxNodes && i.err == nil {
			i.err = fmt.Errorf("with the sequences that it runs it has more than %d groups and steps", maxNodes)
		}
		if i.err != nil {
			return nil
		}
		if n.Group != nil {
			g := *n.Group
			g.Steps = i.nodes(g.Steps, within)
			n.Group = &g
		} else if r, ok := n.Step.(*RunTaskSequence); ok {
			n = Node{Group: i.group(r, within)}
		}
		out = append(out, n)
	}
	return out
}

func (i *inliner) group(r *RunTaskSequence, within []string) *Group {
	for _, name := range within {
		if strings.EqualFold(name, r.Sequence) {
			i.err = fmt.Errorf("it runs itself: %s", strings.Join(append(within, r.Sequence), " runs "))
			return nil
		}
	}
	inner := i.find(r.Sequence)
	if inner == nil {
		i.err = fmt.Errorf("step %q runs task sequence %q, which does not exist", Title(r), r.Sequence)
		return nil
	}
	if len(within) > maxNest {
		i.err = fmt.Errorf("sequences can run each other %d deep: %s", maxNest, strings.Join(within, " runs "))
		return nil
	}
	g := &Group{Name: Title(r), Description: r.Description, Disabled: r.Disabled, ContinueOnError: r.ContinueOnError, Condition: r.Condition,
		Steps: i.nodes(inner.Steps, append(within[:len(within):len(within)], inner.Name))}
	for name, value := range inner.Variables {
		i.set(name, value)
	}
	return g
}
