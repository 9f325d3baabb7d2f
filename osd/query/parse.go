package query

import (
	"fmt"
	"slices"
	"strings"
)

// maxDepth bounds nested parentheses and NOTs, maxClasses the joins.
const (
	maxDepth   = 64
	maxClasses = 16
)

// refused are words of other dialects that this one does not have.
var refused = map[string]string{
	"order": "the order does not matter for a collection: leave ORDER BY out",
	"group": "leave GROUP BY out", "having": "leave HAVING out", "union": "give two query rules",
	"contains": "use LIKE '%…%'", "between": "use >= AND <=", "upper": "comparisons do not regard case: leave UPPER() out",
	"lower": "comparisons do not regard case: leave LOWER() out", "full": "use INNER JOIN or LEFT JOIN", "right": "use INNER JOIN or LEFT JOIN",
}

// Parse reads a query. The error is an *Error.
func Parse(query string) (*Query, error) {
	tokens, err := lex(query)
	if err != nil {
		return nil, err
	}
	p := &parser{text: query, tokens: tokens, q: &Query{text: query}}
	p.parse()
	if p.err != nil {
		return nil, p.err
	}
	return p.q, nil
}

type parser struct {
	text   string
	tokens []token
	depth  int
	err    *Error
	q      *Query
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

// is takes a word or a sign if it comes next.
func (p *parser) is(s string) bool {
	if t := p.peek(); (t.kind == word || t.kind == sign) && t.text == s {
		p.next()
		return true
	}
	return false
}

func (p *parser) want(s, remedy string) {
	if !p.is(s) {
		p.fail(p.peek(), fmt.Sprintf("%s is missing", strings.ToUpper(s)), remedy)
	}
}

func (p *parser) fail(t token, what, remedy string) {
	if p.err != nil {
		return
	}
	if hint, ok := refused[t.text]; ok && t.kind == word {
		what, remedy = strings.ToUpper(t.text)+" is not part of this language", hint
	}
	p.err = errorAt(p.text, t.at, what, remedy)
}

const example = "write SELECT * FROM SMS_R_System WHERE Name LIKE 'W12-%'"

func (p *parser) parse() {
	p.want("select", example)
	p.is("distinct")
	for p.err == nil && !p.is("from") {
		if t := p.next(); t.kind == end {
			p.fail(t, "FROM is missing", example)
		}
	}
	p.class(false)
	for p.err == nil {
		left := p.is("left")
		if left {
			p.is("outer")
		}
		if !left && !p.is("inner") && (p.peek().kind != word || p.peek().text != "join") {
			break
		}
		p.want("join", "write INNER JOIN class ON a.ResourceID = b.ResourceID")
		p.class(left)
		p.join()
	}
	if p.err == nil && p.is("where") {
		p.q.where = p.or()
	}
	if t := p.peek(); t.kind != end {
		p.fail(t, fmt.Sprintf("%q does not belong here", t.raw), "end the query before it, or join conditions with AND and OR")
	}
}

// class reads a class with its alias.
func (p *parser) class(left bool) {
	t := p.next()
	if t.kind != word || len(p.q.classes) >= maxClasses {
		p.fail(t, "the name of a class is missing, or there are too many", example)
		return
	}
	alias := t.text
	if p.is("as") || p.peek().kind == word && !slices.Contains([]string{"inner", "left", "join", "where", "on", "order", "group", "union", "full", "right"}, p.peek().text) {
		alias = p.next().text
	}
	if slices.Contains(p.q.aliases, alias) {
		p.fail(t, "the class "+t.raw+" is there twice", "give one of them another name: AS other")
	}
	p.q.classes, p.q.aliases, p.q.left = append(p.q.classes, t.raw), append(p.q.aliases, alias), append(p.q.left, left)
}

// join reads ON a.ResourceID = b.ResourceID: everything is joined by the
// machine, so nothing else may stand there.
func (p *parser) join() {
	p.want("on", "write ON a.ResourceID = b.ResourceID")
	for range 2 {
		t := p.next()
		ok := t.kind == word && slices.Contains(p.q.aliases, t.text) && p.is(".")
		if id := p.next(); !ok || id.text != "resourceid" && id.text != "resourceidex" {
			p.fail(t, "classes are joined by ResourceID only", "write ON a.ResourceID = b.ResourceID")
		}
		p.is("=")
	}
}

func (p *parser) or() node {
	n := p.and()
	for p.err == nil && p.is("or") {
		n = or{n, p.and()}
	}
	return n
}

func (p *parser) and() node {
	n := p.not()
	for p.err == nil && p.is("and") {
		n = and{n, p.not()}
	}
	return n
}

func (p *parser) not() node {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.peek(), fmt.Sprintf("more than %d levels of parentheses and NOT", maxDepth), "split it into several query rules")
		return nil
	}
	defer func() { p.depth-- }()
	switch {
	case p.is("not"):
		return not{p.not()}
	case p.is("("):
		n := p.or()
		p.want(")", "close the parenthesis")
		return n
	}
	return p.comparison()
}

