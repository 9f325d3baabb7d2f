package store

import (
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
	if j.Computer == "" || j.Identity.Inventory == nil && j.Known == nil && j.TPM == "" {
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
	d := api.Discovered{Computer: j.Computer, Inventory: inventory.Record{Machine: m, IPAddresses: j.Addresses, Time: j.Opened}, Known: again, TPM: j.TPM, TPMWas: j.TPMWas}
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
