package site

import (
	"bytes"
	"fmt"

	yaml "go.yaml.in/yaml/v4"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/document/strict"
)

// written is an object with the document that it was read from.
type written struct {
	osd.Object
	file string
	yaml []byte
	line int // of a file that is no YAML; 0: yaml says it
}

// fault makes an error about a field of what was written, at its place.
func (w written) fault(field, remedy, what string, args ...any) *document.Error {
	p := w.where(field)
	return &document.Error{File: w.file, Line: p.Line, Column: p.Column, Object: title(w), Field: field,
		What: fmt.Sprintf(what, args...), Remedy: remedy}
}

// where finds the place of a field by reading the document once more.
func (w written) where(field string) strict.Position {
	first := strict.Position{Line: max(w.line, 1), Column: 1}
	if w.line > 0 {
		return first
	}
	dec := yaml.NewDecoder(bytes.NewReader(w.yaml))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); err != nil {
			return first // the file was read before: this is its end
		}
		if len(doc.Content) == 0 {
			continue
		}
		o, d, kind := document.New(w.ObjectKind()), strict.NewDecoder(), ""
		d.Fields(doc.Content[0], "", o, func(p strict.Pair) bool {
			if p.Key == "kind" {
				kind = p.Value.Value
			}
			return p.Key == "kind"
		})
		if kind == string(w.ObjectKind()) && o.ObjectName() == w.ObjectName() {
			return d.Where(field)
		}
	}
}
