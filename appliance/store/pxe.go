package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Boot is what the box remembers of one machine's network boots.
type Boot struct {
	MAC      string
	GUID     string // "" if the machine did not say
	First    time.Time
	Last     time.Time
	Outcome  string    // of the last question, in words
	Declined time.Time // when nobody came to its screen; zero: never
}

// maxBoots is how many machines are remembered; those asked for longest ago
// are forgotten first. MACs can be made up, the disk must not fill with them.
const maxBoots = 10000

// SawBoot remembers that a machine asked to be booted.
func (s *Store) SawBoot(ctx context.Context, mac, guid, outcome string, now time.Time) error {
	return s.change(ctx, "remember boot of "+mac, func(tx *sql.Tx) error {
		if _, err := tx.Exec(`INSERT INTO pxe (mac, guid, first, last, outcome) VALUES (?1, ?2, ?3, ?3, ?4)
			ON CONFLICT (mac) DO UPDATE SET guid = ?2, last = ?3, outcome = ?4`, mac, guid, millis(now), outcome); err != nil {
			return err
		}
		return forgetBoots(tx)
	})
}

func forgetBoots(tx *sql.Tx) error {
	_, err := tx.Exec("DELETE FROM pxe WHERE mac IN (SELECT mac FROM pxe ORDER BY last DESC LIMIT -1 OFFSET ?)", maxBoots)
	return err
}

// Declined remembers that nobody came to the machine's screen.
func (s *Store) Declined(ctx context.Context, macs []string, guid string, now time.Time) error {
	return s.change(ctx, "remember decline", func(tx *sql.Tx) error {
		for _, mac := range macs {
			if _, err := tx.Exec(`INSERT INTO pxe (mac, guid, first, last, outcome, declined) VALUES (?1, ?2, ?3, ?3, 'declined', ?3)
				ON CONFLICT (mac) DO UPDATE SET declined = ?3`, mac, guid, millis(now)); err != nil {
				return err
			}
		}
		return forgetBoots(tx)
	})
}

// Boot returns what is remembered of a machine; false if nothing is.
func (s *Store) Boot(ctx context.Context, mac string) (Boot, bool, error) {
	b := Boot{MAC: mac}
	var first, last, declined int64
	err := s.db.QueryRowContext(ctx, "SELECT guid, first, last, outcome, declined FROM pxe WHERE mac = ?", mac).
		Scan(&b.GUID, &first, &last, &b.Outcome, &declined)
	if errors.Is(err, sql.ErrNoRows) {
		return b, false, nil
	}
	if err != nil {
		return b, false, fmt.Errorf("read boots of %s: %w", mac, err)
	}
	b.First, b.Last, b.Declined = fromMillis(first), fromMillis(last), fromMillis(declined)
	return b, true, nil
}
