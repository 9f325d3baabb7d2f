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
	"github.com/bootward/bootward/osd/status"
)

// JobState is where a job is in its life.
type JobState string

// The states of a job. All but JobOpen are final.
const (
	JobOpen      JobState = "open"
	JobHalted    JobState = "halted" // a second machine claimed it too
	JobSucceeded JobState = "succeeded"
	JobFailed    JobState = "failed"
	JobAbandoned JobState = "abandoned" // nothing was heard of it, or it was granted again
)

// Job is one run of one sequence on one machine.
type Job struct {
	ID       string
	Machine  string // key of the machine: it has one open job at most
	Computer string // ID, "" for a machine that is not known
	Name     string // host name
	Client   string // first MAC
	Sequence string // name
	// Labels are other keys under which the machine may have had jobs, before it
	// was known: OpenJob takes those over.
	Labels []string
	// Known is the computer that the machine becomes, or becomes anew under another
	// name, by this job; nil for one that is known.
	Known *api.Known
	// Stranger says that the machine was not known, or was provisional.
	Stranger bool
	Key      string // fingerprint of the public key that it is bound to
	Grant    string // ID, "" without one
	Identity api.Identity
	// Addresses are those that it asked from; OpenJob reports them.
	Addresses []string
	Document  api.Job // pinned; NextNumber is filled in by Job
	State     JobState
	Reason    string // why it was halted or abandoned
	Opened    time.Time
	Seen      time.Time
	Closed    time.Time
	Erased    time.Time // when it first wrote to a disk; zero: not yet
	Cleared   bool      // somebody cleared its PXE mark
	Next      uint64    // number of the next status message
	// Approved says who approved the machine that claimed, empty if nobody did.
	Approved string
	// TPM is the digest of the endorsement key that the computer gets by this job; for
	// OpenJob, which tells the site.
	TPM string
	// TPMWas is the one that it had; for OpenJob.
	TPMWas string
	// Position is the number of the node of the sequence at which the job stands,
	// by its status messages.
	Position int
}

// Errors of jobs.
var (
	// ErrNotFound is what Job returns for an id that was never given.
	ErrNotFound = errors.New("there is no such job")
	// ErrGrantUsed is what OpenJob returns for a grant that was used before.
	ErrGrantUsed = errors.New("the grant was used")
	// ErrOpen is what OpenJob returns when the machine has an open job.
	ErrOpen = errors.New("the machine has an open job")
	// ErrTooManyKnown is what OpenJob returns for a machine that would become
	// known when there are too many of its kind.
	ErrTooManyKnown = errors.New("too many computers became known at this box that its site does not know")
)

// OpenJob uses the grant, if the job has one, makes the machine known, and starts
// the job: one transaction. replaces names an open job that a new grant takes the place of.
func (s *Store) OpenJob(ctx context.Context, j Job, replaces string, events ...status.FlightEvent) error {
	identity, err := json.Marshal(j.Identity)
	if err != nil {
		return fmt.Errorf("job %s: %w", j.ID, err)
	}
	document, err := json.Marshal(j.Document)
	if err != nil {
		return fmt.Errorf("job %s: %w", j.ID, err)
	}
	defer s.knownChanged()
	return s.change(ctx, "start job "+j.ID, func(tx *sql.Tx) error {
		j := j
		if err := canonical(tx, &j); err != nil {
			return err
		}
		if replaces != "" {
			if err := closeJob(tx, replaces, JobAbandoned, "replaced by job "+j.ID+" under a new grant", j.Opened); err != nil {
				return err
			}
		}
		if err := noneOpen(tx, j); err != nil {
			return err
		}
		if err := errors.Join(takeOver(tx, j), useGrant(tx, j)); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO jobs (id, machine, computer, name, client, advertisement, sequence, key, grant_id, identity, document, state, opened, seen, wipes, approved, stranger)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, j.ID, j.Machine, j.Computer, j.Name, j.Client, j.Document.Advertisement, j.Sequence,
			j.Key, j.Grant, string(identity), string(document), JobOpen, millis(j.Opened), millis(j.Opened), j.Document.Sequence.Destructive, j.Approved, j.Stranger); err != nil {
			return err
		}
		if err := errors.Join(s.roomForComputer(tx, j), opened(tx, j), forgetApproval(tx, j.Key)); err != nil {
			return err
		}
		return record(tx, events...)
	})
}

