package site

import (
	"encoding/json"
	"fmt"

	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/site/store"
)

// meta gives access to what every object has.
func meta(o osd.Object) *osd.Meta {
	switch o := o.(type) {
	case *osd.Box:
		return &o.Meta
	case *osd.Computer:
		return &o.Meta
	case *osd.Collection:
		return &o.Meta
	case *osd.Package:
		return &o.Meta
	case *osd.Image:
		return &o.Meta
	case *osd.BootImage:
		return &o.Meta
	case *sequence.Sequence:
		return &o.Meta
	case *osd.Advertisement:
		return &o.Meta
	case *osd.Association:
		return &o.Meta
	case *osd.SiteSettings:
		return &o.Meta
	case *osd.Person:
		return &o.Meta
	case *osd.Secret:
		return &o.Meta
	}
	return nil
}

// contentOf gives access to the content of an object, or nil.
func contentOf(o osd.Object) *osd.Content {
	switch o := o.(type) {
	case *osd.Package:
		return &o.Content
	case *osd.Image:
		return &o.Content
	case *osd.BootImage:
		return &o.Content
	}
	return nil
}

// distributionOf gives access to the boxes that keep an object's content, or nil.
func distributionOf(o osd.Object) *osd.Distribution {
	switch o := o.(type) {
	case *osd.Package:
		return &o.Distribution
	case *osd.Image:
		return &o.Distribution
	case *osd.BootImage:
		return &o.Distribution
	}
	return nil
}

func encode(o osd.Object) (store.Object, error) {
	m := meta(o)
	b, err := json.Marshal(o)
	if err != nil {
		return store.Object{}, fmt.Errorf("%s: %w", title(o), err)
	}
	return store.Object{Kind: o.ObjectKind(), ID: m.ID, Name: m.Name, Document: b}, nil
}

func decode(r store.Object) (osd.Object, error) {
	o := document.New(r.Kind)
	if o == nil {
		return nil, fmt.Errorf("%s %q: the kind is not known", r.Kind, r.Name)
	}
	if err := json.Unmarshal(r.Document, o); err != nil {
		return nil, fmt.Errorf("%s %q: %w", r.Kind, r.Name, err)
	}
	return o, nil
}

// title names an object in messages.
func title(o osd.Object) string { return fmt.Sprintf("%s %q", o.ObjectKind(), o.ObjectName()) }

// digest names the version of a sequence.
func digest(s *sequence.Sequence) (string, error) {
	b, err := s.Canonical()
	if err != nil {
		return "", fmt.Errorf("%s: %w", title(s), err)
	}
	return content.Digest(b), nil
}
