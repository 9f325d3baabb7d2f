package site

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/membership"
	"github.com/bootward/bootward/osd/query"
	"github.com/bootward/bootward/site/store"
)

// checkCollections refuses queries that cannot be read and collections that name
// each other in a circle; what they name that is not known is a note.
func (p *plan) checkCollections() {
	for _, s := range p.steps {
		c, ok := s.Object.(*osd.Collection)
		if !ok {
			continue
		}
		for i, r := range c.Queries {
			var wrong *query.Error
			if _, err := query.Parse(r.Query); errors.As(err, &wrong) {
				p.errs = append(p.errs, s.fault("queries["+itoa(i)+"].query", wrong.Remedy, "%v", err))
			}
		}
		for _, w := range p.world.warnings() {
			if w.Collection != c.Name {
				continue
			}
			if strings.Contains(w.Text, "in a circle") {
				p.errs = append(p.errs, s.fault("name", "take one of them out of include, exclude or limitTo", "%s", w.Text))
			} else {
				s.note("%s", w.Text)
			}
		}
	}
}

// Members lists who is in a collection, by name.
func (s *Site) Members(ctx context.Context, who, collection string) (*api.Members, error) {
	var out *api.Members
	err := s.see(ctx, who, func(x store.Tx, w world) error {
		c, ok := w.look(osd.KindCollection, collection).(*osd.Collection)
		if !ok {
			return notThere(osd.KindCollection, collection)
		}
		out = &api.Members{Collection: c.Name, Computers: []string{}, Updated: w.frozen[c.Name].At}
		for _, m := range w.members(c) {
			out.Computers = append(out.Computers, m.Name)
		}
		out.Warnings = slices.DeleteFunc(slices.Clone(w.warnings()), func(w membership.Warning) bool { return w.Collection != c.Name })
		return nil
	})
	return out, err
}

// updateEvery is how often schedules of collections are looked at.
const updateEvery = time.Minute

// keepUpdated updates collections when their schedules ask for it, until ctx
// ends.
func (s *Site) keepUpdated(ctx context.Context) {
	tick := time.NewTicker(updateEvery)
	defer tick.Stop()
	for {
		if err := s.UpdateCollections(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("update of collections", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// UpdateCollections evaluates the queries of every collection whose schedule
// has come since its last update, and keeps who fits until the next.
func (s *Site) UpdateCollections(ctx context.Context) error {
	due, err := s.dueCollections(ctx)
	if err != nil || len(due) == 0 {
		return err
	}
	return s.write(ctx, func(x store.Tx) error {
		w, err := s.loadWorld(x)
		if err != nil {
			return err
		}
		for _, c := range due {
			if err := x.PutFrozen(store.Frozen{Collection: c.ID, At: s.now(), Members: w.fitting(c)}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Site) dueCollections(ctx context.Context) (due []*osd.Collection, err error) {
	err = s.store.Read(ctx, func(x store.Tx) error {
		w, err := s.loadWorld(x)
		for _, c := range all[*osd.Collection](w, osd.KindCollection) {
			if f, ok := w.frozen[c.Name]; c.Update != nil && (!ok || membership.Due(c, f.At, s.now())) {
				due = append(due, c)
			}
		}
		return err
	})
	return due, err
}

// fitting lists the IDs of the computers that fit the queries of a collection
// now, whatever its other rules say.
func (w world) fitting(c *osd.Collection) []string {
	rules := membership.New([]osd.Collection{{Meta: c.Meta, Queries: c.Queries}}, nil)
	var out []string
	for _, p := range all[*osd.Computer](w, osd.KindComputer) {
		if rules.Of(membership.Machine{Computer: p, Record: w.inventory[p.ID]}, w.now).Has(c.Name) {
			out = append(out, p.ID)
		}
	}
	return out
}
