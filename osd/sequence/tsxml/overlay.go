package tsxml

import (
	"slices"
	"strconv"
	"strings"
	"time"

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
	edits := fill(e, nodes)
	if lost := x.changes(doc, e, groupOutput(was), want, was.Condition, g.Condition, &edits); lost != nil {
		return "", unlike(lost)
	}
	return apply(doc.src, edits), nil
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
	case same(was, s) && was.Type() == s.Type():
		return kept, nil
	case was.Type() != s.Type():
		return x.freshStep(s)
	}
	before, want := x.output(was), x.output(s)
	if len(want.lost) > 0 {
		return "", unlike(want.lost)
	}
	var edits []edit
	if lost := x.changes(doc, e, before, want, was.Common().Condition, s.Common().Condition, &edits); lost != nil {
		return "", unlike(lost)
	}
	return apply(doc.src, edits), nil
}

// freshStep writes a step that has no kept XML.
func (x *exporter) freshStep(s sequence.Step) (string, error) {
	out, w := x.output(s), &conditionWriter{}
	name, condition := sequence.Title(s), s.Common().Condition
	runIn := inBoth
	for _, where := range []string{inWinPE, inFullOS} {
		if rest, ok := part(stage(where), condition); ok {
			runIn, condition = where, rest
			break
		}
	}
	out.attrs[0].value = name
	attrs := append(out.attrs, attribute{name: "runIn", value: runIn})
	text := startTag("step", xmlName(s), attrs) + "<action>" + escape(out.action) + "</action><defaultVarList>"
	for _, v := range out.vars {
		text += v.xml()
	}
	text += "</defaultVarList>" + conditionXML(w, condition) + "</step>"
	return text, unlike(append(out.lost, w.lost...))
}

func xmlName(s sequence.Step) string {
	if u, ok := s.(*sequence.Unknown); ok {
		return u.XML
	}
	for _, info := range sequence.Types() {
		if info.Type == s.Type() {
			return info.XML
		}
	}
	return ""
}

func startTag(name, kind string, attrs []attribute) string {
	text := "<" + name
	if kind != "" {
		text += ` type="` + quote(kind) + `"`
	}
	for _, a := range attrs {
		text += " " + a.name + `="` + quote(a.value) + `"`
	}
	return text + ">"
}

func conditionXML(w *conditionWriter, c *sequence.Condition) string {
	if c == nil {
		return ""
	}
	return "<condition>" + w.content(c) + "</condition>"
}

func groupOutput(g *sequence.Group) *output {
	o := sequence.Options{Name: g.Name, Description: g.Description, Disabled: g.Disabled, ContinueOnError: g.ContinueOnError}
	return &output{attrs: commonAttrs(&o)}
}

func commonAttrs(o *sequence.Options) []attribute {
	return []attribute{{name: "name", value: o.Name}, {name: "description", value: o.Description},
		{name: "disable", value: strconv.FormatBool(o.Disabled)}, {name: "continueOnError", value: strconv.FormatBool(o.ContinueOnError)}}
}

// output is a step as XML has it, without its condition.
func (x *exporter) output(s sequence.Step) *output {
	o := s.Common()
	out := &output{attrs: commonAttrs(o)}
	codes := "0"
	if o.SuccessCodes != nil {
		var words []string
		for _, c := range o.SuccessCodes {
			words = append(words, strconv.Itoa(c))
		}
		codes = strings.Join(words, " ")
	}
	retries := 0
	if o.Retry != nil {
		retries = o.Retry.Count
		out.cannot("retry.delay", o.Retry.Delay != 0)
	}
	out.attrs = append(out.attrs, attribute{"successCodeList", codes, "SuccessCodes"},
		attribute{"timeout", strconv.Itoa(int(time.Duration(o.Timeout) / time.Second)), "Timeout"}, attribute{"retryCount", strconv.Itoa(retries), "RetryCount"})
	if c, ok := x.codecs[s.Type()]; ok {
		c.write(out, s)
	}
	return out
}

