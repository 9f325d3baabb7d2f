package site

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
)

// What persons may do (docs/formats/people.md). A world is looked at by a viewer:
// everything that asks what a person may see or do goes through can. A world
// without a viewer shows nothing and lets nothing be changed, so code that forgets
// to say who asks finds nothing.

// as gives the world as a person sees it. Somebody whose object is gone sees
// nothing.
func (w world) as(who string) world {
	w.viewer, _ = w.kinds[osd.KindPerson][who].(*osd.Person)
	return w
}

// asSite gives the world to the site itself: for what follows from reports of
// boxes, and no person asked for.
func (w world) asSite() world {
	w.viewer = &osd.Person{Role: osd.RoleAdministrator}
	return w
}

// administrator says whether the viewer may do everything.
func (w world) administrator() bool { return w.viewer != nil && isAdministrator(w.viewer) }

func isAdministrator(p *osd.Person) bool { return p.Role == osd.RoleAdministrator && !p.Disabled }

// can says whether the viewer has a permission on an object as it stands in this
// world. Persons are changed by administrators alone, whatever rights say: who
// may change a person may give himself every right. Everybody sees himself.
func (w world) can(do osd.Permission, o osd.Object) bool {
	switch {
	case w.viewer == nil || w.viewer.Disabled:
		return false
	case isAdministrator(w.viewer):
		return true
	case o.ObjectKind() == osd.KindPerson && do != osd.See:
		return false
	case o.ObjectKind() == osd.KindPerson && o.ObjectName() == w.viewer.Name:
		return true
	}
	return w.viewer.Can(do, w.subject(o))
}

// subject is an object as rights look at it. An association is of the collections
// that hold both of its computers.
func (w world) subject(o osd.Object) osd.Subject {
	s := osd.Subject{Kind: o.ObjectKind(), Name: o.ObjectName(), Folder: meta(o).Folder}
	switch o := o.(type) {
	case *osd.Computer:
		s.Collections = w.collectionsOf(o.Name)
	case *osd.Association:
		other := w.collectionsOf(o.To())
		s.Collections = slices.DeleteFunc(slices.Clone(w.collectionsOf(o.Source)), func(n string) bool { return !slices.Contains(other, n) })
	case *osd.Advertisement:
		s.Collections = []string{o.Collection}
	case *osd.Collection:
		s.Collections = []string{o.Name}
	case *osd.SiteSettings: // they hold for the whole site, wherever somebody puts them
		s.Folder = ""
	}
	return s
}

// look finds an object by name or ID, if the viewer may see it; nil otherwise.
// The built-in collections are always there.
func (w world) look(k osd.Kind, nameOrID string) osd.Object {
	o := w.find(k, nameOrID)
	if o == nil && k == osd.KindCollection {
		if c := w.collection(nameOrID); c != nil {
			o = c
		}
	}
	if o == nil || !w.can(osd.See, o) {
		return nil
	}
	return o
}

// need is nil if the viewer has a permission on an object. One that he may not
// see is not there.
func (w world) need(do osd.Permission, o osd.Object) error {
	switch {
	case w.can(do, o):
		return nil
	case !w.can(osd.See, o):
		return fmt.Errorf("%s: %w", title(o), store.ErrNotFound)
	}
	return forbidden(do, title(o))
}

// forbidden tells which right is missing.
func forbidden(do osd.Permission, object string) *api.Error {
	return api.Errorf(api.CodeForbidden, object, "you may not %s it", do).WithRemedy("%s", remedyForRight(do, object))
}

func remedyForRight(do osd.Permission, object string) string {
	return fmt.Sprintf("ask an administrator for the right `%s` on %s, on its folder, or on a collection that it belongs to", do, object)
}

// named is how an object is called in messages to the viewer.
func (w world) named(o osd.Object) string {
	if w.can(osd.See, o) {
		return title(o)
	}
	return fmt.Sprintf("a %s that you may not see", o.ObjectKind())
}

// everyComputer says whether a right of the viewer is for all computers, also
// for those that the site does not know.
func (w world) everyComputer(do osd.Permission) bool {
	return w.viewer != nil && w.viewer.Can(do, osd.Subject{Kind: osd.KindComputer})
}

// seesComputer says whether the viewer may see what was reported of a computer,
// by name or ID. One that is not there any more, or that the site never knew, is
// for those who see every computer.
func (w world) seesComputer(nameOrID string) bool {
	if o := w.find(osd.KindComputer, nameOrID); o != nil {
		return w.can(osd.See, o)
	}
	return w.everyComputer(osd.See)
}

// see runs f in a transaction that reads, with the world as a person sees it.
func (s *Site) see(ctx context.Context, who string, f func(store.Tx, world) error) error {
	return s.store.Read(ctx, func(x store.Tx) error {
		w, err := s.loadWorld(x)
		if err == nil {
			err = s.keepWorld(x, w)
		}
		if err != nil {
			return err
		}
		return f(x, w.as(who))
	})
}

// change runs f in a transaction that writes, with the world as a person sees it.
func (s *Site) change(ctx context.Context, who string, f func(store.Tx, world) error) error {
	return s.write(ctx, func(x store.Tx) error {
		w, err := s.loadWorld(x)
		if err != nil {
			return err
		}
		return f(x, w.as(who))
	})
}

// administrators are the IDs of those who can sign in now and may do everything.
func (w world) administrators() []string {
	var ids []string
	for _, p := range all[*osd.Person](w, osd.KindPerson) {
		if isAdministrator(p) && slices.ContainsFunc(w.credentials[p.ID], func(c store.Credential) bool { return good(c, w.now) }) {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

func good(c store.Credential, now time.Time) bool {
	return c.ExpiresAt.IsZero() || now.Before(c.ExpiresAt)
}

// lastAdministrator refuses what would leave nobody who can sign in as an
// administrator: nobody could ever undo it.
func lastAdministrator(object string) *api.Error {
	return api.Errorf(api.CodeRefused, object, "after this no administrator could sign in any more").
		WithRemedy("first give another person the role %s and a token: bootward person token NAME", osd.RoleAdministrator)
}
