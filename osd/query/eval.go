package query

import "strings"

// truth has three values, as in SQL and WQL: a comparison with a property that
// has no value is neither true nor false, and its negation is neither as well.
type truth int8

const (
	no      truth = -1
	unknown truth = 0
	yes     truth = 1
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// Record is one instance of a class: values by the lower-case name of the
// property. No values mean null, several that any of them may fit.
type Record map[string][]Value

// node is a part of WHERE.
type node interface{ eval(row []Record) truth }

type and struct{ left, right node }
type or struct{ left, right node }
type not struct{ of node }

func (n and) eval(row []Record) truth { return min(n.left.eval(row), n.right.eval(row)) }
func (n or) eval(row []Record) truth  { return max(n.left.eval(row), n.right.eval(row)) }
func (n not) eval(row []Record) truth { return -n.of.eval(row) }

// operand is a property of a class, or a literal.
type operand struct {
	class    int    // index of the class; -1: a literal
	property string // lower case
	values   []Value
	null     bool // a literal or a list holds NULL
}

func (o operand) get(row []Record) []Value {
	if o.class < 0 {
		return o.values
	}
	return row[o.class][o.property]
}

// comparison holds two operands against each other; of several values one must
// fit.
type comparison struct {
	left, right operand
	fits        func(a, b Value) bool
}

func (n comparison) eval(row []Record) truth {
	left, right := n.left.get(row), n.right.get(row)
	if len(left) == 0 || len(right) == 0 {
		return unknown
	}
	for _, a := range left {
		for _, b := range right {
			if n.fits(a, b) {
				return yes
			}
		}
	}
	if n.right.null {
		return unknown // as in SQL: it might be the one that is not known
	}
	return no
}

// isNull is IS NULL.
type isNull struct{ of operand }

func (n isNull) eval(row []Record) truth { return truthOf(len(n.of.get(row)) == 0) }

// relations are the comparisons; <> is the negation of =.
func relation(operator string) func(a, b Value) bool {
	switch operator {
	case "=":
		return func(a, b Value) bool { return compare(a, b) == 0 }
	case "<":
		return func(a, b Value) bool { return compare(a, b) < 0 }
	case "<=":
		return func(a, b Value) bool { return compare(a, b) <= 0 }
	case ">":
		return func(a, b Value) bool { return compare(a, b) > 0 }
	case ">=":
		return func(a, b Value) bool { return compare(a, b) >= 0 }
	case "like":
		return func(a, b Value) bool { return like(b.folded, a.folded) }
	}
	return nil
}

// Like holds a text against a pattern without regard to case: % is any text, _
// any character, [abc] and [a-z] one of them, [^abc] none of them.
func Like(pattern, text string) bool {
	return like(strings.ToLower(pattern), strings.ToLower(text))
}

// like takes time in proportion to the product of both lengths at worst: only
// the last % is ever tried again.
func like(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	i, j, back, mark := 0, 0, -1, 0
	for j < len(t) {
		if i < len(p) && p[i] == '%' {
			back, mark, i = i+1, j, i+1
			continue
		}
		if width, fits := one(p[i:], t[j]); fits {
			i, j = i+width, j+1
			continue
		}
		if back < 0 {
			return false
		}
		mark++
		i, j = back, mark // the last % takes one more character
	}
	for i < len(p) && p[i] == '%' {
		i++
	}
	return i == len(p)
}

// one holds a character against the first element of a pattern.
func one(p []rune, c rune) (width int, fits bool) {
	switch {
	case len(p) == 0:
		return 0, false
	case p[0] == '_':
		return 1, true
	case p[0] == '[':
		if end := indexRune(p[1:], ']'); end > 0 {
			return end + 2, inSet(p[1:end+1], c)
		}
	}
	return 1, p[0] == c
}

func indexRune(p []rune, r rune) int {
	for i, c := range p {
		if c == r {
			return i
		}
	}
	return -1
}

func inSet(set []rune, c rune) bool {
	negated := set[0] == '^' && len(set) > 1
	if negated {
		set = set[1:]
	}
	found := false
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			found = found || set[i] <= c && c <= set[i+2]
			i += 2
			continue
		}
		found = found || set[i] == c
	}
	return found != negated
}