func (p *parser) comparison() node {
	left := p.operand()
	t := p.peek()
	switch {
	case p.is("is"):
		negated := p.is("not")
		p.want("null", "write IS NULL or IS NOT NULL")
		return negate(isNull{left}, negated)
	case p.is("not"):
		if p.is("in") {
			return not{p.in(left)}
		}
		p.want("like", "write NOT LIKE or NOT IN")
		return not{comparison{left, p.operand(), relation("like")}}
	case p.is("in"):
		return p.in(left)
	case p.is("<>"), p.is("!="):
		return not{comparison{left, p.operand(), relation("=")}}
	}
	fits := relation(t.text)
	if fits == nil || t.kind != sign && t.kind != word {
		p.fail(t, "a comparison is missing", "write = <> < <= > >= LIKE IN or IS NULL")
		return nil
	}
	p.next()
	return comparison{left, p.operand(), fits}
}

func negate(n node, negated bool) node {
	if negated {
		return not{n}
	}
	return n
}

func (p *parser) in(left operand) node {
	p.want("(", "write IN ('a', 'b')")
	if t := p.peek(); t.kind == word && t.text == "select" {
		p.fail(t, "a sub-select is not part of this language: a collection is decided for one machine at a time", "use include, exclude and limitTo of collections")
	}
	list := operand{class: -1}
	for p.err == nil {
		o := p.operand()
		if o.class >= 0 {
			p.fail(p.peek(), "a list holds literals only", "write IN ('a', 'b')")
		}
		list.values = append(list.values, o.values...)
		if !p.is(",") {
			break
		}
	}
	p.want(")", "close the list")
	return comparison{left, list, relation("=")}
}

func (p *parser) operand() operand {
	t := p.next()
	switch {
	case t.kind == text || t.kind == number:
		return operand{class: -1, values: []string{t.text}}
	case t.kind != word:
		p.fail(t, "a property or a value is missing", "name a property, or quote a text")
		return operand{class: -1}
	case t.text == "true":
		return operand{class: -1, values: []string{"1"}}
	case t.text == "false":
		return operand{class: -1, values: []string{"0"}}
	case t.text == "null":
		return operand{class: -1}
	}
	return p.property(t)
}

func (p *parser) property(t token) operand {
	class, name := 0, t
	if p.is(".") {
		class = slices.Index(p.q.aliases, t.text)
		name = p.next()
	} else if len(p.q.classes) > 1 {
		class = -1
	}
	if class < 0 || name.kind != word {
		p.fail(t, fmt.Sprintf("%s names no class of the query", t.raw), "write class.property with one of "+strings.Join(p.q.classes, ", "))
		return operand{class: -1}
	}
	if p.peek().text == "(" {
		p.fail(t, "functions are not part of this language", "compare the property itself")
	}
	p.q.names = append(p.q.names, property{p.q.classes[class], name.raw})
	return operand{class: class, property: name.text}
}
