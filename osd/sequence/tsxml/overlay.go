package tsxml

import (
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// group writes a group; nodes is the XML of what it holds.
func (x *exporter) group(g *sequence.Group, nodes []string) (string, error) {
	want := groupOutput(g)
	if g.Imported == "" {
		w := &conditionWriter{}
		text := startTag("group", "", want.attrs) + conditionXML(w, g.Condition) + "\n" + strings.Join(nodes, "\n") + "\n</group>"
		return text, unlike(w.lost)
	}
	doc, e, err := fragment(g.Imported)
	if err != nil {
		return "", err
	}
	x.importer.doc = doc
	was := x.groupAlone(e)
	o := overlay{doc: doc, el: e, in: newInput(e), edits: fill(e, nodes)}
	return o.apply(groupOutput(was), want, was.Condition, g.Condition)
}

// step writes a step.
func (x *exporter) step(s sequence.Step) (string, error) {
	kept := s.Common().Imported
	if kept == "" {
		return x.freshStep(s)
	}
	doc, e, err := fragment(kept)
	if err != nil {
		return "", err
	}
	x.importer.doc = doc
	var was sequence.Step
	if _, ok := s.(*sequence.Unknown); ok {
		was = x.unknown(e)
	} else {
		was = x.importer.step(e)
	}
	was.Common().Imported = kept
	switch {
	case was.Type() != s.Type():
		return x.freshStep(s)
	case same(was, s):
		return kept, nil
	}
	o := overlay{doc: doc, el: e, in: newInput(e)}
	return o.apply(x.output(was), x.output(s), was.Common().Condition, s.Common().Condition)
}

// overlay puts what was changed of a node into its kept XML.
type overlay struct {
	doc   *document
	el    *element
	in    *input
	edits []edit
	vars  []variable // new ones
	more  string     // what is new in the node beside them
	lost  []string   // what XML has no place for
}

// apply brings the node from what it was to what it is wanted to be.
func (o *overlay) apply(was, want *output, before, after *sequence.Condition) (string, error) {
	o.lost = want.lost
	for _, a := range want.attrs {
		if !slices.Contains(was.attrs, a) {
			o.attribute(a)
		}
	}
	o.variables(was, want)
	if was.action != want.action {
		o.action(want.action)
	}
	if !same(before, after) {
		o.condition(before, after)
	}
	if o.more != "" {
		o.edits = append(o.edits, o.el.add(o.more))
	}
	return apply(o.doc.src, o.edits), unlike(o.lost)
}

// attribute sets an attribute, or the variable that the node has in its place, or both.
func (o *overlay) attribute(a attribute) {
	if a.property != "" && o.in.element(a.property) != nil {
		o.variable(variable{a.property, a.property, a.value})
		if _, ok := o.el.lookup(a.name); !ok {
			return
		}
	}
	o.edits = append(o.edits, o.doc.setAttr(o.el, a.name, a.value))
}

func (o *overlay) variable(v variable) {
	if el := o.in.element(v.property, v.name); el != nil {
		o.edits = append(o.edits, el.setContent(escape(v.value)))
	} else {
		o.vars = append(o.vars, v)
	}
}

// variables sets those that are other than they were, and takes those away that the model has no
// more, such as those of a volume. The toolkit's own steps are their command alone.
func (o *overlay) variables(was, want *output) {
	if o.el.name == "step" && isToolkit(typeOf(o.el)) {
		return
	}
	for _, v := range want.vars {
		if !slices.Contains(was.vars, v) {
			o.variable(v)
		}
	}
	for _, v := range was.vars {
		gone := !slices.ContainsFunc(want.vars, func(w variable) bool { return w.property == v.property })
		if el := o.in.element(v.property, v.name); gone && el != nil {
			o.edits = append(o.edits, edit{el.start, el.end, ""})
		}
	}
	text := ""
	for _, v := range o.vars {
		text += v.xml()
	}
	if list := o.el.first("defaultVarList"); list != nil && text != "" {
		o.edits = append(o.edits, list.add(text))
	} else if text != "" {
		o.more += "<defaultVarList>" + text + "</defaultVarList>"
	}
}

// action brings the command line up to date, where it is one of the product or the command itself.
func (o *overlay) action(text string) {
	old := action(o.el)
	if m := runForm.FindStringSubmatch(text); m != nil && old != "" && !runForm.MatchString(old) {
		text = m[2] // the deployment toolkit's steps have the command itself there
	} else if old != "" && !strings.EqualFold(firstWord(old), firstWord(text)) {
		return // a script of the toolkit, which reads the variables
	}
	if a := o.el.first("action"); a != nil {
		o.edits = append(o.edits, a.setContent(escape(text)))
	} else {
		o.more += "<action>" + escape(text) + "</action>"
	}
}

// condition brings the condition and runIn up to date.
func (o *overlay) condition(before, after *sequence.Condition) {
	limited := stage(o.el.attr("runIn"))
	rest, ok := part(limited, after)
	if limited != nil && !ok {
		o.edits = append(o.edits, o.doc.setAttr(o.el, "runIn", inBoth))
	}
	if was, _ := part(limited, before); same(was, rest) {
		return
	}
	w := newConditionWriter(o.doc, o.el)
	all := o.el.elements("condition")
	if len(all) == 0 {
		o.more += conditionXML(w, rest)
	}
	for i, c := range all {
		if i == 0 {
			o.edits = append(o.edits, c.setContent(w.content(rest)))
		} else {
			o.edits = append(o.edits, edit{c.start, c.end, ""})
		}
	}
	o.lost = append(slices.Clone(o.lost), w.lost...)
}
