package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/bootward/bootward/osd/status"
)

// maxMarks bounds the marks of boot images without an agent; the oldest go, and such a
// machine is offered its image once more.
const maxMarks = 4096

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
		// One mark for each machine and advertisement, and an end to all of them: anybody
		// can fetch a boot image.
		if _, err := tx.Exec(`DELETE FROM jobs WHERE key LIKE 'served %' AND (machine = ?1 AND advertisement = ?2
			OR rowid NOT IN (SELECT rowid FROM jobs WHERE key LIKE 'served %' ORDER BY opened DESC, rowid DESC LIMIT ?3))`, j.Machine, j.Document.Advertisement, maxMarks); err != nil {
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
