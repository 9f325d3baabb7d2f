package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
)

// JobStates is what views show of every job that is open or was seen since, the newest
// first: by the name of the computer, the ID of the advertisement and its last message.
// Boot images without an agent were served, not run: they are left out.
func (s *Store) JobStates(ctx context.Context, since time.Time) ([]status.Job, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, name, advertisement, sequence, state, opened, seen,
		(SELECT body FROM messages WHERE job = jobs.id ORDER BY number DESC LIMIT 1)
		FROM jobs WHERE key NOT LIKE 'served %' AND (state = ? OR seen >= ?) ORDER BY opened DESC, rowid DESC`, JobOpen, millis(since))
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	defer rows.Close()
	var all []status.Job
	for rows.Next() {
		var j status.Job
		var state JobState
		var opened, seen int64
		var last *string
		if err := rows.Scan(&j.Job, &j.Computer, &j.Advertisement, &j.Sequence, &state, &opened, &seen, &last); err != nil {
			return nil, fmt.Errorf("read jobs: %w", err)
		}
		j.Started, j.Seen = fromMillis(opened), fromMillis(seen)
		if last != nil {
			var m status.Message
			if err := json.Unmarshal([]byte(*last), &m); err != nil {
				return nil, fmt.Errorf("last message of job %s: %w", j.Job, err)
			}
			j.Last, j.Step, j.Action, j.Group, j.ExitCode = m.ID, m.Step, m.Action, m.Group, m.ExitCode
		}
		switch state {
		case JobOpen:
		case JobSucceeded:
			j.Ended = status.SequenceCompleted
		default:
			j.Ended = status.SequenceFailed
		}
		all = append(all, j)
	}
	return all, rows.Err()
}

// EventsAfter returns the entries of the outbox behind a number, at most n.
func (s *Store) EventsAfter(ctx context.Context, number uint64, n int) ([]api.BoxEvent, error) {
	return s.events(ctx, "SELECT body FROM outbox WHERE number > ? ORDER BY number LIMIT ?", int64(number), n)
}

// NewestEvent is the number of the newest entry of the outbox, 0 before the first.
func (s *Store) NewestEvent(ctx context.Context) (uint64, error) {
	next, _, err := s.counters(ctx)
	return next - 1, err
}
