package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
)

// NoteSignIn keeps that somebody tried to sign in, for each of the subjects whose
// tries are counted, and the entry of the audit log: one transaction.
func (s *Store) NoteSignIn(ctx context.Context, subjects []string, right bool, a api.AuditRecord) error {
	return s.change(ctx, "note that somebody signs in", func(tx *sql.Tx) error {
		for _, subject := range subjects {
			if err := noteTry(tx, subject, right, a.Time); err != nil {
				return err
			}
		}
		return audit(tx, a)
	})
}

// FlightOf returns the newest events of the flight recorder about a machine that
// are still kept, at most n, oldest first. mac is normalised.
func (s *Store) FlightOf(ctx context.Context, mac string, n int) ([]status.FlightEvent, error) {
	events, err := s.events(ctx, "SELECT body FROM outbox WHERE body ->> '$.flight.client' = ? ORDER BY number DESC LIMIT ?", mac, n)
	if err != nil {
		return nil, fmt.Errorf("timeline of %s: %w", mac, err)
	}
	all := make([]status.FlightEvent, 0, len(events))
	for _, e := range slices.Backward(events) {
		all = append(all, *e.Flight)
	}
	return all, nil
}
