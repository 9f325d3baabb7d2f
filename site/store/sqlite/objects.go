package sqlite

import (
	"errors"
	"fmt"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
)

const objectColumns = "SELECT kind, id, name, document FROM objects "

func (x *tx) Object(kind osd.Kind, nameOrID string) (store.Object, error) {
	var o store.Object
	dest := []any{&o.Kind, &o.ID, &o.Name, &o.Document}
	err := x.one(dest, objectColumns+"WHERE kind = ? AND name = ?", kind, nameOrID)
	if errors.Is(err, store.ErrNotFound) {
		err = x.one(dest, objectColumns+"WHERE kind = ? AND id = ?", kind, nameOrID)
	}
	if err != nil {
		return o, fmt.Errorf("%s %q: %w", kind, nameOrID, err)
	}
	return o, nil
}

func (x *tx) Objects(kind osd.Kind) ([]store.Object, error) {
	var all []store.Object
	err := x.each(func(scan func(...any) error) error {
		var o store.Object
		if err := scan(&o.Kind, &o.ID, &o.Name, &o.Document); err != nil {
			return err
		}
		all = append(all, o)
		return nil
	}, objectColumns+"WHERE kind = ? ORDER BY name", kind)
	if err != nil {
		return nil, fmt.Errorf("list objects of kind %s: %w", kind, err)
	}
	return all, nil
}

func (x *tx) PutObject(o store.Object) error {
	_, err := x.exec(`INSERT INTO objects (id, kind, name, document) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, document = excluded.document`,
		o.ID, string(o.Kind), o.Name, o.Document)
	if err != nil {
		return fmt.Errorf("put %s %q: %w", o.Kind, o.Name, err)
	}
	return nil
}

func (x *tx) DeleteObject(id string) error {
	n, err := x.exec("DELETE FROM objects WHERE id = ?", id)
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("delete object %s: %w", id, err)
	}
	return nil
}

func (x *tx) NextID(code string) (string, error) {
	n, err := x.count("object")
	if err != nil {
		return "", err
	}
	if n > 0xfffff {
		return "", errors.New("the site has given all of its 1,048,575 ids")
	}
	return fmt.Sprintf("%s%05X", code, n), nil
}

// count takes the next value of a counter.
func (x *tx) count(name string) (uint64, error) {
	var n uint64
	if err := x.one([]any{&n}, "UPDATE counters SET value = value + 1 WHERE name = ? RETURNING value", name); err != nil {
		return 0, fmt.Errorf("counter %s: %w", name, err)
	}
	return n, nil
}
