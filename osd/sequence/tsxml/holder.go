package tsxml

import (
	"errors"
	"fmt"
	"strings"
)

// holder is where a document keeps its groups and steps: its <sequence>; or, of a document that is
// a single group or step, the document itself.
type holder struct {
	doc *document
	at  *element
	// outer holds the document as the text of the element in, where it does so.
	outer *document
	in    *element
}

// find looks for the sequence of a document.
func find(src string, kept bool) (*holder, error) {
	doc, err := parse(src, kept)
	if err != nil {
		return nil, err
	}
	if at := sequenceIn(doc); at != nil {
		return &holder{doc: doc, at: at}, nil
	}
	if root := doc.root(); root != nil && isNode(root) || kept && root == nil {
		return &holder{doc: doc, at: doc.top}, nil
	}
	in := quotedIn(doc)
	if in == nil {
		return nil, errors.New("task sequence XML: it holds no <sequence>: give the export of a task sequence, or the ts.xml of a deployment share")
	}
	inner, err := parse(in.text(), kept)
	if err != nil {
		return nil, fmt.Errorf("the sequence in <%s> at line %d: %w", in.name, doc.line(in.start), err)
	}
	at := sequenceIn(inner)
	if at == nil {
		return nil, fmt.Errorf("task sequence XML, line %d: the text in <%s> holds no <sequence>", doc.line(in.start), in.name)
	}
	return &holder{doc: inner, at: at, outer: doc, in: in}, nil
}

func sequenceIn(doc *document) *element {
	var found *element
	doc.top.walk(func(e *element) bool {
		if e.name == "sequence" {
			found = e
		}
		return found != nil
	})
	return found
}

// quotedIn is the element whose text is a document with a sequence.
func quotedIn(doc *document) *element {
	var found *element
	doc.top.walk(func(e *element) bool {
		if len(e.elements()) == 0 {
			text := strings.TrimSpace(e.text())
			if strings.HasPrefix(text, "<") && strings.Contains(text, "<sequence") {
				found = e
			}
		}
		return found != nil
	})
	return found
}

// count is how many groups and steps there are.
func (h *holder) count() int {
	n := 0
	for _, e := range h.at.elements("group", "step") {
		e.walk(func(e *element) bool {
			if isNode(e) {
				n++
			}
			return false
		})
	}
	return n
}

// isNode says whether an element is a group or a step.
func isNode(e *element) bool { return e.name == "group" || e.name == "step" }

// firstLine is the line of the outermost document where the document of the sequence begins.
func (h *holder) firstLine() int {
	if h.outer == nil {
		return 1
	}
	return h.outer.line(h.in.open)
}

// kept is the document without its nodes: marks stand in their places.
func (h *holder) kept() string {
	src := apply(h.doc.src, nodeEdits(h.at))
	if h.outer == nil {
		return asUTF8(src)
	}
	return asUTF8(h.quote(src))
}

// quote puts the document of the sequence into the one around it, as text of the same form.
func (h *holder) quote(src string) string {
	return apply(h.outer.src, []edit{h.in.setContent(h.text(src))})
}

// text writes a document as the text of an element.
func (h *holder) text(src string) string {
	if strings.Contains(h.outer.raw(h.in), "<![CDATA[") {
		return "<![CDATA[" + strings.ReplaceAll(src, "]]>", "]]]]><![CDATA[>") + "]]>"
	}
	return escape(src)
}

// nodeEdits put marks in place of the groups and steps that an element holds.
func nodeEdits(e *element) []edit {
	var edits []edit
	for _, n := range e.elements("group", "step") {
		edits = append(edits, edit{n.start, n.end, placeholder})
	}
	return edits
}

// keptGroup is the XML of a group without what it holds.
func keptGroup(doc *document, e *element) string {
	edits := nodeEdits(e)
	for i := range edits {
		edits[i].start -= e.start
		edits[i].end -= e.start
	}
	return apply(doc.raw(e), edits)
}

// fragment reads the kept XML of a node.
func fragment(src string) (*document, *element, error) {
	doc, err := parse(src, true)
	if err != nil {
		return nil, nil, fmt.Errorf("the XML that was kept: %w", err)
	}
	root := doc.root()
	if root == nil || !isNode(root) {
		return nil, nil, errors.New("the XML that was kept is neither a group nor a step")
	}
	return doc, root, nil
}
