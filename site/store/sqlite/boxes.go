package sqlite

import (
	"errors"
	"fmt"
	"time"

	"github.com/bootward/bootward/site/store"
)

// timeFormat keeps nanoseconds and sorts as text.
const timeFormat = "2006-01-02T15:04:05.000000000Z"

func stamp(t time.Time) string { return t.UTC().Format(timeFormat) }

// moment reads a column that stamp wrote.
type moment struct{ t *time.Time }

func (m moment) Scan(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("time column holds %T", v)
	}
	t, err := time.Parse(timeFormat, s)
	if err != nil {
		return err
	}
	if *m.t = t; t.Year() == 1 {
		*m.t = time.Time{}
	}
	return nil
}

const boxColumns = "SELECT id, certificate, state_id, enrolled_at, last_seen, check_in, sealing_key FROM boxes "

func boxDest(b *store.Box) []any {
	return []any{&b.ID, &b.Certificate, &b.StateID, moment{&b.EnrolledAt}, moment{&b.LastSeen}, &b.CheckIn, &b.SealingKey}
}

func (x *tx) Box(id string) (store.Box, error) {
	var b store.Box
	if err := x.one(boxDest(&b), boxColumns+"WHERE id = ?", id); err != nil {
		return b, fmt.Errorf("enrolment of box %s: %w", id, err)
	}
	return b, nil
}

func (x *tx) BoxByCertificate(sha256 string) (store.Box, error) {
	var b store.Box
	if err := x.one(boxDest(&b), boxColumns+"WHERE certificate = ?", sha256); err != nil {
		return b, fmt.Errorf("box with certificate %s: %w", sha256, err)
	}
	return b, nil
}

func (x *tx) Boxes() ([]store.Box, error) {
	var all []store.Box
	err := x.each(func(scan func(...any) error) error {
		var b store.Box
		if err := scan(boxDest(&b)...); err != nil {
			return err
		}
		all = append(all, b)
		return nil
	}, boxColumns+"ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("list boxes: %w", err)
	}
	return all, nil
}

func (x *tx) PutBox(b store.Box) error {
	_, err := x.exec(`INSERT INTO boxes (id, certificate, state_id, enrolled_at, last_seen, check_in, sealing_key) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET certificate = excluded.certificate, state_id = excluded.state_id,
		enrolled_at = excluded.enrolled_at, last_seen = excluded.last_seen, check_in = excluded.check_in, sealing_key = excluded.sealing_key`,
		b.ID, b.Certificate, b.StateID, stamp(b.EnrolledAt), stamp(b.LastSeen), b.CheckIn, b.SealingKey)
	if err != nil {
		return fmt.Errorf("put box %s: %w", b.ID, err)
	}
	return nil
}

func (x *tx) DeleteBox(id string) error {
	_, err := x.exec("DELETE FROM tokens WHERE box = ?", id)
	if err == nil {
		_, err = x.exec("DELETE FROM boxes WHERE id = ?", id)
	}
	for _, table := range []string{"policies", "box_secrets"} {
		if err == nil {
			_, err = x.exec("DELETE FROM "+table+" WHERE box = ?", id)
		}
	}
	if err != nil {
		return fmt.Errorf("forget box %s: %w", id, err)
	}
	return nil
}

func (x *tx) PutToken(t store.Token) error {
	_, err := x.exec("DELETE FROM tokens WHERE box = ?", t.Box)
	if err == nil {
		_, err = x.exec("INSERT INTO tokens (hash, box, expires_at) VALUES (?, ?, ?)", t.Hash, t.Box, stamp(t.ExpiresAt))
	}
	if err != nil {
		return fmt.Errorf("put token of box %s: %w", t.Box, err)
	}
	return nil
}

func (x *tx) UseToken(hash, by string, now time.Time) (store.Token, error) {
	t := store.Token{Hash: hash}
	err := x.one([]any{&t.Box, moment{&t.ExpiresAt}},
		`UPDATE tokens SET used = 1, used_by = ?2 WHERE hash = ?1 AND (used = 0 OR used_by = ?2 AND ?2 <> '') AND expires_at > ?3
		RETURNING box, expires_at`, hash, by, stamp(now))
	if !errors.Is(err, store.ErrNotFound) {
		return t, err
	}
	var n int
	if err := x.one([]any{&n}, "SELECT count(*) FROM tokens WHERE hash = ?", hash); err != nil {
		return t, err
	}
	if n > 0 {
		return t, fmt.Errorf("enrolment token: used or ended: %w", store.ErrConflict)
	}
	return t, fmt.Errorf("enrolment token: %w", store.ErrNotFound)
}
