package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
)

// keepOutbox is how long entries stay after the site has them, so that a site
// that was restored from a backup gets them again.
const keepOutbox = 30 * 24 * time.Hour

// Anybody on the segment can make the box write flight events: they get a share
// of the disk, about 50 MB, and no more. Status messages are always kept.
const (
	maxOutbox     = 50000 // entries; beyond it those that the site has go, then new flight events
	maxFlightText = 1000  // bytes
)

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

// ErrOutboxFull is what Record returns when the site has taken nothing for so
// long that there is no room for flight events.
var ErrOutboxFull = errors.New("the outbox is full: the site has not taken its events for long; flight events are not kept")

// Record puts events of the flight recorder into the outbox.
func (s *Store) Record(ctx context.Context, events ...status.FlightEvent) error {
	return s.change(ctx, "record flight events", func(tx *sql.Tx) error {
		room, err := s.room(tx)
		if err != nil || !room {
			return errors.Join(err, ErrOutboxFull)
		}
		return record(tx, events...)
	})
}

// room makes room in the outbox for flight events, and says whether there is.
func (s *Store) room(tx *sql.Tx) (bool, error) {
	var oldest sql.NullInt64
	if err := tx.QueryRow("SELECT min(number) FROM outbox").Scan(&oldest); err != nil {
		return false, err
	}
	next, err := counter(tx, "outboxNext")
	if err != nil || !oldest.Valid || next-uint64(oldest.Int64) < s.maxOutbox {
		return err == nil, err
	}
	// A tenth more than must be, so that this is not done at each event.
	r, err := tx.Exec("DELETE FROM outbox WHERE number <= ? AND number < (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'outboxAcked')",
		int64(next-s.maxOutbox+s.maxOutbox/10))
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

func record(tx *sql.Tx, events ...status.FlightEvent) error {
	for _, e := range events {
		if len(e.Text) > maxFlightText {
			e.Text = strings.ToValidUTF8(e.Text[:maxFlightText], "")
		}
		if err := put(tx, e.Time, api.BoxEvent{Flight: &e}); err != nil {
			return err
		}
	}
	return nil
}

// maxUnsent is how many bytes of entries Unsent returns at once: the site takes
// 16 MiB in one request.
const maxUnsent = 4 << 20

// Unsent returns the oldest entries that the site does not have, at most n, and
// at most 4 MiB of them unless the first is larger. Those that a restored site
// asks for again but that are no longer kept come as empty entries: the site
// counts them, so that what is behind them does not wait for ever.
func (s *Store) Unsent(ctx context.Context, n int) ([]api.BoxEvent, error) {
	next, acked, err := s.counters(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := s.unsent(ctx, n)
	if err != nil {
		return nil, err
	}
	first := next
	if len(kept) > 0 {
		first = kept[0].Number
	}
	if acked >= first {
		return kept, nil
	}
	var gone []api.BoxEvent
	for number := acked; number < first && len(gone) < n; number++ {
		gone = append(gone, api.BoxEvent{Number: number})
	}
	return gone, nil
}

func (s *Store) unsent(ctx context.Context, n int) ([]api.BoxEvent, error) {
	return s.events(ctx, `SELECT body FROM (SELECT number, body, sum(length(CAST(body AS BLOB))) OVER (ORDER BY number) - length(CAST(body AS BLOB)) AS before
		FROM (SELECT number, body FROM outbox WHERE number >= (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'outboxAcked') ORDER BY number LIMIT ?))
		WHERE before < ? ORDER BY number`, n, maxUnsent)
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
// restored asks for older ones again by a lower number: they are sent again, or
// empty if they are not kept. A number that was never given is refused.
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
		return setCounter(tx, "outboxAcked", next)
	})
}

// Waiting counts the entries that the site does not have.
func (s *Store) Waiting(ctx context.Context) (uint64, error) {
	next, acked, err := s.counters(ctx)
	return next - acked, err
}

// counters reads the number of the next entry, and of the next that the site
// wants.
func (s *Store) counters(ctx context.Context) (next, acked uint64, err error) {
	var n, a string
	err = s.db.QueryRowContext(ctx, `SELECT (SELECT value FROM meta WHERE key = 'outboxNext'),
		(SELECT value FROM meta WHERE key = 'outboxAcked')`).Scan(&n, &a)
	if err != nil {
		return 0, 0, fmt.Errorf("read outbox: %w", err)
	}
	next, err1 := strconv.ParseUint(n, 10, 64)
	acked, err2 := strconv.ParseUint(a, 10, 64)
	if err1 != nil || err2 != nil || acked > next {
		return 0, 0, fmt.Errorf("read outbox: counters %q and %q make no sense", n, a)
	}
	return next, acked, nil
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
