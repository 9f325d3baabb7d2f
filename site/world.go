package site

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

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

// world is every object of the site, by kind and name.
type world map[osd.Kind]map[string]osd.Object

func loadWorld(x store.Objects) (world, error) {
	w := world{}
	for _, k := range osd.Kinds() {
		w[k] = map[string]osd.Object{}
		records, err := x.Objects(k)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			o, err := decode(r)
			if err != nil {
				return nil, err
			}
			w[k][r.Name] = o
		}
	}
	return w, nil
}

// clone copies the maps; the objects are shared and must not be changed.
func (w world) clone() world {
	c := world{}
	for k, m := range w {
		c[k] = maps.Clone(m)
	}
	return c
}

// find looks an object up by name, else by ID.
func (w world) find(k osd.Kind, nameOrID string) osd.Object {
	if o, ok := w[k][nameOrID]; ok {
		return o
	}
	return w.byID(k, nameOrID)
}

func (w world) byID(k osd.Kind, id string) osd.Object {
	for _, o := range w[k] {
		if id != "" && meta(o).ID == id {
			return o
		}
	}
	return nil
}

// all lists the objects of a type by name.
func all[T osd.Object](w world, k osd.Kind) []T {
	out := make([]T, 0, len(w[k]))
	for _, o := range w[k] {
		out = append(out, o.(T))
	}
	slices.SortFunc(out, func(a, b T) int { return cmp.Compare(a.ObjectName(), b.ObjectName()) })
	return out
}

// sequence finds a task sequence, or returns nil.
func (w world) sequence(name string) *sequence.Sequence {
	s, _ := w.find(osd.KindTaskSequence, name).(*sequence.Sequence)
	return s
}

// collection finds a collection; the built-in ones are always there.
func (w world) collection(name string) *osd.Collection {
	if c, ok := w[osd.KindCollection][name].(*osd.Collection); ok {
		return c
	}
	if c := (&osd.Collection{Meta: osd.Meta{Name: name}}); c.BuiltIn() {
		return c
	}
	return nil
}

// members lists the computers of a collection by name.
func (w world) members(c *osd.Collection) []*osd.Computer {
	return slices.DeleteFunc(all[*osd.Computer](w, osd.KindComputer), func(p *osd.Computer) bool { return !c.Holds(p) })
}
