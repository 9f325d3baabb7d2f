package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Wrong PINs and passwords: after freeTries wrong ones in a row a subject waits,
// twice as long each time. It is kept over a restart: pulling the plug of the box
// gives nobody new tries.
const (
	freeTries = 5
	firstWait = 30 * time.Second
	longWait  = time.Hour
	maxTries  = 10000 // subjects that are remembered
)

// WaitTry says how long a subject, such as a technician's name, has to wait until
// its next try; 0 if it may try now.
func (s *Store) WaitTry(ctx context.Context, subject string, now time.Time) (time.Duration, error) {
	var until int64
	err := s.db.QueryRowContext(ctx, "SELECT until FROM tries WHERE subject = ?", subject).Scan(&until)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read tries of %s: %w", subject, err)
	}
	wait := max(fromMillis(until).Sub(now), 0)
	if wait <= longWait {
		return wait, nil
	}
	// The clock was set back: that must not lock anybody out for years.
	return longWait, s.change(ctx, "set the end of the wait of "+subject+" right", func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE tries SET until = ?1 WHERE subject = ?2 AND until > ?1", millis(now.Add(longWait)), subject)
		return err
	})
}

// NoteTry keeps that a subject tried: a right one forgets the wrong ones before.
func (s *Store) NoteTry(ctx context.Context, subject string, right bool, now time.Time) error {
	return s.change(ctx, "note a try of "+subject, func(tx *sql.Tx) error { return noteTry(tx, subject, right, now) })
}

func noteTry(tx *sql.Tx, subject string, right bool, now time.Time) error {
	if right {
		_, err := tx.Exec("DELETE FROM tries WHERE subject = ?", subject)
		return err
	}
	var failed int
	err := tx.QueryRow("SELECT failed FROM tries WHERE subject = ?", subject).Scan(&failed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	failed++
	until := now
	if n := failed - freeTries; n >= 0 {
		until = now.Add(min(firstWait<<min(n, 10), longWait))
	}
	if _, err := tx.Exec("INSERT INTO tries (subject, failed, until) VALUES (?1, ?2, ?3) ON CONFLICT (subject) DO UPDATE SET failed = ?2, until = ?3",
		subject, failed, millis(until)); err != nil {
		return err
	}
	_, err = tx.Exec("DELETE FROM tries WHERE subject IN (SELECT subject FROM tries ORDER BY until DESC LIMIT -1 OFFSET ?)", maxTries)
	return err
}
