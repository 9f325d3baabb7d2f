package sequence

import (
	"fmt"
	"slices"
	"strings"
)

// Inline puts the steps of other sequences in place of the steps that run them: a group with the
// name and the options of that step. find gives a sequence by its name, nil if there is none.
// A sequence that runs itself, also by way of others, is an error, and so is a result that is no
// valid sequence, such as one of too many nodes. Variables of the inner sequences are set where the outer one sets none.
// Questions of all of them are asked, those of the outer one first, then in the order of the steps; not those of a
// step that is disabled. Two that ask for one variable are asked once, or refused if their answers would differ.
func Inline(s *Sequence, find func(name string) *Sequence) (*Sequence, error) {
	i := inliner{find: find, variables: map[string]string{}}
	i.ask(s)
	out := *s
	out.Steps = i.nodes(s.Steps, []string{s.Name}, false)
	if i.err != nil {
		return nil, fmt.Errorf("task sequence %q: %w", s.Name, i.err)
	}
	out.Questions = nil
	for _, q := range i.questions {
		out.Questions = append(out.Questions, q.Question)
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
	questions []asked
	count     int
	err       error
}

// asked is a question, and the sequence that asks it first.
type asked struct {
	Question
	by string
}

// ask takes the questions of a sequence.
func (i *inliner) ask(s *Sequence) {
	for _, q := range s.Questions {
		n := slices.IndexFunc(i.questions, func(a asked) bool { return strings.EqualFold(a.Variable, q.Variable) })
		switch {
		case n < 0:
			i.questions = append(i.questions, asked{q, s.Name})
		case !i.questions[n].sameAnswers(q) && i.err == nil:
			i.err = fmt.Errorf("task sequences %q and %q both ask for %s, and take different answers: give the two questions the same default, choices, pattern, secret and optional, or another variable",
				i.questions[n].by, s.Name, q.Variable)
		}
	}
}

func (i *inliner) set(name, value string) {
	for other := range i.variables {
		if strings.EqualFold(other, name) {
			delete(i.variables, other)
		}
	}
	i.variables[name] = value
}

// nodes copies nodes; within are the names of the sequences around them, and off says that they are disabled.
func (i *inliner) nodes(nodes []Node, within []string, off bool) []Node {
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
			g.Steps = i.nodes(g.Steps, within, off || g.Disabled)
			n.Group = &g
		} else if r, ok := n.Step.(*RunTaskSequence); ok {
			n = Node{Group: i.group(r, within, off || r.Disabled)}
		}
		out = append(out, n)
	}
	return out
}

func (i *inliner) group(r *RunTaskSequence, within []string, off bool) *Group {
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
	if !off {
		i.ask(inner)
	}
	g := &Group{Name: Title(r), Description: r.Description, Disabled: r.Disabled, ContinueOnError: r.ContinueOnError, Condition: r.Condition, Runs: inner.Name,
		Steps: i.nodes(inner.Steps, append(within[:len(within):len(within)], inner.Name), off)}
	for name, value := range inner.Variables {
		i.set(name, value)
	}
	return g
}
