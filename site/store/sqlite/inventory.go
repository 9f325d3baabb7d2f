package sqlite

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/bootward/bootward/site/store"
)

func (x *tx) Inventories() (map[string][]byte, error) {
	all := map[string][]byte{}
	err := x.each(func(scan func(...any) error) error {
		var computer string
		var document []byte
		err := scan(&computer, &document)
		all[computer] = document
		return err
	}, "SELECT computer, document FROM inventories")
	if err != nil {
		return nil, fmt.Errorf("list inventories: %w", err)
	}
	return all, nil
}

func (x *tx) PutInventory(computer string, record []byte) error {
	if _, err := x.exec("INSERT INTO inventories (computer, document) VALUES (?, ?) ON CONFLICT (computer) DO UPDATE SET document = excluded.document", computer, record); err != nil {
		return fmt.Errorf("put inventory of %s: %w", computer, err)
	}
	return nil
}

func (x *tx) DeleteInventory(computer string) error {
	if _, err := x.exec("DELETE FROM inventories WHERE computer = ?", computer); err != nil {
		return fmt.Errorf("delete inventory of %s: %w", computer, err)
	}
	return nil
}

func (x *tx) FrozenCollections() (map[string]store.Frozen, error) {
	all := map[string]store.Frozen{}
	err := x.each(func(scan func(...any) error) error {
		var f store.Frozen
		var members []byte
		if err := scan(&f.Collection, moment{&f.At}, &members); err != nil {
			return err
		}
		all[f.Collection] = f
		if err := json.Unmarshal(members, &f.Members); err != nil {
			return fmt.Errorf("members of %s: %w", f.Collection, err)
		}
		all[f.Collection] = f
		return nil
	}, "SELECT collection, at, members FROM frozen")
	if err != nil {
		return nil, fmt.Errorf("list updates of collections: %w", err)
	}
	return all, nil
}

func (x *tx) PutFrozen(f store.Frozen) error {
	members, err := json.Marshal(f.Members)
	if err == nil {
		_, err = x.exec(`INSERT INTO frozen (collection, at, members) VALUES (?, ?, ?)
			ON CONFLICT (collection) DO UPDATE SET at = excluded.at, members = excluded.members`, f.Collection, stamp(f.At), members)
	}
	if err != nil {
		return fmt.Errorf("put update of collection %s: %w", f.Collection, err)
	}
	return nil
}

func (x *tx) DeleteFrozen(collection string) error {
	if _, err := x.exec("DELETE FROM frozen WHERE collection = ?", collection); err != nil {
		return fmt.Errorf("delete update of collection %s: %w", collection, err)
	}
	return nil
}

func (x *tx) Orders(box string, after time.Time) ([]store.Order, error) {
	var all []store.Order
	err := x.each(func(scan func(...any) error) error {
		o := store.Order{Box: box}
		var document []byte
		if err := scan(&document); err != nil {
			return err
		}
		if err := json.Unmarshal(document, &o.Order); err != nil {
			return err
		}
		if o.ExpiresAt.After(after) {
			all = append(all, o)
		}
		return nil
	}, "SELECT document FROM orders WHERE box = ? ORDER BY rowid", box)
	if err != nil {
		return nil, fmt.Errorf("list orders of box %s: %w", box, err)
	}
	return all, nil
}

func (x *tx) AddOrder(o store.Order) error {
	document, err := json.Marshal(o.Order)
	if err == nil {
		_, err = x.exec("INSERT INTO orders (id, box, expires_at, document) VALUES (?, ?, ?, ?)", o.ID, o.Box, stamp(o.ExpiresAt), document)
	}
	if err != nil {
		return fmt.Errorf("add order %s: %w", o.ID, err)
	}
	return nil
}

func (x *tx) Change() (uint64, error) {
	var n uint64
	err := x.one([]any{&n}, "SELECT value FROM counters WHERE name = 'change'")
	return n, err
}

func (x *tx) NoteChange() error {
	_, err := x.count("change")
	return err
}
