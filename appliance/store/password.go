package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
)

// WrongPassword keeps, in one transaction, that the machine with a MAC gave a
// wrong PXE password: it counts for each of the subjects, and stands in the
// flight recorder and in the audit log. What was typed is kept nowhere.
func (s *Store) WrongPassword(ctx context.Context, mac string, subjects []string, now time.Time) error {
	return s.change(ctx, "note a wrong password of "+mac, func(tx *sql.Tx) error {
		for _, subject := range subjects {
			if err := noteTry(tx, subject, false, now); err != nil {
				return err
			}
		}
		const text = "wrong PXE password"
		return errors.Join(audit(tx, api.AuditRecord{Time: now, Who: "machine " + mac, What: "password-failed", Object: mac, Text: text}),
			record(tx, status.FlightEvent{Time: now, Client: mac, What: status.FlightPasswordFailed, Text: text}))
	})
}
