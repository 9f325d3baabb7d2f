package tsxml

import (
	"encoding/xml"
	"slices"
	"strings"
)

// document is XML with the place of everything in it, so that parts can be given back as they were.
type document struct {
	src   string
	top   *element // has no name; holds the root and what stands beside it
	lines []int32  // where lines begin
}

// element is an element: src[start:open] is its start tag, src[close:end] its end tag.
type element struct {
	name                    string // as it is written, with its prefix
	attrs                   []xml.Attr
	kids                    []kid
	start, open, close, end int
}

// kid is something inside of an element: exactly one of the three.
type kid struct {
	el         *element
	text       *string // character data, without CDATA and entities
	other      string  // comment or processing instruction, as it is written
	start, end int
}

func qualified(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	return word[:min(len(word), 20)]
}

func lineStarts(src string) []int32 {
	starts := []int32{0}
	for i := range len(src) {
		if src[i] == '\n' {
			starts = append(starts, int32(i+1))
		}
	}
	return starts
}

// line is the number of the line at an offset.
func (d *document) line(offset int) int {
	i, found := slices.BinarySearch(d.lines, int32(offset))
	if found {
		i++
	}
	return i
}

func (d *document) root() *element {
	if all := d.top.elements(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// raw is an element as it is written.
func (d *document) raw(e *element) string { return d.src[e.start:e.end] }

// elements are the child elements, those of the names alone if any are given.
func (e *element) elements(names ...string) []*element {
	var all []*element
	for _, k := range e.kids {
		if k.el != nil && (len(names) == 0 || slices.Contains(names, k.el.name)) {
			all = append(all, k.el)
		}
	}
	return all
}

// first is the first child element of a name, or nil.
func (e *element) first(name string) *element {
	if all := e.elements(name); len(all) > 0 {
		return all[0]
	}
	return nil
}

// attr is the value of an attribute; names are compared as XML does.
func (e *element) attr(name string) string {
	value, _ := e.lookup(name)
	return value
}

func (e *element) lookup(name string) (string, bool) {
	for _, a := range e.attrs {
		if qualified(a.Name) == name {
			return a.Value, true
		}
	}
	return "", false
}

// text is the character data of an element, without that of child elements.
func (e *element) text() string {
	var b strings.Builder
	for _, k := range e.kids {
		if k.text != nil {
			b.WriteString(*k.text)
		}
	}
	return b.String()
}

// walk visits an element and all that it holds, parents first, until visit says stop.
func (e *element) walk(visit func(*element) (stop bool)) bool {
	if visit(e) {
		return true
	}
	for _, k := range e.kids {
		if k.el != nil && k.el.walk(visit) {
			return true
		}
	}
	return false
}