// changes brings a kept node from what it was to what it is wanted to be. It returns what XML has
// no place for.
func (x *exporter) changes(doc *document, e *element, was, want *output, before, after *sequence.Condition, edits *[]edit) []string {
	in := newInput(e)
	var added []variable
	set := func(v variable) {
		if el := in.element(v.property, v.name); el != nil {
			*edits = append(*edits, el.setContent(escape(v.value)))
		} else {
			added = append(added, v)
		}
	}
	for _, a := range want.attrs {
		if slices.Contains(was.attrs, a) {
			continue
		}
		if a.property != "" && in.element(a.property) != nil {
			set(variable{a.property, a.property, a.value})
			if _, ok := e.lookup(a.name); !ok {
				continue
			}
		}
		*edits = append(*edits, doc.setAttr(e, a.name, a.value))
	}
	toolkit := e.name == "step" && isToolkit(typeOf(e))
	for _, v := range want.vars {
		if !slices.Contains(was.vars, v) && !toolkit {
			set(v)
		}
	}
	x.removed(in, was, want, edits)
	more := ""
	if len(added) > 0 {
		text := ""
		for _, v := range added {
			text += v.xml()
		}
		if list := e.first("defaultVarList"); list != nil {
			*edits = append(*edits, list.add(text))
		} else {
			more += "<defaultVarList>" + text + "</defaultVarList>"
		}
	}
	more += x.actionChange(e, was, want, edits)
	lost, condition := x.conditionChange(doc, e, before, after, edits)
	if more += condition; more != "" {
		*edits = append(*edits, e.add(more))
	}
	return lost
}

// removed empties the variables that the model has no more, such as those of volumes.
func (x *exporter) removed(in *input, was, want *output, edits *[]edit) {
	for _, v := range was.vars {
		gone := !slices.ContainsFunc(want.vars, func(w variable) bool { return w.property == v.property })
		if el := in.element(v.property, v.name); gone && el != nil {
			*edits = append(*edits, edit{el.start, el.end, ""})
		}
	}
}

// actionChange brings the command line of a node up to date, where it is one of the product or the
// command itself. It returns what is to be added to the node.
func (x *exporter) actionChange(e *element, was, want *output, edits *[]edit) string {
	if was.action == want.action {
		return ""
	}
	text, old := want.action, action(e)
	if m := runForm.FindStringSubmatch(want.action); m != nil && old != "" && !runForm.MatchString(old) {
		text = m[2] // the deployment toolkit's steps have the command itself there
	} else if old != "" && !strings.EqualFold(firstWord(old), firstWord(want.action)) {
		return "" // a script of the toolkit, which reads the variables
	}
	if a := e.first("action"); a != nil {
		*edits = append(*edits, a.setContent(escape(text)))
		return ""
	}
	return "<action>" + escape(text) + "</action>"
}

// conditionChange brings the condition and runIn up to date. It returns what XML has no place for
// and what is to be added to the node.
func (x *exporter) conditionChange(doc *document, e *element, before, after *sequence.Condition, edits *[]edit) (lost []string, add string) {
	if same(before, after) {
		return nil, ""
	}
	limited := stage(e.attr("runIn"))
	rest, ok := part(limited, after)
	if limited != nil && !ok {
		*edits = append(*edits, doc.setAttr(e, "runIn", inBoth))
	}
	if was, _ := part(limited, before); same(was, rest) {
		return nil, ""
	}
	w := newConditionWriter(doc, e)
	content := w.content(rest)
	all := e.elements("condition")
	for i, c := range all {
		if i == 0 {
			*edits = append(*edits, c.setContent(content))
		} else {
			*edits = append(*edits, edit{c.start, c.end, ""})
		}
	}
	if len(all) == 0 {
		add = conditionXML(w, rest)
	}
	return w.lost, add
}
