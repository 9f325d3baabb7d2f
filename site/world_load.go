package site

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/membership"
	"github.com/bootward/bootward/site/store"
)

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