// opened tells the site of a grant that is spent, and of what a computer said of
// itself.
func opened(tx *sql.Tx, j Job) error {
	if j.Grant != "" {
		if err := grantUsed(tx, j, j.Opened); err != nil {
			return err
		}
	}
	return discover(tx, j)
}

func grantUsed(tx *sql.Tx, j Job, now time.Time) error {
	return audit(tx, api.AuditRecord{Time: now, Who: "job " + j.ID, What: "grant-used", Object: j.Grant, Text: j.Name + ": " + j.Sequence})
}

// noneOpen refuses a machine that has an open job, under any of its keys.
func noneOpen(tx *sql.Tx, j Job) error {
	for _, key := range append([]string{j.Machine}, j.Labels...) {
		var open string
		err := tx.QueryRow("SELECT id FROM jobs WHERE machine = ? AND state = ?", key, JobOpen).Scan(&open)
		if err == nil {
			return fmt.Errorf("%w: %s", ErrOpen, open)
		} else if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}

func useGrant(tx *sql.Tx, j Job) error {
	if j.Grant == "" {
		return nil
	}
	r, err := tx.Exec("INSERT INTO grants (id, job, used) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", j.Grant, j.ID, millis(j.Opened))
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		return errors.Join(ErrGrantUsed, err)
	}
	return nil
}

// end closes an open job; one that has ended stays as it is.
func end(tx *sql.Tx, id string, to JobState, reason string, now time.Time) error {
	_, err := tx.Exec("UPDATE jobs SET state = ?, reason = ?, closed = ? WHERE id = ? AND state = ?", to, reason, millis(now), id, JobOpen)
	return err
}

// EndJob closes an open job in the box's name: JobHalted or JobAbandoned. A
// final message with the reason tells the site. A job that has ended stays as
// it is.
func (s *Store) EndJob(ctx context.Context, id string, to JobState, reason string, now time.Time, events ...status.FlightEvent) error {
	return s.change(ctx, "end job "+id, func(tx *sql.Tx) error {
		if err := closeJob(tx, id, to, reason, now); err != nil {
			return err
		}
		return record(tx, events...)
	})
}

// closeJob ends an open job and says so in a message of its own.
func closeJob(tx *sql.Tx, id string, to JobState, reason string, now time.Time) error {
	var document, sequence string
	var next int64
	err := tx.QueryRow("SELECT document, sequence, next FROM jobs WHERE id = ? AND state = ?", id, JobOpen).Scan(&document, &sequence, &next)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	var d api.Job
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		return err
	}
	m := Describe(status.Message{Job: id, Number: uint64(next), Time: now, ID: status.SequenceFailed, ExitCode: 1, Output: reason}, d)
	if err := appendOne(tx, id, m, now); err != nil {
		return err
	}
	if _, err := tx.Exec("UPDATE jobs SET next = next + 1 WHERE id = ?", id); err != nil {
		return err
	}
	// A job that a second machine claimed keeps its grant spent: nobody knows
	// which of the two it is for.
	if to == JobAbandoned {
		if err := giveBack(tx, id, now); err != nil {
			return err
		}
	}
	return end(tx, id, to, reason, now)
}

// Describe fills in what the message is about from the job's document.
func Describe(m status.Message, d api.Job) status.Message {
	m.Job, m.Computer, m.Advertisement, m.Sequence = d.ID, d.Computer, d.Advertisement, d.Sequence.Name
	return m
}

// SeenJob notes a sign of life of a job. The time may be earlier than that of
// the last one: the clock was set right.
func (s *Store) SeenJob(ctx context.Context, id string, now time.Time) error {
	return s.change(ctx, "note job "+id, func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE jobs SET seen = ? WHERE id = ?", millis(now), id)
		return err
	})
}

const jobColumns = "id, machine, computer, name, client, sequence, key, grant_id, identity, document, state, reason, opened, seen, closed, next, erased, cleared, approved, position"

// Job finds a job by its id.
func (s *Store) Job(ctx context.Context, id string) (Job, error) {
	jobs, err := s.jobs(ctx, "WHERE id = ?", id)
	if err != nil {
		return Job{}, err
	}
	if len(jobs) == 0 {
		return Job{}, fmt.Errorf("job %q: %w", id, ErrNotFound)
	}
	return jobs[0], nil
}

