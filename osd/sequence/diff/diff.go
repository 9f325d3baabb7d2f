// Package diff compares two task sequences step by step: what was added, removed, moved, renamed
// and changed, field by field. Nodes have no identity in YAML, so they are matched by type and
// name first and by their place then. Pure.
package diff

import (
	"maps"
	"slices"

	"github.com/bootward/bootward/osd/sequence"
)

// Op is what happened to a node.
type Op string

// What can happen. A node that was moved and changed is reported once, with both.
const (
	Added   Op = "added"
	Removed Op = "removed"
	Changed Op = "changed"
	Moved   Op = "moved"
)

// Field is a field whose value differs; empty is a field that is not given.
type Field struct {
	Path string `json:"path"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// Change is a difference of one node, or of the sequence itself, which has no number.
type Change struct {
	Op   Op     `json:"op"`
	Type string `json:"type,omitempty"` // YAML key, or group
	Name string `json:"name,omitempty"`
	// Old and New are the numbers of the node, 0 where it is not.
	Old int `json:"old,omitempty"`
	New int `json:"new,omitempty"`
	// From and To are the groups that hold it, outermost first.
	From   []string `json:"from,omitempty"`
	To     []string `json:"to,omitempty"`
	Fields []Field  `json:"fields,omitempty"`
}

// node is a node of one side.
type node struct {
	sequence.Line
	typ    string
	within []string // names of the groups around it
	fields map[string]string
	order  []string // of the fields
	secret bool     // the value is shown nowhere
	match  *node
}

// Compare lists the differences between two sequences: of the sequence itself first, then in the
// order of b, with what was removed where it stood in a.
func Compare(a, b *sequence.Sequence) []Change {
	left, right := nodesOf(a), nodesOf(b)
	pair(left, right)
	moved := movedOf(left, right)
	var all []Change
	if f := compareFields(whole(a), whole(b)); len(f) > 0 {
		all = append(all, Change{Op: Changed, Fields: f})
	}
	told := 0 // nodes of a that were passed
	removed := func(until int) {
		for ; told < until; told++ {
			if n := left[told]; n.match == nil {
				all = append(all, Change{Op: Removed, Type: n.typ, Name: n.Name(), Old: n.Number, From: n.within, Fields: compareFields(n, new(node))})
			}
		}
	}
	for _, n := range right {
		if n.match == nil {
			all = append(all, Change{Op: Added, Type: n.typ, Name: n.Name(), New: n.Number, To: n.within, Fields: compareFields(new(node), n)})
			continue
		}
		if !moved[n] {
			removed(n.match.Number)
		}
		c := Change{Op: Changed, Type: n.typ, Name: n.Name(), Old: n.match.Number, New: n.Number, From: n.match.within, To: n.within, Fields: compareFields(n.match, n)}
		if moved[n] {
			c.Op = Moved
		}
		if moved[n] || len(c.Fields) > 0 {
			all = append(all, c)
		}
	}
	removed(len(left))
	return all
}

func nodesOf(s *sequence.Sequence) []*node {
	var all []*node
	for _, l := range s.Flatten() {
		n := &node{Line: l, typ: "group"}
		var v any = l.Node.Group
		if l.Node.Step != nil {
			n.typ, v = string(l.Node.Step.Type()), l.Node.Step
		}
		if l.Parent > 0 {
			n.within = append(slices.Clone(all[l.Parent-1].within), all[l.Parent-1].Name())
		}
		n.take(sequence.Fields(v))
		if set, ok := v.(*sequence.SetTaskSequenceVariable); ok {
			n.secret = set.Secret
		}
		all = append(all, n)
	}
	return all
}

// whole is the sequence itself, as if it were a node.
func whole(s *sequence.Sequence) *node {
	n := new(node)
	n.take([]sequence.Field{{Path: "name", Value: s.Name}, {Path: "comment", Value: s.Comment}, {Path: "bootImage", Value: s.BootImage}})
	for _, name := range slices.Sorted(maps.Keys(s.Variables)) {
		n.take([]sequence.Field{{Path: "variables." + name, Value: s.Variables[name]}})
	}
	for _, q := range s.Questions {
		for _, f := range sequence.Fields(q) {
			n.take([]sequence.Field{{Path: "questions." + q.Variable + "." + f.Path, Value: f.Value}})
		}
	}
	return n
}

func (n *node) take(fields []sequence.Field) {
	if n.fields == nil {
		n.fields = map[string]string{}
	}
	for _, f := range fields {
		n.fields[f.Path] = f.Value
		n.order = append(n.order, f.Path)
	}
}

// compareFields lists the fields that differ, in the order of b, then those that only a has.
func compareFields(a, b *node) []Field {
	var all []Field
	for _, path := range b.order {
		if a.fields[path] != b.fields[path] {
			all = append(all, Field{path, a.fields[path], b.fields[path]})
		}
	}
	for _, path := range a.order {
		if _, ok := b.fields[path]; !ok && a.fields[path] != "" {
			all = append(all, Field{path, a.fields[path], ""})
		}
	}
	for i, f := range all {
		if f.Path == "value" && (a.secret || b.secret) {
			all[i] = Field{f.Path, stars(f.Old), stars(f.New)}
		}
	}
	return all
}

// stars stand for the value of a secret variable, if there is one.
func stars(value string) string {
	if value == "" {
		return ""
	}
	return "********"
}
