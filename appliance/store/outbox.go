package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
)

// keepOutbox is how long entries stay after the site has them, so that a site
// that was restored from a backup gets them again.
const keepOutbox = 30 * 24 * time.Hour

// put gives the event the next number and keeps it, in the transaction of the
// caller: numbers count from 1 without gaps.
func put(tx *sql.Tx, now time.Time, e api.BoxEvent) error {
	next, err := counter(tx, "outboxNext")
	if err != nil {
		return err
	}
	e.Number = next
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO outbox (number, time, body) VALUES (?, ?, ?)", int64(next), millis(now), string(body)); err != nil {
		return err
	}
	return setCounter(tx, "outboxNext", next+1)
}

// Record puts events of the flight recorder into the outbox.
func (s *Store) Record(ctx context.Context, events ...status.FlightEvent) error {
	return s.change(ctx, "record flight events", func(tx *sql.Tx) error { return record(tx, events...) })
}

func record(tx *sql.Tx, events ...status.FlightEvent) error {
	for _, e := range events {
		if err := put(tx, e.Time, api.BoxEvent{Flight: &e}); err != nil {
			return err
		}
	}
	return nil
}

// Unsent returns the oldest entries that the site does not have, at most n.
func (s *Store) Unsent(ctx context.Context, n int) ([]api.BoxEvent, error) {
	return s.events(ctx, `SELECT body FROM outbox WHERE number >=
		(SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'outboxAcked') ORDER BY number LIMIT ?`, n)
}

// Timeline returns the newest entries, at most n, oldest first.
func (s *Store) Timeline(ctx context.Context, n int) ([]api.BoxEvent, error) {
	return s.events(ctx, "SELECT body FROM (SELECT number, body FROM outbox ORDER BY number DESC LIMIT ?) ORDER BY number", n)
}

func (s *Store) events(ctx context.Context, query string, args ...any) ([]api.BoxEvent, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	defer rows.Close()
	var all []api.BoxEvent
	for rows.Next() {
		var body string
		var e api.BoxEvent
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

// Acked remembers that the site has all entries below next. A site that was
// restored asks for older ones again by a lower number: they are sent again as
// far back as they are kept. A number that was never given is refused.
func (s *Store) Acked(ctx context.Context, next uint64, now time.Time) error {
	return s.change(ctx, "note acknowledged events", func(tx *sql.Tx) error {
		given, err := counter(tx, "outboxNext")
		if err != nil {
			return err
		}
		if next < 1 || next > given {
			return fmt.Errorf("the site acknowledges events below %d, but only those below %d were made", next, given)
		}
		if _, err := tx.Exec("DELETE FROM outbox WHERE number < ? AND time < ?", int64(next), millis(now.Add(-keepOutbox))); err != nil {
			return err
		}
		var oldest sql.NullInt64
		if err := tx.QueryRow("SELECT min(number) FROM outbox").Scan(&oldest); err != nil {
			return err
		}
		if oldest.Valid && next < uint64(oldest.Int64) {
			return fmt.Errorf("the site asks for event %d again, the oldest kept is %d", next, oldest.Int64)
		}
		return setCounter(tx, "outboxAcked", next)
	})
}

// Waiting counts the entries that the site does not have.
func (s *Store) Waiting(ctx context.Context) (uint64, error) {
	next, err := s.Meta(ctx, "outboxNext")
	if err != nil {
		return 0, err
	}
	acked, err := s.Meta(ctx, "outboxAcked")
	if err != nil {
		return 0, err
	}
	n, err1 := strconv.ParseUint(next, 10, 64)
	a, err2 := strconv.ParseUint(acked, 10, 64)
	if err1 != nil || err2 != nil || a > n {
		return 0, fmt.Errorf("outbox: counters %q and %q make no sense", next, acked)
	}
	return n - a, nil
}

// Changed returns a channel that is closed after the next write, of anything.
// Take it before reading, so that nothing is missed.
func (s *Store) Changed() <-chan struct{} { return s.changed.Changed() }

func counter(tx *sql.Tx, key string) (uint64, error) {
	var v string
	if err := tx.QueryRow("SELECT value FROM meta WHERE key = ?", key).Scan(&v); err != nil {
		return 0, fmt.Errorf("read %s: %w", key, err)
	}
	n, err := strconv.ParseUint(v, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", key, err)
	}
	return n, nil
}

func setCounter(tx *sql.Tx, key string, n uint64) error {
	_, err := tx.Exec("UPDATE meta SET value = ? WHERE key = ?", strconv.FormatUint(n, 10), key)
	return err
}
