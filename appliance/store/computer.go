package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
)

// Computer is a machine that became known at this box, by its first job.
type Computer struct {
	osd.Computer
	// Merged is its ID at the site, once policy knows the machine; empty before.
	Merged string
}

// computerKey begins the key of a machine that is known, before its ID.
const computerKey = "computer:"

// Labels can be made up: what the box remembers of machines has an end.
const (
	maxKnown       = 1000  // computers that the site does not know
	maxInventories = 20000 // of all computers
)

// KnownChange grows when Computers or Inventories may have changed. Take it
// before reading.
func (s *Store) KnownChange() uint64 { return s.known.Load() }

func (s *Store) knownChanged() { s.known.Add(1) }

// Computers lists the machines that became known here, oldest first, also those
// that the site has merged since.
func (s *Store) Computers(ctx context.Context) ([]Computer, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT document, merged FROM computers ORDER BY rowid")
	if err != nil {
		return nil, fmt.Errorf("read computers: %w", err)
	}
	defer rows.Close()
	var all []Computer
	for rows.Next() {
		var c Computer
		var document string
		if err := rows.Scan(&document, &c.Merged); err != nil {
			return nil, fmt.Errorf("read computers: %w", err)
		}
		if err := json.Unmarshal([]byte(document), &c.Computer); err != nil {
			return nil, fmt.Errorf("read computers: %w", err)
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// Inventories is what computers said of themselves at their newest job, by ID.
func (s *Store) Inventories(ctx context.Context) (map[string]inventory.Record, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT computer, document FROM inventories")
	if err != nil {
		return nil, fmt.Errorf("read inventories: %w", err)
	}
	defer rows.Close()
	all := map[string]inventory.Record{}
	for rows.Next() {
		var id, document string
		var r inventory.Record
		if err := rows.Scan(&id, &document); err != nil {
			return nil, fmt.Errorf("read inventories: %w", err)
		}
		if err := json.Unmarshal([]byte(document), &r); err != nil {
			return nil, fmt.Errorf("read inventories: %w", err)
		}
		all[id] = r
	}
	return all, rows.Err()
}

// queryer is a database or a transaction.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// merged is the ID at the site of a computer that became known here, or the ID
// itself while there is none.
func merged(ctx context.Context, q queryer, id string) (string, error) {
	to := ""
	err := q.QueryRowContext(ctx, "SELECT merged FROM computers WHERE id = ?", id).Scan(&to)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read computer %s: %w", id, err)
	}
	if to == "" {
		return id, nil
	}
	return to, nil
}

// canonical brings the key of a job up to date: between the decision and now the
// site's policy may have come to know its machine.
func canonical(tx *sql.Tx, j *Job) error {
	if !osd.Local(j.Computer) || j.Machine != computerKey+j.Computer {
		return nil
	}
	to, err := merged(context.Background(), tx, j.Computer)
	if err == nil && to != j.Computer {
		j.Computer, j.Machine, j.Known = to, computerKey+to, nil
	}
	return err
}
