// Package document reads what administrators write: files with YAML documents,
// each one object of the site (osd.Object) named by its `kind`.
//
// It is strict: a key that is unknown, given twice or of the wrong shape is an
// error with file, line, column, object, field and remedy, and then nothing of
// the file counts. It reads no files itself and resolves no references.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document/strict"
	"github.com/bootward/bootward/osd/sequence"
)

// MaxBytes is the largest file that Decode reads.
const MaxBytes = 4 << 20

// Error is one wrong field.
type Error struct {
	File   string
	Line   int    // from 1
	Column int    // from 1
	Object string // kind and name, such as `Computer "ward-pc-1"`
	Field  string
	What   string
	Remedy string
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Column)
	for _, part := range []string{e.Object, e.Field} {
		if part != "" {
			s += part + ": "
		}
	}
	s += e.What
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

// Errors are all wrong fields of a file, in order.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Decode reads the documents of a file; file is for messages. Documents that
// hold nothing are passed over. The error, if any, is of type Errors, and then
// there are no objects.
func Decode(file string, data []byte) ([]osd.Object, error) {
	placed, err := DecodePlaced(file, data)
	var objects []osd.Object
	for _, p := range placed {
		objects = append(objects, p.Object)
	}
	return objects, err
}

// Placed is an object that knows where its fields stand in the file.
type Placed struct {
	osd.Object
	File   string
	places *strict.Decoder
}

// Where is the place of a field by its path, or of the nearest field above it.
func (p Placed) Where(field string) strict.Position { return p.places.Where(field) }

// DecodePlaced is Decode for those who have more to say about the fields.
func DecodePlaced(file string, data []byte) ([]Placed, error) {
	if len(data) > MaxBytes {
		return nil, Errors{{File: file, Line: 1, Column: 1, What: fmt.Sprintf("the file has %d bytes", len(data)), Remedy: fmt.Sprintf("split it: at most %d are read", MaxBytes)}}
	}
	var objects []Placed
	var errs Errors
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			errs = append(errs, syntax(file, err))
			break
		}
		o, problems := object(file, &doc)
		errs = append(errs, problems...)
		if o.Object != nil {
			objects = append(objects, o)
		}
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return objects, nil
}

var lineNumber = regexp.MustCompile(`line (\d+)(?:[:,] ?column (\d+))?`)

// syntax turns an error of the YAML reader into one of ours.
func syntax(file string, err error) *Error {
	e := &Error{File: file, Line: 1, Column: 1, What: strings.TrimLeft(lineNumber.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), ""), ": "), Remedy: "correct the YAML"}
	if m := lineNumber.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		if m[2] != "" {
			e.Column, _ = strconv.Atoi(m[2])
		}
	}
	return e
}

// typed is a document's kind beside the fields of its object.
type typed struct {
	Kind string `json:"kind"`
}

func object(file string, doc *yaml.Node) (Placed, Errors) {
	if doc.Kind == yaml.DocumentNode {
		if len(doc.Content) == 0 {
			return Placed{}, nil
		}
		doc = doc.Content[0]
	}
	if doc.Kind == yaml.ScalarNode && doc.ShortTag() == "!!null" {
		return Placed{}, nil
	}
	d := strict.NewDecoder()
	kind := kindOf(d, doc)
	if len(d.Problems) > 0 {
		return Placed{}, located(file, "", d)
	}
	o := New(kind)
	d = strict.NewDecoder()
	var t typed
	d.Fields(doc, "", o, func(p strict.Pair) bool {
		if p.Key != "kind" {
			return false
		}
		d.Decode(p.Value, "kind", &t.Kind)
		return true
	})
	if len(d.Problems) == 0 {
		invalid(d, o.Validate())
	}
	if len(d.Problems) > 0 {
		return Placed{}, located(file, fmt.Sprintf("%s %q", kind, o.ObjectName()), d)
	}
	return Placed{o, file, d}, nil
}

// kindOf finds the kind of a document.
func kindOf(d *strict.Decoder, doc *yaml.Node) osd.Kind {
	known := make([]string, 0, 8)
	for _, k := range osd.Kinds() {
		known = append(known, string(k))
	}
	for _, p := range d.Mapping(doc, "") {
		if p.Key != "kind" {
			continue
		}
		if New(osd.Kind(p.Value.Value)) == nil {
			d.Fail(p.Value, "kind", "give one of "+strings.Join(known, ", "), "%q is no kind of object", p.Value.Value)
		}
		return osd.Kind(p.Value.Value)
	}
	if len(d.Problems) == 0 {
		d.Fail(doc, "kind", "begin the document with `kind:` and one of "+strings.Join(known, ", "), "the kind is missing")
	}
	return ""
}

// New makes an empty object of a kind, or returns nil.
func New(k osd.Kind) osd.Object {
	switch k {
	case osd.KindBox:
		return new(osd.Box)
	case osd.KindComputer:
		return new(osd.Computer)
	case osd.KindCollection:
		return new(osd.Collection)
	case osd.KindPackage:
		return new(osd.Package)
	case osd.KindImage:
		return new(osd.Image)
	case osd.KindBootImage:
		return new(osd.BootImage)
	case osd.KindTaskSequence:
		return new(sequence.Sequence)
	case osd.KindAdvertisement:
		return new(osd.Advertisement)
	case osd.KindAssociation:
		return new(osd.Association)
	case osd.KindSettings:
		return new(osd.SiteSettings)
	case osd.KindPerson:
		return new(osd.Person)
	case osd.KindSecret:
		return new(osd.Secret)
	}
	return nil
}

// invalid notes what Validate found, at the places of the fields.
func invalid(d *strict.Decoder, err error) {
	for _, e := range flatten(err) {
		var f *osd.FieldError
		if errors.As(e, &f) {
			what := fmt.Sprintf("%q", f.Value)
			if f.Value == "" {
				what = "nothing, or nothing usable, stands here"
			}
			d.Problems = append(d.Problems, strict.Problem{Position: d.Where(f.Field), Path: f.Field, What: what, Remedy: f.Remedy})
			continue
		}
		d.Problems = append(d.Problems, strict.Problem{Position: d.Where(""), What: e.Error()})
	}
}

func flatten(err error) []error {
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &joined):
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, flatten(e)...)
		}
		return out
	}
	return []error{err}
}

func located(file, object string, d *strict.Decoder) Errors {
	out := make(Errors, 0, len(d.Problems))
	for _, p := range d.Problems {
		out = append(out, &Error{file, p.Line, p.Column, object, p.Path, p.What, p.Remedy})
	}
	return out
}
