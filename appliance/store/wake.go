package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// keepWakes is how long it is remembered who was woken for a time: older
// assignments wake nobody.
const keepWakes = 7 * 24 * time.Hour

// Woken says which computers, by ID, were woken for an occurrence of an
// assignment. The zero time is one of its own: asSoonAsPossible.
func (s *Store) Woken(ctx context.Context, advertisement string, occurrence time.Time) (map[string]bool, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT computer FROM wakes WHERE advertisement = ? AND occurrence = ?", advertisement, millis(occurrence))
	if err != nil {
		return nil, fmt.Errorf("read who was woken: %w", err)
	}
	defer rows.Close()
	all := map[string]bool{}
	for rows.Next() {
		var c string
		if err := rows.Scan(&c); err != nil {
			return nil, fmt.Errorf("read who was woken: %w", err)
		}
		all[c] = true
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read who was woken: %w", err)
	}
	return all, nil
}

// Woke remembers that a computer is woken for an occurrence.
func (s *Store) Woke(ctx context.Context, advertisement string, occurrence time.Time, computer string, now time.Time) error {
	return s.change(ctx, "remember who was woken", func(tx *sql.Tx) error {
		if _, err := tx.Exec("INSERT INTO wakes (advertisement, occurrence, computer) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", advertisement, millis(occurrence), computer); err != nil {
			return err
		}
		_, err := tx.Exec("DELETE FROM wakes WHERE occurrence != 0 AND occurrence < ?", millis(now.Add(-keepWakes)))
		return err
	})
}
