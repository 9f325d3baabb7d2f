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
	p.columns()
	p.want("from", example)
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

// columns reads the names of columns. They do not matter: a machine fits or
// does not. So those that the site has no values for are taken too.
func (p *parser) columns() {
	if p.is("*") {
		return
	}
	for p.err == nil {
		t := p.next()
		if t.kind != word || t.text == "from" {
			p.fail(t, "the name of a column is missing", example)
		}
		if p.is(".") && !p.is("*") {
			if name := p.next(); name.kind != word {
				p.fail(name, "the name of a column is missing", example)
			}
		}
		p.noFunction(t)
		if !p.is(",") {
			return
		}
	}
}

func (p *parser) noFunction(t token) {
	if p.peek().text == "(" {
		p.fail(t, "functions are not part of this language", "compare the property itself")
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
		a := p.next()
		if alias = a.text; a.kind != word {
			p.fail(a, "the name behind AS is missing", "write FROM SMS_R_System AS s")
		}
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
	first := token{}
	for range 2 {
		t := p.next()
		ok := t.kind == word && slices.Contains(p.q.aliases, t.text) && p.is(".")
		if id := p.next(); !ok || id.text != "resourceid" && id.text != "resourceidex" {
			p.fail(t, "classes are joined by ResourceID only", "write ON a.ResourceID = b.ResourceID")
		}
		if first == (token{}) {
			first = t
			p.want("=", "write ON a.ResourceID = b.ResourceID")
		} else if joined := p.q.aliases[len(p.q.aliases)-1]; (first.text == joined) == (t.text == joined) {
			p.fail(t, "the joined class must stand on one side, a class before it on the other", "write ON a.ResourceID = b.ResourceID")
		}
	}
}
