package site

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/membership"
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

// members are the computers of each collection, found when they are first asked
// for.
type members struct {
	once sync.Once
	by   map[string][]*osd.Computer
	of   map[string][]string // the other way round, by name of the computer
	warn []membership.Warning
}

// loadWorld reads everything. A state that a Read saw before is taken from
// memory: a site with many computers is not decoded at each question.
func (s *Site) loadWorld(x store.Tx) (world, error) {
	change, err := x.Change()
	if err != nil {
		return world{}, err
	}
	s.mu.Lock()
	kept, at := s.world, s.worldAt
	s.mu.Unlock()
	if kept.kinds != nil && at == change {
		kept.now, kept.memberList = s.now(), &members{}
		return kept, nil
	}
	return s.readWorld(x)
}

// keepWorld remembers the world that a Read loaded. One that a Write loaded may
// never come true.
func (s *Site) keepWorld(x store.Tx, w world) error {
	change, err := x.Change()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world, s.worldAt = w, change
	return nil
}

func (s *Site) readWorld(x store.Tx) (world, error) {
	w := world{kinds: map[osd.Kind]map[string]osd.Object{}, now: s.now(), memberList: &members{}}
	for _, k := range osd.Kinds() {
		w.kinds[k] = map[string]osd.Object{}
		records, err := x.Objects(k)
		if err != nil {
			return w, err
		}
		for _, r := range records {
			o, err := decode(r)
			if err != nil {
				return w, err
			}
			w.kinds[k][r.Name] = o
		}
	}
	return w, w.readFacts(x)
}

// readFacts reads what is known of computers and collections beside their
// objects.
func (w *world) readFacts(x store.Tx) error {
	w.inventory, w.frozen = map[string]inventory.Record{}, map[string]membership.Frozen{}
	records, err := x.Inventories()
	if err != nil {
		return err
	}
	for id, raw := range records {
		var r inventory.Record
		if err := json.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("inventory of %s: %w", id, err)
		}
		w.inventory[id] = r
	}
	frozen, err := x.FrozenCollections()
	if err != nil {
		return err
	}
	for _, c := range all[*osd.Collection](*w, osd.KindCollection) {
		if f, ok := frozen[c.ID]; ok && c.Update != nil {
			w.frozen[c.Name] = membership.Frozen{At: f.At, Members: f.Members}
		}
	}
	return w.readCredentials(x)
}

func (w *world) readCredentials(x store.Tx) error {
	credentials, err := x.Credentials()
	w.credentials = map[string][]store.Credential{}
	for _, c := range credentials {
		if p, ok := w.kinds[osd.KindPerson][c.Person]; ok {
			id := meta(p).ID
			w.credentials[id] = append(w.credentials[id], c)
		}
	}
	return err
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

// members lists the computers of a collection by name.
func (w world) members(c *osd.Collection) []*osd.Computer {
	w.memberList.find(w)
	return w.memberList.by[c.Name]
}

// collectionsOf names the collections that hold a computer.
func (w world) collectionsOf(computer string) []string {
	w.memberList.find(w)
	return w.memberList.of[computer]
}

// warnings lists what is wrong with the collections.
func (w world) warnings() []membership.Warning {
	w.memberList.find(w)
	return w.memberList.warn
}

func (m *members) find(w world) {
	m.once.Do(func() {
		m.by, m.of = map[string][]*osd.Computer{}, map[string][]string{}
		rules := membership.New(deref(all[*osd.Collection](w, osd.KindCollection)), w.frozen)
		m.warn = rules.Warnings()
		for _, c := range all[*osd.Computer](w, osd.KindComputer) {
			m.of[c.Name] = rules.Of(membership.Machine{Computer: c, Record: w.inventory[c.ID]}, w.now).Names()
			for _, name := range m.of[c.Name] {
				m.by[name] = append(m.by[name], c)
			}
		}
	})
}

func deref[T any](all []*T) []T {
	out := make([]T, 0, len(all))
	for _, p := range all {
		out = append(out, *p)
	}
	return out
}

// settingsOf reads the settings of the site alone.
func settingsOf(x store.Tx) (*osd.SiteSettings, error) {
	r, err := x.Object(osd.KindSettings, osd.SettingsName)
	if errors.Is(err, store.ErrNotFound) {
		return &osd.SiteSettings{}, nil
	} else if err != nil {
		return nil, err
	}
	o, err := decode(r)
	if err != nil {
		return nil, err
	}
	return o.(*osd.SiteSettings), nil
}

// settings are those of the site; the zero value if none were applied.
func (w world) settings() osd.SiteSettings {
	if s, ok := w.kinds[osd.KindSettings][osd.SettingsName].(*osd.SiteSettings); ok {
		return *s
	}
	return osd.SiteSettings{}
}
