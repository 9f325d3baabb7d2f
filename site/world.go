package site

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/membership"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/site/store"
)

// world is every object of the site, by kind and name, and what is known of the
// computers. It is shared and must not be changed; plans work on a clone.
type world struct {
	kinds     map[osd.Kind]map[string]osd.Object
	inventory map[string]inventory.Record  // by ID of the computer
	frozen    map[string]membership.Frozen // by name of the collection
	// credentials are those of each person, by ID.
	credentials map[string][]store.Credential
	viewer      *osd.Person // who looks at it; nil: it shows nothing
	now         time.Time   // at which collections are evaluated
	memberList  *members
}

// clone copies the maps; the objects are shared and must not be changed.
func (w world) clone() world {
	c := w
	c.kinds, c.memberList = map[osd.Kind]map[string]osd.Object{}, &members{}
	for k, m := range w.kinds {
		c.kinds[k] = maps.Clone(m)
	}
	return c
}

// find looks an object up by name, else by ID.
func (w world) find(k osd.Kind, nameOrID string) osd.Object {
	if o, ok := w.kinds[k][nameOrID]; ok {
		return o
	}
	return w.byID(k, nameOrID)
}

func (w world) byID(k osd.Kind, id string) osd.Object {
	for _, o := range w.kinds[k] {
		if id != "" && meta(o).ID == id {
			return o
		}
	}
	return nil
}

// all lists the objects of a type by name.
func all[T osd.Object](w world, k osd.Kind) []T {
	out := make([]T, 0, len(w.kinds[k]))
	for _, o := range w.kinds[k] {
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
	if c, ok := w.kinds[osd.KindCollection][name].(*osd.Collection); ok {
		return c
	}
	if c := (&osd.Collection{Meta: osd.Meta{Name: name}}); c.BuiltIn() {
		return c
	}
	return nil
}

// settings are those of the site; the zero value if none were applied.
func (w world) settings() osd.SiteSettings {
	if s, ok := w.kinds[osd.KindSettings][osd.SettingsName].(*osd.SiteSettings); ok {
		return *s
	}
	return osd.SiteSettings{}
}