// JobByKey finds the job that is bound to a key; false if there is none.
func (s *Store) JobByKey(ctx context.Context, key string) (Job, bool, error) {
	jobs, err := s.jobs(ctx, "WHERE key = ?", key)
	if err != nil || len(jobs) == 0 {
		return Job{}, false, err
	}
	return jobs[0], true, nil
}

// OpenJobOf finds the open job of a machine; false if it has none.
func (s *Store) OpenJobOf(ctx context.Context, machine string) (Job, bool, error) {
	jobs, err := s.jobs(ctx, "WHERE machine = ? AND state = ?", machine, JobOpen)
	if err != nil || len(jobs) == 0 {
		return Job{}, false, err
	}
	return jobs[0], true, nil
}

// JobsOf returns every job of a machine, oldest first. It may have had jobs under
// several keys.
func (s *Store) JobsOf(ctx context.Context, machine string, more ...string) ([]Job, error) {
	keys := []any{machine}
	for _, key := range more {
		keys = append(keys, key)
	}
	if id, ok := strings.CutPrefix(machine, computerKey); ok && osd.Local(id) {
		// The site's policy may have come to know it since the caller looked.
		to, err := merged(ctx, s.db, id)
		if err != nil {
			return nil, err
		}
		keys = append(keys, computerKey+to)
	}
	return s.jobs(ctx, "WHERE machine IN (?"+strings.Repeat(", ?", len(keys)-1)+") ORDER BY opened, rowid", keys...)
}

// OpenJobs returns every open job, oldest first.
func (s *Store) OpenJobs(ctx context.Context) ([]Job, error) {
	return s.jobs(ctx, "WHERE state = ? ORDER BY opened, rowid", JobOpen)
}

// HaltedJobs returns the jobs that were halted after a time, oldest first.
func (s *Store) HaltedJobs(ctx context.Context, after time.Time) ([]Job, error) {
	return s.jobs(ctx, "WHERE state = ? AND closed > ? ORDER BY opened, rowid", JobHalted, millis(after))
}

func (s *Store) jobs(ctx context.Context, where string, args ...any) ([]Job, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+jobColumns+" FROM jobs "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	defer rows.Close()
	var all []Job
	for rows.Next() {
		j, err := scanJob(rows)
		if err != nil {
			return nil, fmt.Errorf("read jobs: %w", err)
		}
		all = append(all, j)
	}
	return all, rows.Err()
}

func scanJob(rows *sql.Rows) (Job, error) {
	var j Job
	var identity, document string
	var opened, seen, closed, next, erased int64
	if err := rows.Scan(&j.ID, &j.Machine, &j.Computer, &j.Name, &j.Client, &j.Sequence, &j.Key, &j.Grant, &identity, &document,
		&j.State, &j.Reason, &opened, &seen, &closed, &next, &erased, &j.Cleared, &j.Approved, &j.Position); err != nil {
		return j, err
	}
	j.Erased = fromMillis(erased)
	j.Opened, j.Seen, j.Closed, j.Next = fromMillis(opened), fromMillis(seen), fromMillis(closed), uint64(next)
	if err := json.Unmarshal([]byte(identity), &j.Identity); err != nil {
		return j, err
	}
	if err := json.Unmarshal([]byte(document), &j.Document); err != nil {
		return j, err
	}
	j.Document.NextNumber = j.Next
	return j, nil
}

// CountJobs counts the jobs that were opened after a time: of one machine, or
// those without a grant of all machines that were not known, or provisional, if
// machine is "".
func (s *Store) CountJobs(ctx context.Context, machine string, after time.Time) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM jobs WHERE opened > ?1
		AND key NOT LIKE 'served %' AND (machine = ?2 OR ?2 = '' AND stranger = 1 AND grant_id = '')`, millis(after), machine).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count jobs: %w", err)
	}
	return n, nil
}

// UsedAmong returns which of some grants were used, by ID.
func (s *Store) UsedAmong(ctx context.Context, ids []string) (map[string]bool, error) {
	used := map[string]bool{}
	for _, id := range ids {
		err := s.db.QueryRowContext(ctx, "SELECT 1 FROM grants WHERE id = ?", id).Scan(new(int))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("read grants: %w", err)
		}
		used[id] = err == nil
	}
	return used, nil
}

// UsedGrants returns the ids of all grants that were used.
func (s *Store) UsedGrants(ctx context.Context) (map[string]bool, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id FROM grants")
	if err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	defer rows.Close()
	used := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read grants: %w", err)
		}
		used[id] = true
	}
	return used, rows.Err()
}
