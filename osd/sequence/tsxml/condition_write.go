package tsxml

import (
	"encoding/json"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// conditionWriter writes conditions. Parts that the kept XML has are taken from there, with all
// that the model does not know of them.
type conditionWriter struct {
	kept map[string]string // XML by the JSON of its condition
	lost []string          // what XML has no place for
}

// newConditionWriter knows the conditions of a node as it was kept.
func newConditionWriter(doc *document, node *element) *conditionWriter {
	w := &conditionWriter{kept: map[string]string{}}
	for _, c := range node.elements("condition") {
		c.walk(func(e *element) bool {
			if e == c || e.name == "variable" {
				return false
			}
			if model, err := operand(e); err == nil && model != nil {
				w.kept[key(model)] = doc.raw(e)
			}
			return false
		})
	}
	return w
}

// key names a condition by what it is.
func key(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// same compares parts of the model.
func same[T any](a, b T) bool { return key(a) == key(b) }

// content is what <condition> holds.
func (w *conditionWriter) content(c *sequence.Condition) string {
	if c == nil {
		return ""
	}
	return w.operand(c)
}

func (w *conditionWriter) operand(c *sequence.Condition) string {
	if kept := w.kept[key(c)]; kept != "" {
		return kept
	}
	switch {
	case c.All != nil:
		return w.operator("and", c.All)
	case c.Any != nil:
		return w.operator("or", c.Any)
	case c.None != nil:
		return w.operator("not", c.None)
	}
	return w.expression(c)
}

func (w *conditionWriter) operator(kind string, all []sequence.Condition) string {
	var b strings.Builder
	b.WriteString(`<operator type="` + kind + `">`)
	for i := range all {
		b.WriteString(w.operand(&all[i]))
	}
	b.WriteString("</operator>")
	return b.String()
}

func (w *conditionWriter) expression(c *sequence.Condition) string {
	operator, value := comparison(c)
	switch {
	case c.Variable != "":
		return expressionXML("Variable", "Operator", operator, "Value", value, "Variable", c.Variable)
	case c.Query != "":
		return expressionXML("WMI", "Namespace", `root\cimv2`, "Query", c.Query)
	case c.Registry != "":
		if operator == "" {
			operator = "exists"
		}
		return expressionXML("Registry", "Operator", operator, "KeyPath", c.Registry, "Type", "", "Value", "", "Data", value)
	case c.File != "":
		return w.existing(c, operator, "File", "Path", c.File, "DateTimeOperator", operator, "DateTime", value)
	case c.Folder != "":
		return w.existing(c, operator, "Folder", "Path", c.Folder, "DateTimeOperator", operator, "DateTime", value)
	case c.Software != "" && c.Equals != nil:
		return expressionXML("Software", "Operator", "ThisVersion", "ProductName", c.Software, "Version", value)
	case c.Software != "":
		if operator != "" && c.Exists == nil {
			w.lost = append(w.lost, "software: "+operator)
		}
		return w.existing(c, "", "Software", "Operator", "AnyVersion", "ProductName", c.Software)
	}
	w.lost = append(w.lost, "operatingSystem")
	return ""
}

// existing writes an expression that asks whether something exists, or its contrary.
func (w *conditionWriter) existing(c *sequence.Condition, operator, kind string, pairs ...string) string {
	if c.Exists == nil {
		if operator == "like" || operator == "notLike" {
			w.lost = append(w.lost, strings.ToLower(kind)+": "+operator)
		}
		return expressionXML(kind, pairs...)
	}
	if kind != "Software" {
		pairs = pairs[:2] // the path alone
	}
	xml := expressionXML(kind, pairs...)
	if !*c.Exists {
		return `<operator type="not">` + xml + "</operator>"
	}
	return xml
}

// comparison is the operator of a condition as XML has it.
func comparison(c *sequence.Condition) (operator, value string) {
	if c.Exists != nil {
		return map[bool]string{true: "exists", false: "notExists"}[*c.Exists], ""
	}
	for _, op := range []struct {
		name  string
		value *string
	}{
		{"equals", c.Equals}, {"notEquals", c.NotEquals}, {"greater", c.Greater}, {"greaterEqual", c.GreaterOrEqual},
		{"less", c.Less}, {"lessEqual", c.LessOrEqual}, {"like", c.Like}, {"notLike", c.NotLike},
	} {
		if op.value != nil {
			return op.name, *op.value
		}
	}
	return "", ""
}

func expressionXML(kind string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(`<expression type="SMS_TaskSequence_` + kind + `ConditionExpression">`)
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteString(`<variable name="` + pairs[i] + `">` + escape(pairs[i+1]) + "</variable>")
	}
	b.WriteString("</expression>")
	return b.String()
}
