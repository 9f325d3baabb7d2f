package sqlite

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/bootward/bootward/site/store"
)

func (x *tx) Grants(f store.GrantFilter) ([]store.Grant, error) {
	var all []store.Grant
	err := x.each(func(scan func(...any) error) error {
		var g store.Grant
		var document []byte
		var state string
		if err := scan(&g.Box, &document, &state, &g.Envelope, moment{&g.UsedAt}); err != nil {
			return err
		}
		if err := json.Unmarshal(document, &g.Grant); err != nil {
			return fmt.Errorf("grant document: %w", err)
		}
		g.StateID = state
		all = append(all, g)
		return nil
	}, `SELECT box, document, state_id, envelope, used_at FROM grants
		WHERE (?1 = '' OR box = ?1) AND (?2 = '' OR advertisement = ?2) AND (?3 = '' OR computer = ?3) ORDER BY rowid`,
		f.Box, f.Advertisement, f.Computer)
	if err != nil {
		return nil, fmt.Errorf("list grants: %w", err)
	}
	return all, nil
}

func (x *tx) AddGrant(g store.Grant) error {
	g.StateID = ""
	document, err := json.Marshal(g.Grant)
	if err != nil {
		return err
	}
	_, err = x.exec("INSERT INTO grants (id, box, advertisement, computer, document) VALUES (?, ?, ?, ?, ?)",
		g.ID, g.Box, g.Advertisement, g.Computer, document)
	if err != nil {
		return fmt.Errorf("add grant %s: %w", g.ID, err)
	}
	return nil
}

func (x *tx) BindGrant(id, stateID string, envelope []byte) error {
	n, err := x.exec("UPDATE grants SET state_id = ?, envelope = ? WHERE id = ? AND state_id = '' AND envelope IS NULL", stateID, envelope, id)
	if err != nil {
		return fmt.Errorf("bind grant %s: %w", id, err)
	}
	if n == 1 {
		return nil
	}
	var found int
	if err := x.one([]any{&found}, "SELECT count(*) FROM grants WHERE id = ?", id); err != nil {
		return err
	}
	if found == 0 {
		return fmt.Errorf("bind grant %s: %w", id, store.ErrNotFound)
	}
	return fmt.Errorf("bind grant %s: it is bound: %w", id, store.ErrConflict)
}

func (x *tx) SetGrantUsed(id, box string, at time.Time) error {
	n, err := x.exec("UPDATE grants SET used_at = ? WHERE id = ? AND box = ?", stamp(at), id, box)
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("grant %s of box %s: %w", id, box, err)
	}
	return nil
}
