package tsxml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a document.
const (
	maxDepth    = 64
	maxElements = 200_000
	maxAttrs    = 64 // of one element
)

// ourMark begins the processing instructions that stand for nodes in kept XML.
const (
	ourMark     = "bootward"
	placeholder = "<?bootward-node?>"
)

// parse reads a document. Marks of this package are allowed in kept XML only.
func parse(src string, kept bool) (*document, error) {
	if !utf8.ValidString(src) {
		return nil, errors.New("task sequence XML: it holds bytes that are no characters")
	}
	p := &parser{doc: &document{src: src, top: &element{close: len(src), end: len(src)}, lines: lineStarts(src)}, kept: kept}
	p.open = []*element{p.doc.top}
	d := xml.NewDecoder(strings.NewReader(src))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 already
	for {
		start := int(d.InputOffset())
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = p.token(token, start, int(d.InputOffset()))
		}
		if err != nil {
			var syntax *xml.SyntaxError
			if errors.As(err, &syntax) {
				err = errors.New(syntax.Msg)
			}
			return nil, fmt.Errorf("task sequence XML, line %d: %w", p.doc.line(start), err)
		}
	}
	if len(p.open) > 1 {
		e := p.open[len(p.open)-1]
		return nil, fmt.Errorf("task sequence XML, line %d: <%s> is not closed: the document was cut off", p.doc.line(e.start), e.name)
	}
	return p.doc, nil
}

type parser struct {
	doc   *document
	open  []*element
	count int
	kept  bool
}

func (p *parser) token(token xml.Token, start, end int) error {
	in := p.open[len(p.open)-1]
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t, start, end)
	case xml.EndElement:
		if len(p.open) == 1 || in.name != qualified(t.Name) {
			return fmt.Errorf("</%s> closes nothing", qualified(t.Name))
		}
		in.close, in.end = start, end
		p.open = p.open[:len(p.open)-1]
		parent := p.open[len(p.open)-1]
		parent.kids[len(parent.kids)-1].end = end
		return nil
	case xml.CharData:
		s := string(t)
		if len(p.open) == 1 && strings.TrimSpace(strings.TrimPrefix(s, "\ufeff")) != "" {
			return errors.New("text stands outside of the document")
		}
		in.kids = append(in.kids, kid{text: &s, start: start, end: end})
		return nil
	case xml.Directive:
		return errors.New("a document type, with its entities, is not read: remove <!" + firstWord(string(t)) + " …>")
	case xml.ProcInst:
		if strings.HasPrefix(t.Target, ourMark) && (!p.kept || p.doc.src[start:end] != placeholder) {
			return fmt.Errorf("the processing instruction <?%s?> is kept for Bootward's own use: remove it", t.Target)
		}
		if t.Target == "xml" && p.doc.root() != nil { // one behind comments is common enough
			return errors.New("the declaration <?xml?> does not stand at the beginning")
		}
	}
	p.count++
	if p.count > maxElements {
		return errTooMany
	}
	in.kids = append(in.kids, kid{other: p.doc.src[start:end], start: start, end: end})
	return nil
}

var errTooMany = fmt.Errorf("the document has more than %d elements", maxElements)

func (p *parser) start(t xml.StartElement, start, end int) error {
	in := p.open[len(p.open)-1]
	p.count++
	switch {
	case p.count > maxElements:
		return errTooMany
	case len(p.open) > maxDepth:
		return fmt.Errorf("elements are nested more than %d deep", maxDepth)
	case len(t.Attr) > maxAttrs:
		return fmt.Errorf("<%s> has more than %d attributes", qualified(t.Name), maxAttrs)
	case len(p.open) == 1 && !p.kept && p.doc.root() != nil:
		return fmt.Errorf("a second document begins with <%s>", qualified(t.Name))
	}
	e := &element{name: qualified(t.Name), attrs: t.Copy().Attr, start: start, open: end}
	for i, a := range e.attrs {
		if slices.ContainsFunc(e.attrs[:i], func(b xml.Attr) bool { return b.Name == a.Name }) {
			return fmt.Errorf("<%s> has the attribute %s twice", e.name, qualified(a.Name))
		}
	}
	in.kids = append(in.kids, kid{el: e, start: start})
	p.open = append(p.open, e)
	return nil
}
