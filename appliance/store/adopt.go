package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
)

// Adopt gives what the box remembers of machines that became known here the IDs
// that the site gave them: merges are site's IDs by ours. Those of forget, which
// were merged before, are remembered no longer. It is one transaction: a machine
// has its jobs under the one key or under the other, never under neither.
func (s *Store) Adopt(ctx context.Context, merges map[string]string, forget []string, now time.Time) error {
	defer s.knownChanged()
	return s.change(ctx, "take over computers of the site", func(tx *sql.Tx) error {
		for _, id := range slices.Sorted(maps.Keys(merges)) {
			if err := adopt(tx, id, merges[id], now); err != nil {
				return err
			}
		}
		for _, id := range forget {
			if _, err := tx.Exec("DELETE FROM computers WHERE id = ? AND merged != ''", id); err != nil {
				return err
			}
		}
		return nil
	})
}

func adopt(tx *sql.Tx, id, to string, now time.Time) error {
	if err := closeOlder(tx, id, to, now); err != nil {
		return err
	}
	for _, do := range []string{
		"UPDATE jobs SET machine = 'computer:' || ?2, computer = ?2 WHERE machine = 'computer:' || ?1",
		"UPDATE OR IGNORE wants SET machine = 'computer:' || ?2 WHERE machine = 'computer:' || ?1",
		"DELETE FROM wants WHERE machine = 'computer:' || ?1 AND ?2 != ''",
		`INSERT INTO inventories (computer, time, document) SELECT ?2, time, document FROM inventories WHERE computer = ?1
			ON CONFLICT (computer) DO UPDATE SET time = excluded.time, document = excluded.document WHERE excluded.time > time`,
		"DELETE FROM inventories WHERE computer = ?1 AND ?2 != ''",
		"UPDATE computers SET merged = ?2 WHERE id = ?1",
	} {
		if _, err := tx.Exec(do, id, to); err != nil {
			return err
		}
	}
	return audit(tx, api.AuditRecord{Time: now, Who: "box", What: "known", Object: id, Text: "it is computer " + to + " of the site"})
}

// closeOlder ends the older of two open jobs when two records turn out to be of
// one machine: a machine has one job.
func closeOlder(tx *sql.Tx, id, to string, now time.Time) error {
	rows, err := tx.Query("SELECT id FROM jobs WHERE machine IN (?, ?) AND state = ? ORDER BY opened, rowid", computerKey+id, computerKey+to, JobOpen)
	if err != nil {
		return err
	}
	var open []string
	for rows.Next() {
		var job string
		if err := rows.Scan(&job); err != nil {
			return errors.Join(err, rows.Close())
		}
		open = append(open, job)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(open) < 2 {
		return err
	}
	return closeJob(tx, open[0], JobAbandoned, fmt.Sprintf("its machine is that of job %s: the site knows both as computer %s", open[1], to), now)
}

// roomForComputer forgets the oldest computer that has no open job and never had
// one that succeeded, when there are too many; merged ones go first.
func (s *Store) roomForComputer(tx *sql.Tx, j Job) error {
	if j.Known == nil {
		return nil
	}
	var n int
	if err := tx.QueryRow("SELECT count(*) FROM computers WHERE id != ?", j.Known.ID).Scan(&n); err != nil || n < s.maxKnown {
		return err
	}
	var id string
	err := tx.QueryRow(`SELECT id FROM computers c WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE machine IN ('computer:' || c.id, 'computer:' || c.merged) AND state = ?)
		AND (merged != '' OR document ->> '$.provisional' = 1) ORDER BY merged = '', rowid LIMIT 1`, JobOpen).Scan(&id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrTooManyKnown
	case err != nil:
		return err
	}
	if _, err := tx.Exec("DELETE FROM computers WHERE id = ?", id); err != nil {
		return err
	}
	_, err = tx.Exec("DELETE FROM inventories WHERE computer = ?", id)
	return err
}
