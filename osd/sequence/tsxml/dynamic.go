package tsxml

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// rulesProperty holds the rules of a step Set Dynamic Variables, as a document of their own.
const rulesProperty = "Rules"

// readDynamicVariables reads rules. Ones that cannot be read leave the step without: it is then
// not valid.
func readDynamicVariables(in *input) *sequence.SetDynamicVariables {
	s := &sequence.SetDynamicVariables{}
	doc, err := parse(in.rulesText(), false)
	if err != nil || doc.root() == nil {
		in.warn("its rules cannot be read")
		return s
	}
	for _, e := range doc.root().elements() {
		r, err := rule(e)
		if err != nil {
			in.warn("its rules cannot be expressed: %v", err)
			return &sequence.SetDynamicVariables{}
		}
		s.Rules = append(s.Rules, r)
	}
	return s
}

// rulesText is the text of the variable that holds the rules.
func (in *input) rulesText() string {
	for _, list := range in.el.elements("defaultVarList") {
		for _, v := range list.elements("variable") {
			if text := strings.TrimSpace(v.text()); strings.HasPrefix(text, "<") {
				return text
			}
		}
	}
	return ""
}

func rule(e *element) (sequence.Rule, error) {
	r := sequence.Rule{Variables: map[string]string{}}
	for _, k := range e.elements() {
		switch strings.ToLower(k.name) {
		case "variables":
			for _, v := range k.elements() {
				name := v.attr("Name") + v.attr("name")
				if !strings.EqualFold(v.name, "variable") || len(v.elements()) > 0 {
					return r, fmt.Errorf("<%s> is not known among the variables of a rule", v.name)
				}
				if _, twice := r.Variables[name]; twice {
					return r, fmt.Errorf("a rule sets %s twice", name)
				}
				r.Variables[name] = v.text()
			}
		case "condition":
			all, err := operands(k)
			if err != nil {
				return r, err
			}
			if r.Condition != nil && len(all) > 0 {
				return r, fmt.Errorf("a rule has two conditions")
			}
			r.Condition = grouped(all)
		default:
			return r, fmt.Errorf("<%s> is not known in a rule", k.name)
		}
	}
	return r, nil
}

func writeDynamicVariables(out *output, s *sequence.SetDynamicVariables) {
	var b strings.Builder
	b.WriteString("<Rules>")
	for i, r := range s.Rules {
		b.WriteString("<Rule>")
		if r.Condition != nil {
			w := conditionWriter{}
			b.WriteString("<condition>" + w.operand(r.Condition) + "</condition>")
			for _, lost := range w.lost {
				out.cannot(fmt.Sprintf("rules[%d].condition.%s", i, lost), true)
			}
		}
		b.WriteString("<Variables>")
		for _, name := range slices.Sorted(maps.Keys(r.Variables)) {
			b.WriteString(`<Variable Name="` + quote(name) + `" IsSecret="false">` + escape(r.Variables[name]) + "</Variable>")
		}
		b.WriteString("</Variables></Rule>")
	}
	b.WriteString("</Rules>")
	out.set(rulesProperty, "OSDSetDynamicVariablesRules", b.String())
	out.run("OSDSetDynamicVariables.exe")
}
