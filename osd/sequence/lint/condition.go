package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/query"
	"github.com/bootward/bootward/osd/sequence"
)

// atoms are the questions of a condition, however they are joined.
func atoms(c *sequence.Condition) []sequence.Condition {
	if c == nil {
		return nil
	}
	var all []sequence.Condition
	lists := slices.Concat(c.All, c.Any, c.None)
	for i := range lists {
		all = append(all, atoms(&lists[i])...)
	}
	if len(lists) == 0 {
		all = append(all, *c)
	}
	return all
}

// demands are the questions that must all be answered by yes.
func demands(c *sequence.Condition) []sequence.Condition {
	switch {
	case c == nil || c.None != nil || len(c.Any) > 1:
		return nil
	case c.All != nil || c.Any != nil:
		var all []sequence.Condition
		for _, one := range slices.Concat(c.All, c.Any) {
			all = append(all, demands(&one)...)
		}
		return all
	}
	return []sequence.Condition{*c}
}

// demands are those of the node and of the groups around it. Of the groups only those count that
// no step in between can change.
func (n *node) demands() []sequence.Condition {
	all := demands(n.condition())
	for _, g := range n.groups {
		for _, d := range demands(g.condition()) {
			if d.OperatingSystem != "" || strings.HasPrefix(d.Variable, "_") && !strings.HasPrefix(strings.ToLower(d.Variable), "_smstslastaction") && !strings.EqualFold(d.Variable, "_SMSTSInWinPE") {
				all = append(all, d)
			}
		}
	}
	return all
}

// contradictions: conditions that are never true together. One pair is told of each node.
func contradictions(l *linter) {
	for _, n := range l.nodes {
		if n.off || n.condition() == nil {
			continue
		}
		if a, b := contradiction(n.demands()); a != nil {
			l.add("never-runs", Warning, n, "condition", fmt.Sprintf("it is never true: %s, and %s", a.String(), b.String()), "correct the condition, or that of the group")
		}
	}
}

// maxDemands is how many questions are held against each other: nobody writes as many by hand.
const maxDemands = 100

// contradiction is the first pair of questions that contradict each other; nil if there is none.
func contradiction(all []sequence.Condition) (a, b *sequence.Condition) {
	all = all[:min(len(all), maxDemands)]
	for i := range all {
		for j := range all[:i] {
			if contradict(all[j], all[i]) {
				return &all[j], &all[i]
			}
		}
	}
	return nil, nil
}

func contradict(a, b sequence.Condition) bool {
	switch {
	case a.OperatingSystem != "" && b.OperatingSystem != "":
		return is(a) && is(b) && !strings.EqualFold(a.OperatingSystem, b.OperatingSystem)
	case a.Variable == "" || !strings.EqualFold(a.Variable, b.Variable):
		return false
	case a.Equals != nil && b.Equals != nil:
		return literal(*a.Equals) && literal(*b.Equals) && !strings.EqualFold(*a.Equals, *b.Equals)
	}
	return excludes(a, b) || excludes(b, a)
}

// is says whether a condition on the operating system wants this one.
func is(c sequence.Condition) bool {
	return (c.Exists == nil || *c.Exists) && c.NotEquals == nil && c.NotLike == nil
}

// excludes says whether a variable that fits a can never fit b.
func excludes(a, b sequence.Condition) bool {
	there := a.Equals != nil || a.Like != nil || a.Greater != nil || a.GreaterOrEqual != nil || a.Less != nil || a.LessOrEqual != nil || a.Exists != nil && *a.Exists
	switch {
	case there && b.Exists != nil && !*b.Exists:
		return true
	case a.Equals != nil && b.NotEquals != nil:
		return literal(*a.Equals) && strings.EqualFold(*a.Equals, *b.NotEquals)
	}
	return false
}

func literal(text string) bool { return len(namesIn(text)) == 0 }

// unknownQuestions: conditions that this version cannot answer.
func unknownQuestions(l *linter) {
	for _, n := range l.nodes {
		if n.off {
			continue
		}
		for _, a := range atoms(n.condition()) {
			if a.Registry != "" {
				l.add("condition", Warning, n, "condition", "Linux has no registry: "+a.Registry+" does not exist", "ask for a file, software, or the operating system instead")
			}
			if a.Query == "" {
				continue
			}
			q, err := query.Parse(a.Query)
			if err != nil { // Validate has told
				continue
			}
			for _, w := range q.Warnings(query.Known) {
				l.add("condition", Warning, n, "condition", string(w), "correct the query")
			}
		}
	}
}
