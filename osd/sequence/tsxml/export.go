package tsxml

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// Export writes a sequence. A node that is as it was imported is written as it was; one that was
// changed keeps what the model does not know. What XML has no place for is an error that names
// it, except secrets (the names of Secret objects) and rerunnable.
func Export(s *sequence.Sequence) ([]byte, error) {
	x := &exporter{importer: newImporter(nil, 1)}
	nodes, err := x.nodes(s.Steps, nil)
	if err != nil {
		return nil, fmt.Errorf("task sequence %q: %w", s.Name, err)
	}
	if s.Imported == "" {
		return []byte(fresh(s, nodes)), nil
	}
	out, err := x.document(s, nodes)
	if err != nil {
		return nil, fmt.Errorf("task sequence %q: %w", s.Name, err)
	}
	return []byte(out), nil
}

// exporter writes nodes. It reads kept XML as import does, to see what was changed since.
type exporter struct{ *importer }

const declaration = `<?xml version="1.0" encoding="utf-8"?>` + "\n"

// fresh writes a sequence that was not imported.
func fresh(s *sequence.Sequence, nodes []string) string {
	var b strings.Builder
	b.WriteString(declaration + `<sequence version="3.00" name="` + quote(s.Name) + `" description="` + quote(s.Comment) + `">` + "\n")
	if len(s.Variables) > 0 {
		b.WriteString("<globalVarList>" + variablesXML(s.Variables, slices.Sorted(maps.Keys(s.Variables))) + "</globalVarList>\n")
	}
	b.WriteString(strings.Join(nodes, "\n") + "\n</sequence>\n")
	return b.String()
}

func variablesXML(values map[string]string, names []string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteString(variable{name, name, values[name]}.xml())
	}
	return b.String()
}

func (v variable) xml() string {
	return `<variable name="` + quote(v.name) + `" property="` + quote(v.property) + `">` + escape(v.value) + "</variable>"
}

// document puts nodes into the kept document of a sequence.
func (x *exporter) document(s *sequence.Sequence, nodes []string) (string, error) {
	h, err := find(s.Imported, true)
	if err != nil {
		return "", err
	}
	edits := fill(h.at, nodes)
	if was := clean(h.at.attr("description"), 4096); was != s.Comment && h.at.name != "" {
		edits = append(edits, h.doc.setAttr(h.at, "description", s.Comment))
	}
	was := newImporter(h.doc, 1).variables(h.at)
	if !maps.Equal(was, s.Variables) && h.at.name != "" {
		edits = append(edits, variableEdits(h.at, was, s.Variables)...)
	}
	src := apply(h.doc.src, edits)
	if h.outer != nil {
		src = h.quote(src)
	}
	return src, nil
}

// fill puts nodes in place of the marks of an element: the first in place of the first. What is
// over stands behind the last one.
func fill(e *element, nodes []string) []edit {
	var marks []kid
	for _, k := range e.kids {
		if k.other == placeholder {
			marks = append(marks, k)
		}
	}
	if len(marks) == 0 {
		if len(nodes) == 0 {
			return nil
		}
		return []edit{e.add("\n" + strings.Join(nodes, "\n") + "\n")}
	}
	var edits []edit
	for i, m := range marks {
		text := ""
		if i < len(nodes) {
			text = nodes[i]
		}
		if i == len(marks)-1 && len(nodes) > len(marks) {
			text = strings.Join(nodes[i:], "\n")
		}
		edits = append(edits, edit{m.start, m.end, text})
	}
	return edits
}

// variableEdits bring the variables of a kept sequence to those of the model.
func variableEdits(at *element, was, want map[string]string) []edit {
	var edits []edit
	var fresh []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if old, ok := was[name]; !ok {
			fresh = append(fresh, name)
		} else if v := globalVariable(at, name); v != nil && old != want[name] {
			edits = append(edits, v.setContent(escape(want[name])))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if _, ok := want[name]; !ok {
			if v := globalVariable(at, name); v != nil {
				edits = append(edits, v.setContent(""))
			}
		}
	}
	if len(fresh) == 0 {
		return edits
	}
	text := variablesXML(want, fresh)
	if list := at.first("globalVarList"); list != nil {
		return append(edits, list.add(text))
	}
	return append(edits, edit{at.open, at.open, "<globalVarList>" + text + "</globalVarList>"})
}

func globalVariable(at *element, name string) *element {
	for _, list := range at.elements("globalVarList") {
		for _, v := range list.elements("variable") {
			if cmp.Or(v.attr("name"), v.attr("property")) == name && v.text() != "" {
				return v
			}
		}
	}
	return nil
}

func (x *exporter) nodes(nodes []sequence.Node, path []string) ([]string, error) {
	var out []string
	for _, n := range nodes {
		var text string
		var err error
		switch {
		case n.Group != nil:
			path := append(path[:len(path):len(path)], n.Group.Name)
			var inner []string
			if inner, err = x.nodes(n.Group.Steps, path); err != nil {
				return nil, err
			}
			if text, err = x.group(n.Group, inner); err != nil {
				err = fmt.Errorf("group %q: %w", strings.Join(path, " > "), err)
			}
		case n.Step != nil:
			if text, err = x.step(n.Step); err != nil {
				err = fmt.Errorf("step %q: %w", strings.Join(append(path[:len(path):len(path)], sequence.Title(n.Step)), " > "), err)
			}
		default:
			err = errors.New("a node is neither a group nor a step")
		}
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// unlike is the error of fields that XML has no place for.
func unlike(lost []string) error {
	if len(lost) == 0 {
		return nil
	}
	return fmt.Errorf("XML has no place for %s: leave it out, or keep the sequence as YAML", strings.Join(lost, ", "))
}
