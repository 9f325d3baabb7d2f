package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
)

// Limits of going on behind a failure.
const (
	// RetryWindow is how long after its failure a job may go on: a person stands there, or
	// has just stood there, and what was approved is still the same machine.
	RetryWindow = time.Hour
	// maxRetries is how often one job may.
	maxRetries = 10
)

// Errors of Reopen.
var (
	// ErrNotFailed is what it returns for a job that its machine did not report as failed.
	ErrNotFailed = errors.New("the job did not fail, or was ended by the box")
	// ErrTooLate is what it returns behind RetryWindow.
	ErrTooLate = fmt.Errorf("it failed more than %s ago", RetryWindow)
	// ErrTooOften is what it returns behind the last of the tries.
	ErrTooOften = fmt.Errorf("it has gone on %d times", maxRetries)
	// ErrNewer is what it returns when the machine has had another job since.
	ErrNewer = errors.New("a newer job of this machine has begun")
)

// Retry is a job that is to go on at the step that failed.
type Retry struct {
	Job string
	By  string // who wants it
	// Keys are all under which the machine may have jobs.
	Keys []string
}

// Reopen lets a job go on that failed: its grant is spent again if it was given back, and the
// secrets of the step that failed may be released once more, and not a third time. One that is
// open stays as it is: an answer was lost on the way.
func (s *Store) Reopen(ctx context.Context, r Retry, event status.FlightEvent, now time.Time) error {
	return s.change(ctx, "reopen job "+r.Job, func(tx *sql.Tx) error {
		j, err := toReopen(tx, r.Job, now)
		if err != nil || j.State == JobOpen {
			return err
		}
		if err := newest(tx, j, r.Keys); err != nil {
			return err
		}
		if err := spendAgain(tx, j, now); err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE jobs SET state = ?, reason = '', closed = 0, seen = ?, retries = retries + 1, retry_by = '' WHERE id = ?", JobOpen, millis(now), j.ID); err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE releases SET key = '', refused = 0, again = 1 WHERE job = ? AND step = ? AND again = 0", j.ID, j.Position); err != nil {
			return err
		}
		return errors.Join(record(tx, event),
			audit(tx, api.AuditRecord{Time: now, Who: r.By, What: "retry", Object: j.ID, Text: fmt.Sprintf("%s: %s, step %d", j.Name, j.Sequence, j.Position)}))
	})
}

// spendAgain spends the grant that a job gave back when it ended before its first write, and
// tells the site so.
func spendAgain(tx *sql.Tx, j Job, now time.Time) error {
	if j.Grant == "" || !j.Erased.IsZero() {
		return nil
	}
	if err := useGrant(tx, Job{ID: j.ID, Grant: j.Grant, Opened: now}); err != nil {
		return err
	}
	return grantUsed(tx, j, now)
}

// toReopen reads what decides whether a job may go on.
func toReopen(tx *sql.Tx, id string, now time.Time) (Job, error) {
	j := Job{ID: id}
	var closed, erased, retries int64
	err := tx.QueryRow("SELECT machine, name, sequence, grant_id, state, closed, erased, position, retries FROM jobs WHERE id = ?", id).
		Scan(&j.Machine, &j.Name, &j.Sequence, &j.Grant, &j.State, &closed, &erased, &j.Position, &retries)
	j.Erased = fromMillis(erased)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return j, ErrNotFound
	case err != nil || j.State == JobOpen:
		return j, err
	case j.State != JobFailed:
		return j, ErrNotFailed
	case now.Sub(fromMillis(closed)) > RetryWindow:
		return j, ErrTooLate
	case retries >= maxRetries:
		return j, ErrTooOften
	}
	return j, nil
}

// newest refuses a job of whose machine another one was opened later, under any of its keys.
func newest(tx *sql.Tx, j Job, keys []string) error {
	args := []any{j.ID, j.Machine}
	for _, k := range keys {
		args = append(args, k)
	}
	var n int
	err := tx.QueryRow("SELECT count(*) FROM jobs WHERE rowid > (SELECT rowid FROM jobs WHERE id = ?) AND machine IN (?"+strings.Repeat(", ?", len(keys))+")", args...).Scan(&n)
	if err == nil && n > 0 {
		err = ErrNewer
	}
	return err
}

// AllowRetry lets the failed jobs of computers, by ID, go on when their machines ask for it,
// which they do while the failure stands on their screens. It returns how many jobs that are.
func (s *Store) AllowRetry(ctx context.Context, who string, computers []string, now time.Time) (n int, err error) {
	err = s.change(ctx, "let jobs go on", func(tx *sql.Tx) error {
		n, err = allowRetry(tx, who, computers, now, now)
		return err
	})
	return n, err
}

// clocksApart is how far the clock of a box may be ahead of that of its site: an order of the
// site is for failures up to so long behind its own time.
const clocksApart = time.Minute

// allowRetry is AllowRetry for failures up to a time: whoever gave an order knew of one failure,
// and one that came later, while the order was on its way, is another.
func allowRetry(tx *sql.Tx, who string, computers []string, until, now time.Time) (n int, err error) {
	for _, c := range computers {
		r, err := tx.Exec("UPDATE jobs SET retry_by = ? WHERE computer = ? AND computer != '' AND state = ? AND closed >= ? AND closed <= ?",
			who, c, JobFailed, millis(now.Add(-RetryWindow)), millis(until))
		if err != nil {
			return n, err
		}
		changed, err := r.RowsAffected()
		if err != nil {
			return n, err
		}
		n += int(changed)
		if err := audit(tx, api.AuditRecord{Time: now, Who: who, What: "retry-allowed", Object: c, Text: fmt.Sprintf("%d jobs", changed)}); err != nil {
			return n, err
		}
	}
	return n, nil
}

// RetryBy says who lets a failed job go on, empty if nobody does.
func (s *Store) RetryBy(ctx context.Context, job string) (who string, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT retry_by FROM jobs WHERE id = ?", job).Scan(&who)
	if err != nil {
		return "", fmt.Errorf("job %s: %w", job, err)
	}
	return who, nil
}
