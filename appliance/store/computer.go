package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
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

// takeOver gives the jobs that a machine had before it was known its key.
func takeOver(tx *sql.Tx, j Job) error {
	for _, key := range j.Labels {
		if _, err := tx.Exec("UPDATE jobs SET machine = ?, computer = ? WHERE machine = ?", j.Machine, j.Computer, key); err != nil {
			return err
		}
	}
	return nil
}

// discover keeps what a computer said of itself, and tells the site; so it does of
// a machine that becomes known.
func discover(tx *sql.Tx, j Job) error {
	if j.Computer == "" || j.Identity.Inventory == nil && j.Known == nil {
		return nil
	}
	again := j.Known
	if again == nil && osd.Local(j.Computer) {
		again = &api.Known{} // the site learns of it by each job: its backup may be older
		var document string
		if err := tx.QueryRow("SELECT document FROM computers WHERE id = ?", j.Computer).Scan(&document); err != nil {
			return fmt.Errorf("read computer %s: %w", j.Computer, err)
		}
		if err := json.Unmarshal([]byte(document), &again.Computer); err != nil {
			return fmt.Errorf("read computer %s: %w", j.Computer, err)
		}
	}
	id := j.Identity
	m := inventory.Machine{Manufacturer: id.Manufacturer, Model: id.Model, SerialNumber: id.SerialNumber, UUID: id.SMBIOSGUID, AssetTag: id.AssetTag, UEFI: id.UEFI}
	if id.Inventory != nil {
		m = *id.Inventory
	}
	d := api.Discovered{Computer: j.Computer, Inventory: inventory.Record{Machine: m, IPAddresses: j.Addresses, Time: j.Opened}, Known: again}
	if err := keepInventory(tx, j.Computer, d.Inventory); err != nil {
		return err
	}
	if j.Known != nil {
		if err := keepComputer(tx, j); err != nil {
			return err
		}
	}
	return put(tx, j.Opened, api.BoxEvent{Discovered: &d})
}

func keepInventory(tx *sql.Tx, computer string, r inventory.Record) error {
	document, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO inventories (computer, time, document) VALUES (?1, ?2, ?3)
		ON CONFLICT (computer) DO UPDATE SET time = ?2, document = ?3`, computer, millis(r.Time), string(document))
	if err != nil {
		return err
	}
	_, err = tx.Exec("DELETE FROM inventories WHERE computer IN (SELECT computer FROM inventories ORDER BY time DESC LIMIT -1 OFFSET ?)", maxInventories)
	return err
}

// keepComputer remembers the computer that a machine becomes by a job.
func keepComputer(tx *sql.Tx, j Job) error {
	c := j.Known.Computer
	document, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = tx.Exec("INSERT INTO computers (id, document) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET document = ?2", c.ID, string(document))
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s: MAC %s, GUID %s", c.Name, strings.Join(c.MACs, " "), c.SMBIOSGUID)
	return audit(tx, api.AuditRecord{Time: j.Opened, Who: "job " + j.ID, What: "known", Object: c.ID, Text: text})
}

// confirm ends, with the success of a job, that its computer is provisional, and
// tells the site.
func confirm(tx *sql.Tx, job string, now time.Time) error {
	rows, err := tx.Query(`SELECT c.id, c.document, coalesce(i.document, '{}') FROM jobs j JOIN computers c ON c.id = j.computer OR c.merged = j.computer
		LEFT JOIN inventories i ON i.computer = j.computer WHERE j.id = ? AND j.computer != ''`, job)
	if err != nil {
		return err
	}
	var found []api.Discovered
	for rows.Next() {
		var document, said string
		d := api.Discovered{Known: &api.Known{}}
		if err := rows.Scan(&d.Computer, &document, &said); err != nil {
			return errors.Join(err, rows.Close())
		}
		if err := errors.Join(json.Unmarshal([]byte(document), &d.Known.Computer), json.Unmarshal([]byte(said), &d.Inventory)); err != nil {
			return errors.Join(err, rows.Close())
		}
		found = append(found, d)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, d := range found {
		if !d.Known.Provisional {
			continue
		}
		d.Known.Provisional = false
		document, err := json.Marshal(d.Known.Computer)
		if err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE computers SET document = ? WHERE id = ?", string(document), d.Computer); err != nil {
			return err
		}
		if err := put(tx, now, api.BoxEvent{Discovered: &d}); err != nil {
			return err
		}
	}
	return nil
}
