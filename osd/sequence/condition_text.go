package sequence

import (
	"fmt"
	"strings"
)

// String is the condition for people: _SMSTSModel like "Opti*" and not (file /etc/x exists).
func (c *Condition) String() string { return c.text(false) }

// short are the comparisons as short as they can be said.
var short = map[string]string{"equals": "is", "notEquals": "is not", "greater": ">", "greaterOrEqual": ">=", "less": "<", "lessOrEqual": "<=",
	"like": "like", "notLike": "not like"}

// text writes the condition; inside another one, a list stands in brackets.
func (c *Condition) text(inner bool) string {
	switch {
	case c == nil:
		return ""
	case c.All != nil:
		return list(c.All, " and ", inner)
	case c.Any != nil:
		return list(c.Any, " or ", inner)
	case c.None != nil:
		return "not (" + list(c.None, " or ", false) + ")"
	case c.Query != "":
		return "found: " + c.Query
	}
	subjects := c.subjects()
	if len(subjects) != 1 {
		return "nothing"
	}
	s := subjects[0]
	for _, op := range c.operators(false) {
		if op.want != nil {
			return fmt.Sprintf("%s %s %q", s.label(), short[op.name], *op.want)
		}
	}
	return s.existence(c.Exists == nil || *c.Exists)
}

func list(conditions []Condition, between string, inner bool) string {
	all := make([]string, len(conditions))
	for i := range conditions {
		all[i] = conditions[i].text(len(conditions) > 1)
	}
	text := strings.Join(all, between)
	if inner && len(conditions) > 1 {
		text = "(" + text + ")"
	}
	return text
}
