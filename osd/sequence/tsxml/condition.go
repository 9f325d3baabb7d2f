package tsxml

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/sequence"
)

// condition reads the condition of a node, with that of its attribute runIn. The error says what
// the model cannot express.
func (im *importer) condition(e *element) (*sequence.Condition, error) {
	var all []sequence.Condition
	for _, c := range e.elements("condition") {
		more, err := operands(c)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	c := join(stage(e.attr("runIn")), grouped(all))
	if err := problem(sequence.Node{Step: &sequence.RunCommandLine{Options: sequence.Options{Condition: c}, Command: "true"}}); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), string(sequence.TypeRunCommandLine)+"."))
	}
	return c, nil
}

// grouped is the implicit AND.
func grouped(all []sequence.Condition) *sequence.Condition {
	switch len(all) {
	case 0:
		return nil
	case 1:
		return &all[0]
	}
	return &sequence.Condition{All: all}
}

// operands reads what a condition or an operator holds. Empty operators do not count.
func operands(e *element) ([]sequence.Condition, error) {
	var all []sequence.Condition
	for _, k := range e.elements() {
		if k.name == "platformKey" { // what the queries beside it ask, for the editor
			continue
		}
		c, err := operand(k)
		if err != nil {
			return nil, err
		}
		if c != nil {
			all = append(all, *c)
		}
	}
	return all, nil
}

func operand(e *element) (*sequence.Condition, error) {
	if e.name == "expression" {
		return expression(e)
	}
	kind := strings.ToLower(strings.TrimSpace(e.attr("type")))
	switch e.name {
	case "operator":
	case "osConditionGroup":
		kind = cmp.Or(kind, "or")
	case "osExpressionGroup":
		kind = cmp.Or(kind, "and")
	default:
		return nil, fmt.Errorf("it holds <%s>, which is not known", e.name)
	}
	all, err := operands(e)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	switch kind {
	case "and", "all":
		return &sequence.Condition{All: all}, nil
	case "or", "any":
		return &sequence.Condition{Any: all}, nil
	case "not", "none":
		return &sequence.Condition{None: all}, nil
	}
	return nil, fmt.Errorf("the operator %q is not known", kind)
}

func expression(e *element) (*sequence.Condition, error) {
	v := map[string]string{}
	for _, k := range e.elements("variable") {
		if name := strings.ToLower(k.attr("name")); v[name] == "" {
			v[name] = k.text()
		}
	}
	kind := strings.TrimSpace(e.attr("type"))
	switch strings.TrimSuffix(strings.TrimPrefix(kind, "SMS_TaskSequence_"), "ConditionExpression") {
	case "Variable":
		return withComparison(sequence.Condition{Variable: strings.TrimSpace(v["variable"])}, v["operator"], v["value"])
	case "MakeModel":
		return &sequence.Condition{All: []sequence.Condition{like("_SMSTSMake", v["make"]), like("_SMSTSModel", v["model"])}}, nil
	case "WMI":
		return &sequence.Condition{Query: strings.TrimSpace(v["query"])}, nil
	case "File":
		if v["versionoperator"] != "" || v["version"] != "" {
			return nil, errors.New("it compares the version of a file")
		}
		return changed(sequence.Condition{File: v["path"]}, v)
	case "Folder":
		return changed(sequence.Condition{Folder: v["path"]}, v)
	case "Software":
		c := sequence.Condition{Software: cmp.Or(v["productname"], v["productcode"], v["upgradecode"])}
		if strings.EqualFold(strings.TrimSpace(v["operator"]), "ThisVersion") && v["version"] != "" {
			c.Equals = pointer(v["version"])
		}
		return &c, nil
	case "Registry":
		key := v["keypath"]
		if v["value"] != "" {
			key += `\` + v["value"]
		}
		return withComparison(sequence.Condition{Registry: key}, v["operator"], v["data"])
	}
	return nil, fmt.Errorf("expressions of type %q are not known", kind)
}

func like(variable, pattern string) sequence.Condition {
	return sequence.Condition{Variable: variable, Comparison: sequence.Comparison{Like: &pattern}}
}

func pointer[T any](v T) *T { return &v }

func withComparison(c sequence.Condition, operator, value string) (*sequence.Condition, error) {
	switch strings.ToLower(strings.TrimSpace(operator)) {
	case "exists":
		c.Exists = pointer(true)
	case "notexists", "nonexists":
		c.Exists = pointer(false)
	case "equals":
		c.Equals = &value
	case "notequals":
		c.NotEquals = &value
	case "greater", "greaterthan":
		c.Greater = &value
	case "greaterequal", "greaterorequal", "greaterthanorequal":
		c.GreaterOrEqual = &value
	case "less", "lessthan":
		c.Less = &value
	case "lessequal", "lessorequal", "lessthanorequal":
		c.LessOrEqual = &value
	case "like":
		c.Like = &value
	case "notlike":
		c.NotLike = &value
	default:
		return nil, fmt.Errorf("the comparison %q is not known", operator)
	}
	return &c, nil
}

// changed reads the comparison of a time.
func changed(c sequence.Condition, v map[string]string) (*sequence.Condition, error) {
	if strings.TrimSpace(v["datetimeoperator"]) == "" {
		return &c, nil
	}
	at, err := moment(v["datetime"])
	if err != nil {
		return nil, err
	}
	return withComparison(c, v["datetimeoperator"], at.UTC().Format(time.RFC3339))
}

// cimTime is the time of WMI in UTC (DSP0004, section 5.2.4).
var cimTime = regexp.MustCompile(`^([0-9]{14})(\.[0-9*]{6})?([+]([0-9]{3}|\*\*\*))?$`)

func moment(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if m := cimTime.FindStringSubmatch(s); m != nil && (m[4] == "" || m[4] == "000" || m[4] == "***") {
		return time.Parse("20060102150405", m[1])
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02", "01/02/2006 15:04:05"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("the time %q cannot be read", s)
}
