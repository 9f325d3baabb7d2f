package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

// The keys of meta under which the wipe interlock is kept.
const (
	metaStopped = "stopped"    // why; empty while the box goes on
	metaResumed = "resumedJob" // rowid of the newest job at the last resume: it and older ones are not counted
)

// maxWants bounds the machines that are remembered: labels can be made up.
const maxWants = 10000

// Want remembers that a machine wants to be erased by advertisements, and
// reports whether that is new.
func (s *Store) Want(ctx context.Context, machine string, advertisements []string, now time.Time) (added bool, err error) {
	machine, missing, err := s.unwanted(ctx, machine, advertisements)
	if err != nil || len(missing) == 0 {
		return false, err
	}
	return true, s.change(ctx, "remember who wants to be erased", func(tx *sql.Tx) error {
		for _, a := range missing {
			if _, err := tx.Exec(`INSERT INTO wants (advertisement, machine, time) SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM wants) < ?4
				ON CONFLICT DO NOTHING`, a, machine, millis(now), maxWants); err != nil {
				return err
			}
		}
		return nil
	})
}

// Wanting is Wipes with a machine counted as one that wants to be erased by
// advertisements, whether that is remembered or not. It changes nothing.
func (s *Store) Wanting(ctx context.Context, machine string, advertisements []string, now time.Time) (policy.Wipes, error) {
	w, err := s.Wipes(ctx, now)
	if err != nil {
		return w, err
	}
	_, missing, err := s.unwanted(ctx, machine, advertisements)
	for _, a := range missing {
		w.Wanting[a]++
	}
	return w, err
}

// unwanted lists the advertisements by which a machine is not remembered as one that
// wants to be erased, and the key under which it is remembered.
func (s *Store) unwanted(ctx context.Context, machine string, advertisements []string) (key string, missing []string, err error) {
	if id, ok := strings.CutPrefix(machine, computerKey); ok && osd.Local(id) {
		to, err := merged(ctx, s.db, id)
		if err != nil {
			return "", nil, err
		}
		machine = computerKey + to
	}
	for _, a := range advertisements {
		var n int
		if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM wants WHERE advertisement = ? AND machine = ?", a, machine).Scan(&n); err != nil {
			return "", nil, fmt.Errorf("read wants: %w", err)
		}
		if n == 0 {
			missing = append(missing, a)
		}
	}
	return machine, missing, nil
}

