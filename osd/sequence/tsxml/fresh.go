package tsxml

import (
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/sequence"
)

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
	kind, tag := xmlName(s), "step"
	if strings.EqualFold(kind, xmlOf(sequence.TypeRunTaskSequence)) {
		tag = subSequence
	}
	text := startTag(tag, kind, attrs) + "<action>" + escape(out.action) + "</action><defaultVarList>"
	for _, v := range out.vars {
		text += v.xml()
	}
	text += "</defaultVarList>" + conditionXML(w, condition) + "</" + tag + ">"
	return text, unlike(append(out.lost, w.lost...))
}

func xmlName(s sequence.Step) string {
	if u, ok := s.(*sequence.Unknown); ok {
		return u.XML
	}
	return xmlOf(s.Type())
}

// xmlOf is the name of a step type in XML.
func xmlOf(t sequence.Type) string {
	for _, info := range sequence.Types() {
		if info.Type == t {
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
	if s.Type() != sequence.TypeInstallPackage { // what was imported stays
		out.attrs = append(out.attrs, attribute{"successCodeList", codes, "SuccessCodes"})
	}
	out.attrs = append(out.attrs, attribute{"timeout", strconv.Itoa(int(time.Duration(o.Timeout) / time.Second)), "Timeout"}, attribute{"retryCount", strconv.Itoa(retries), "RetryCount"})
	if c, ok := x.codecs[s.Type()]; ok {
		c.write(out, s)
	}
	return out
}
