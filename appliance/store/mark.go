package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/bootward/bootward/osd/status"
)

// MarkRun remembers a job that has run unseen, as succeeded: a PXE mark, which
// clears like that of any other job. It uses no grant, and the site gets no status
// messages of it.
func (s *Store) MarkRun(ctx context.Context, j Job, events ...status.FlightEvent) error {
	identity, err := json.Marshal(j.Identity)
	if err != nil {
		return fmt.Errorf("mark run %s: %w", j.ID, err)
	}
	document, err := json.Marshal(j.Document)
	if err != nil {
		return fmt.Errorf("mark run %s: %w", j.ID, err)
	}
	return s.change(ctx, "mark run "+j.ID, func(tx *sql.Tx) error {
		j := j
		if err := canonical(tx, &j); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO jobs (id, machine, computer, name, client, advertisement, sequence, key, grant_id, identity, document, state, opened, seen, closed)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, '', ?9, ?10, ?11, ?12, ?12, ?12)`, j.ID, j.Machine, j.Computer, j.Name, j.Client, j.Document.Advertisement,
			j.Sequence, j.Key, string(identity), string(document), JobSucceeded, millis(j.Opened)); err != nil {
			return err
		}
		return record(tx, events...)
	})
}
