package sqlite

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
)

// noted is what a run of new messages of one job says of it, that is not in the table yet.
type noted struct {
	box         string
	owner       string         // that reported the job first, once somebody has asked
	first, last status.Message // by number
}

// noteJob keeps what a new message says of its job. Messages may come in any order; the one with
// the highest number counts, also of the end: a job that failed may go on. What a run of messages of
// one job says is written once: before the next job's, before jobs are read, and with the commit.
func (x *tx) noteJob(box string, m status.Message) error {
	if n := x.noted; n != nil && n.last.Job == m.Job {
		if m.Number < n.first.Number {
			n.first = m
		}
		if m.Number > n.last.Number {
			n.last = m
		}
		return nil
	}
	err := x.writeJob()
	x.noted = &noted{box: box, first: m, last: m}
	return err
}

// writeJob writes what was noted.
func (x *tx) writeJob() error {
	n := x.noted
	if n == nil {
		return nil
	}
	x.noted = nil
	m, ended := n.last, status.MessageID(0)
	if m.ID.Final() {
		ended = m.ID
	}
	_, err := x.exec(`INSERT INTO jobs (job, box, computer, advertisement, sequence, low, started, high, seen, last, step, action, grp, exit_code, ended)
		VALUES (?1, ?2, ?3, ?4, ?5, ?14, ?15, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
		ON CONFLICT (job) DO UPDATE SET
			started = iif(excluded.low < low, excluded.started, started), low = min(low, excluded.low),
			computer = iif(excluded.high > high, excluded.computer, computer), advertisement = iif(excluded.high > high, excluded.advertisement, advertisement),
			sequence = iif(excluded.high > high, excluded.sequence, sequence), seen = iif(excluded.high > high, excluded.seen, seen),
			last = iif(excluded.high > high, excluded.last, last), step = iif(excluded.high > high, excluded.step, step),
			action = iif(excluded.high > high, excluded.action, action), grp = iif(excluded.high > high, excluded.grp, grp),
			exit_code = iif(excluded.high > high, excluded.exit_code, exit_code), ended = iif(excluded.high > high, excluded.ended, ended),
			high = max(high, excluded.high)`,
		m.Job, n.box, m.Computer, m.Advertisement, m.Sequence, int64(m.Number), nanos(m.Time), int64(m.ID), m.Step, m.Action, m.Group, m.ExitCode, int64(ended),
		int64(n.first.Number), nanos(n.first.Time))
	if err != nil {
		return fmt.Errorf("note job %s: %w", m.Job, err)
	}
	return nil
}

// Jobs reads one row for each job, and no message.
func (x *tx) Jobs(f store.JobFilter) ([]status.Job, error) {
	if err := x.writeJob(); err != nil {
		return nil, err
	}
	var all []status.Job
	where, args := conditions("(ended = 0 OR seen >= ?)", nanos(f.Since))
	where.equal("computer", f.Computer, &args)
	where.equal("advertisement", f.Advertisement, &args)
	where.equal("job", f.Job, &args)
	err := x.each(func(scan func(...any) error) error {
		var j status.Job
		var started, seen int64
		err := scan(&j.Job, &j.Box, &j.Computer, &j.Advertisement, &j.Sequence, &started, &seen, &j.Last, &j.Step, &j.Action, &j.Group, &j.ExitCode, &j.Ended)
		j.Started, j.Seen = time.Unix(0, started).UTC(), time.Unix(0, seen).UTC()
		all = append(all, j)
		return err
	}, `SELECT job, box, computer, advertisement, sequence, started, seen, last, step, action, grp, exit_code, ended
		FROM jobs `+where.String()+" ORDER BY started DESC, job", args...)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return all, nil
}

// Latest reads the index jobs_latest, in its order, and no row of the table.
func (x *tx) Latest() ([]status.Job, error) {
	if err := x.writeJob(); err != nil {
		return nil, err
	}
	var all []status.Job
	err := x.each(func(scan func(...any) error) error {
		var j status.Job
		var started, seen int64
		err := scan(&j.Advertisement, &j.Computer, &started, &seen, &j.Ended)
		j.Started, j.Seen = time.Unix(0, started).UTC(), time.Unix(0, seen).UTC()
		all = append(all, j)
		return err
	}, "SELECT advertisement, computer, max(started), seen, ended FROM jobs INDEXED BY jobs_latest GROUP BY advertisement, computer")
	if err != nil {
		return nil, fmt.Errorf("list the newest jobs: %w", err)
	}
	return all, nil
}

// nanos is a time as a number; one that no clock shows is the nearest that it can be.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// clauses are the conditions of a WHERE. Only those that select something are
// written: with "? = ” OR column = ?" SQLite would use no index.
type clauses struct{ strings.Builder }

func conditions(first string, arg any) (*clauses, []any) {
	c := &clauses{}
	c.WriteString("WHERE " + first)
	return c, []any{arg}
}

func (c *clauses) equal(column, value string, args *[]any) {
	if value != "" {
		c.WriteString(" AND " + column + " = ?")
		*args = append(*args, value)
	}
}
