// Package tsxml reads and writes task sequences as XML, as Configuration Manager (2007 and later)
// exports them and the Microsoft Deployment Toolkit keeps them (ts.xml).
//
// Nothing is dropped: each node keeps the XML that it came from, and export gives that back where
// the node was not changed. What the model does not know is kept and does not run. Passwords are
// the exception: they never come in, neither into the model nor into the XML that is kept.
// The package does no I/O, follows no reference out of a document and refuses document types.
// Format: docs/formats/sequence-xml.md.
package tsxml

import (
	"fmt"
	"io"

	"github.com/bootward/bootward/osd/sequence"
)

// Result is what Import makes of a document.
type Result struct {
	Sequence *sequence.Sequence
	Warnings []Warning
}

// Warning says what is not as it was, or will not run, and why.
type Warning struct {
	Line int    // of the document, from 1
	Path string // Group > Step; empty for the sequence
	Text string
}

func (w Warning) String() string {
	if w.Path == "" {
		return fmt.Sprintf("line %d: %s", w.Line, w.Text)
	}
	return fmt.Sprintf("line %d: %s: %s", w.Line, w.Path, w.Text)
}

// Import reads a document that holds a <sequence>, also inside of the document of an export, and
// also as text there. name is the name of the sequence; the document's own when empty. The
// sequence validates. Names of images and packages are the other site's, most often IDs.
func Import(r io.Reader, name string) (*Result, error) {
	src, err := decode(r)
	if err != nil {
		return nil, err
	}
	src, stripped, err := scrub(src, 0)
	if err != nil {
		return nil, err
	}
	h, err := find(src, false)
	if err != nil {
		return nil, err
	}
	if n := h.count(); n > maxNodes {
		return nil, fmt.Errorf("task sequence XML: it has %d groups and steps, a sequence holds at most %d: split it, and have one part run the other", n, maxNodes)
	}
	im := newImporter(h.doc, h.firstLine())
	s := im.sequence(h, name)
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("task sequence %q: %w", s.Name, err)
	}
	return &Result{Sequence: s, Warnings: sorted(append(limited(stripped), limited(im.warnings)...))}, nil
}
