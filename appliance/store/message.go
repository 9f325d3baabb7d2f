package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
)

// GapError is what Append returns when messages are missing: the first number
// that the box does not have.
type GapError struct{ Next uint64 }

func (e *GapError) Error() string {
	return fmt.Sprintf("messages are missing: the next number is %d", e.Next)
}

// ErrEnded is what Append returns for new messages of a job that has ended.
var ErrEnded = errors.New("the job has ended")

// Append keeps messages of a job and puts them into the outbox, durably:
// those that it has are passed over, so that a batch may come twice. A final
// message closes the job. It returns the number of the next message.
func (s *Store) Append(ctx context.Context, job string, messages []status.Message, now time.Time) (next uint64, err error) {
	defer s.knownChanged()
	err = s.change(ctx, "keep messages of job "+job, func(tx *sql.Tx) error {
		next, err = appendMessages(tx, job, messages, now)
		return err
	})
	return next, err
}

func appendMessages(tx *sql.Tx, job string, messages []status.Message, now time.Time) (uint64, error) {
	var state JobState
	var number int64
	var client string
	err := tx.QueryRow("SELECT state, next, client FROM jobs WHERE id = ?", job).Scan(&state, &number, &client)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrNotFound
	} else if err != nil {
		return 0, err
	}
	next := uint64(number)
	follow, err := follower(tx, job)
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		if m.Number < next {
			continue
		}
		if m.Number > next {
			return next, &GapError{Next: next}
		}
		if state != JobOpen {
			if next > uint64(number) { // the end is in this batch, and counts: what follows is refused when it comes again
				break
			}
			return next, ErrEnded
		}
		if err := appendOne(tx, job, m, now); err != nil {
			return next, err
		}
		next++
		follow.see(m)
		if m.ID.Final() {
			state = finalState(m.ID)
			if state == JobFailed {
				if err := giveBack(tx, job, now); err != nil {
					return next, err
				}
			}
			if err := end(tx, job, state, "", now); err != nil {
				return next, err
			}
			if err := record(tx, ended(job, client, m, now)); err != nil {
				return next, err
			}
			if state == JobSucceeded {
				if err := confirm(tx, job, now); err != nil {
					return next, err
				}
			}
		}
	}
	_, err = tx.Exec("UPDATE jobs SET next = ?, seen = ?, position = ? WHERE id = ?", int64(next), millis(now), follow.at, job)
	return next, err
}

func appendOne(tx *sql.Tx, job string, m status.Message, now time.Time) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO messages (job, number, body) VALUES (?, ?, ?)", job, int64(m.Number), string(body)); err != nil {
		return err
	}
	return put(tx, now, api.BoxEvent{Status: &m})
}

func finalState(id status.MessageID) JobState {
	if id == status.SequenceCompleted {
		return JobSucceeded
	}
	return JobFailed
}

func ended(job, client string, m status.Message, now time.Time) status.FlightEvent {
	return status.FlightEvent{Time: now, Client: client, Job: job, What: "job-ended", Text: m.ID.Name()}
}

// Messages returns the messages of a job in order.
func (s *Store) Messages(ctx context.Context, job string) ([]status.Message, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT body FROM messages WHERE job = ? ORDER BY number", job)
	if err != nil {
		return nil, fmt.Errorf("read messages of job %s: %w", job, err)
	}
	defer rows.Close()
	var all []status.Message
	for rows.Next() {
		var body string
		var m status.Message
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("read messages of job %s: %w", job, err)
		}
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			return nil, fmt.Errorf("read messages of job %s: %w", job, err)
		}
		all = append(all, m)
	}
	return all, rows.Err()
}