// Wipes is what the interlock is decided by, at a time.
func (s *Store) Wipes(ctx context.Context, now time.Time) (policy.Wipes, error) {
	w := policy.Wipes{Wanting: map[string]int{}}
	var err error
	if w.Stopped, err = s.Meta(ctx, metaStopped); err != nil {
		return w, err
	}
	rows, err := s.db.QueryContext(ctx, "SELECT advertisement, count(*) FROM wants GROUP BY advertisement")
	if err != nil {
		return w, fmt.Errorf("read wants: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a string
		var n int
		if err := rows.Scan(&a, &n); err != nil {
			return w, fmt.Errorf("read wants: %w", err)
		}
		w.Wanting[a] = n
	}
	if err := rows.Err(); err != nil {
		return w, fmt.Errorf("read wants: %w", err)
	}
	// A job counts from its claim; one that ended before its first write does not.
	// One that went on behind a failure counts by the time of its first write too.
	// A resume is remembered as a place in the order of jobs, not as a time: the
	// clock of a box may have stood wrong when somebody let it go on.
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM jobs WHERE wipes = 1 AND grant_id = '' AND (opened >= ?1 OR erased >= ?1) AND (erased > 0 OR state = ?2)
		AND rowid > CAST(coalesce((SELECT value FROM meta WHERE key = ?3), '0') AS INTEGER)`, millis(now.Add(-time.Hour)), JobOpen, metaResumed).Scan(&w.Uncovered)
	if err != nil {
		return w, fmt.Errorf("count wipes: %w", err)
	}
	return w, nil
}

// Stop stops the box durably, until Resume. The first reason stays; an alarm
// and the audit log say it.
func (s *Store) Stop(ctx context.Context, reason string, e status.FlightEvent, now time.Time) error {
	return s.change(ctx, "stop", func(tx *sql.Tx) error {
		var stopped string
		err := tx.QueryRow("SELECT value FROM meta WHERE key = ?", metaStopped).Scan(&stopped)
		if err != nil && !errors.Is(err, sql.ErrNoRows) || stopped != "" {
			return err
		}
		if err := setMeta(tx, metaStopped, reason); err != nil {
			return err
		}
		if err := audit(tx, api.AuditRecord{Time: now, Who: "box", What: "stopped", Text: reason}); err != nil {
			return err
		}
		return record(tx, e)
	})
}

// Resume lets the box go on: what was counted is forgotten.
func (s *Store) Resume(ctx context.Context, who string, now time.Time) error {
	return s.change(ctx, "resume", func(tx *sql.Tx) error { return resume(tx, who, now) })
}

func resume(tx *sql.Tx, who string, now time.Time) error {
	if _, err := tx.Exec("DELETE FROM wants"); err != nil {
		return err
	}
	var newest int64
	if err := tx.QueryRow("SELECT coalesce(max(rowid), 0) FROM jobs").Scan(&newest); err != nil {
		return err
	}
	return errors.Join(setMeta(tx, metaStopped, ""), setMeta(tx, metaResumed, strconv.FormatInt(newest, 10)),
		audit(tx, api.AuditRecord{Time: now, Who: who, What: "resume"}))
}

// ClearRuns makes computers forget their runs: mandatory advertisements start
// again, as far as they hold grants that were not used.
func (s *Store) ClearRuns(ctx context.Context, who string, computers []string, now time.Time) error {
	return s.change(ctx, "clear PXE marks", func(tx *sql.Tx) error { return clearRuns(tx, who, computers, now) })
}

func clearRuns(tx *sql.Tx, who string, computers []string, now time.Time) error {
	for _, c := range computers {
		if _, err := tx.Exec("UPDATE jobs SET cleared = 1 WHERE computer = ? AND computer != '' AND state != ?", c, JobOpen); err != nil {
			return err
		}
		if err := audit(tx, api.AuditRecord{Time: now, Who: who, What: "clear-pxe", Object: c}); err != nil {
			return err
		}
	}
	return nil
}

// keepOrders is how long an order is remembered: orders end sooner.
const keepOrders = 90 * 24 * time.Hour

// ErrUnknownOrder is what CarryOut returns for an order of a kind that this
// program does not know.
var ErrUnknownOrder = errors.New("this box does not know orders of that kind: update the box")

// CarryOut carries an order of the site out, once; false if it was before.
func (s *Store) CarryOut(ctx context.Context, o policy.Order, now time.Time) (done bool, err error) {
	err = s.change(ctx, "order "+o.ID, func(tx *sql.Tx) error {
		done = false
		r, err := tx.Exec("INSERT INTO orders (id, time) VALUES (?, ?) ON CONFLICT DO NOTHING", o.ID, millis(now))
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return err
		}
		done = true
		// By the earlier of two clocks: while that of the box stands far ahead, it must not
		// forget an order that it would carry out again when the clock is right.
		oldest := now
		if o.IssuedAt.Before(now) {
			oldest = o.IssuedAt
		}
		if _, err := tx.Exec("DELETE FROM orders WHERE time < ?", millis(oldest.Add(-keepOrders))); err != nil {
			return err
		}
		switch o.Kind {
		case policy.OrderResume:
			return resume(tx, o.By, now)
		case policy.OrderClearPXE:
			return clearRuns(tx, o.By, o.Computers, now)
		case policy.OrderRetry:
			_, err := allowRetry(tx, o.By, o.Computers, o.IssuedAt.Add(clocksApart), now)
			return err
		case policy.OrderWake:
			return audit(tx, api.AuditRecord{Time: now, Who: o.By, What: "wake", Object: o.ID, Text: strings.Join(o.Computers, ", ")})
		case policy.OrderApprove, policy.OrderDeny:
			err := decideApproval(tx, o.Approval, o.Kind, o.By, now)
			if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDecided) {
				return nil // the machine gave up, or somebody at the box was faster
			}
			return err
		}
		return fmt.Errorf("kind %q: %w", o.Kind, ErrUnknownOrder)
	})
	return done, err
}

// Erase notes that an open job is about to write to a disk for the first time:
// its grant is spent from now on. To note it again is no error.
func (s *Store) Erase(ctx context.Context, job, disk string, e status.FlightEvent, now time.Time) error {
	return s.change(ctx, "note the first write of job "+job, func(tx *sql.Tx) error {
		var state JobState
		var erased int64
		if err := tx.QueryRow("SELECT state, erased FROM jobs WHERE id = ?", job).Scan(&state, &erased); err != nil {
			return err
		}
		if state != JobOpen {
			return ErrEnded
		}
		if erased > 0 {
			return nil
		}
		if _, err := tx.Exec("UPDATE jobs SET erased = ?1, seen = ?1 WHERE id = ?2", millis(now), job); err != nil {
			return err
		}
		return record(tx, e)
	})
}

// giveBack gives the grant of a job back that ended before its first write.
func giveBack(tx *sql.Tx, job string, now time.Time) error {
	var grant string
	var erased int64
	if err := tx.QueryRow("SELECT grant_id, erased FROM jobs WHERE id = ?", job).Scan(&grant, &erased); err != nil || grant == "" || erased > 0 {
		return err
	}
	if _, err := tx.Exec("DELETE FROM grants WHERE id = ? AND job = ?", grant, job); err != nil {
		return err
	}
	return audit(tx, api.AuditRecord{Time: now, Who: "job " + job, What: "grant-returned", Object: grant, Text: "the job ended before its first write to a disk"})
}

func setMeta(tx *sql.Tx, key, value string) error {
	_, err := tx.Exec("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2", key, value)
	return err
}

// audit keeps an entry of the audit log and puts it into the outbox.
func audit(tx *sql.Tx, a api.AuditRecord) error {
	a.Time = a.Time.UTC()
	if _, err := tx.Exec("INSERT INTO audit (time, who, what, object, text) VALUES (?, ?, ?, ?, ?)", millis(a.Time), a.Who, a.What, a.Object, a.Text); err != nil {
		return err
	}
	return put(tx, a.Time, api.BoxEvent{Audit: &a})
}

// AuditLog returns the newest entries of the audit log, the newest first.
func (s *Store) AuditLog(ctx context.Context, limit int) ([]api.AuditRecord, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT time, who, what, object, text FROM audit ORDER BY number DESC LIMIT ?", limit)
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	defer rows.Close()
	var all []api.AuditRecord
	for rows.Next() {
		var a api.AuditRecord
		var at int64
		if err := rows.Scan(&at, &a.Who, &a.What, &a.Object, &a.Text); err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
		a.Time = fromMillis(at)
		all = append(all, a)
	}
	return all, rows.Err()
}
