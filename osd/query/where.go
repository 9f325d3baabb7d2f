package query

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd"
)

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
		return not{p.equal(left, p.operand())}
	}
	fits := relation(t.text)
	if fits == nil || t.kind != sign && t.kind != word {
		p.fail(t, "a comparison is missing", "write = <> < <= > >= LIKE IN or IS NULL")
		return nil
	}
	p.next()
	if t.text == "=" {
		return p.equal(left, p.operand())
	}
	return comparison{left, p.operand(), fits}
}

// equal compares addresses and GUIDs in whatever notation they are written.
func (p *parser) equal(left, right operand) node {
	normalize(left.property, right.values)
	normalize(right.property, left.values)
	return comparison{left, right, relation("=")}
}

func normalize(property string, literals []Value) {
	read := osd.NormalizeMAC
	switch property {
	case "macaddress", "macaddresses":
	case "smbiosguid", "uuid":
		read = osd.NormalizeGUID
	default:
		return
	}
	for i, v := range literals {
		if n, err := read(v.folded); err == nil {
			literals[i] = textValue(n)
		}
	}
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
		list.values, list.null = append(list.values, o.values...), list.null || o.null
		if !p.is(",") {
			break
		}
	}
	p.want(")", "close the list")
	return p.equal(left, list)
}

func (p *parser) operand() operand {
	t := p.next()
	switch {
	case t.kind == text:
		return operand{class: -1, values: []Value{textValue(t.text)}}
	case t.kind == number:
		if _, ok := decimalOf(t.text); !ok {
			p.fail(t, t.text+" is no number", "write one such as 4 or 1.5, or quote a text")
		}
		return operand{class: -1, values: []Value{{t.text, true}}}
	case t.kind != word:
		p.fail(t, "a property or a value is missing", "name a property, or quote a text")
		return operand{class: -1}
	case t.text == "true", t.text == "false":
		return operand{class: -1, values: []Value{truthValue(t.text == "true")}}
	case t.text == "null":
		return operand{class: -1, null: true}
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
	p.noFunction(t)
	p.q.names = append(p.q.names, property{p.q.classes[class], name.raw})
	return operand{class: class, property: name.text}
}
