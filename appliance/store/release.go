package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// position follows a job through its sequence by its messages.
type position struct {
	lines []sequence.Line
	at    int
}

// follower begins where the job stands. A sequence that cannot be read has no
// nodes: the job stands nowhere in it, and gets no secrets.
func follower(tx *sql.Tx, job string) (*position, error) {
	var document string
	p := &position{}
	if err := tx.QueryRow("SELECT position, document FROM jobs WHERE id = ?", job).Scan(&p.at, &document); err != nil {
		return nil, err
	}
	var d api.Job
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		return nil, err
	}
	if seq, err := sequence.Decode(d.Sequence.Document); err == nil {
		p.lines = seq.Flatten()
	}
	return p, nil
}

func (p *position) see(m status.Message) { p.at = engine.Position(p.lines, p.at, m) }

// Release is the secrets of one step, given to one key.
type Release struct {
	Job  string
	Step int
	Key  string // SHA-256 of the public key that they are sealed to
	// Computer is the name of the machine; Secrets are the names of what it gets.
	Computer string
	Secrets  []string
}

// Errors of releases.
var (
	// ErrNotAtStep is what NoteRelease returns for a step at which the job does
	// not stand.
	ErrNotAtStep = errors.New("the job does not stand at this step")
	// ErrOtherKey is what NoteRelease returns when the secrets of the step went to
	// another key.
	ErrOtherKey = errors.New("the secrets of this step were released to another key")
)

// NoteRelease notes that the secrets of the step at which an open job stands go
// to a key, with an entry of the audit log for each, before they go. The same
// key may ask again: an answer was lost on the way. The first time that another
// key asks, the alarm goes to the flight recorder. Behind a retry another key may, once.
func (s *Store) NoteRelease(ctx context.Context, r Release, alarm status.FlightEvent, now time.Time) error {
	other := false
	err := s.change(ctx, fmt.Sprintf("release the secrets of step %d of job %s", r.Step, r.Job), func(tx *sql.Tx) error {
		var state JobState
		var at int
		if err := tx.QueryRow("SELECT state, position FROM jobs WHERE id = ?", r.Job).Scan(&state, &at); err != nil {
			return err
		}
		switch {
		case state != JobOpen:
			return ErrEnded
		case at != r.Step:
			return fmt.Errorf("%w: it stands at step %d", ErrNotAtStep, at)
		}
		var key string
		var refused bool
		err := tx.QueryRow("SELECT key, refused FROM releases WHERE job = ? AND step = ?", r.Job, r.Step).Scan(&key, &refused)
		if errors.Is(err, sql.ErrNoRows) || err == nil && key == "" { // a retry gave them free
			return release(tx, r, now)
		}
		if err != nil || key == r.Key {
			return err
		}
		if other = true; refused { // not an error: what is noted here is to stay
			return nil
		}
		if _, err := tx.Exec("UPDATE releases SET refused = 1 WHERE job = ? AND step = ?", r.Job, r.Step); err != nil {
			return err
		}
		return record(tx, alarm)
	})
	if err == nil && other {
		err = ErrOtherKey
	}
	return err
}

func release(tx *sql.Tx, r Release, now time.Time) error {
	if _, err := tx.Exec("INSERT INTO releases (job, step, key, time) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (job, step) DO UPDATE SET key = ?3, time = ?4", r.Job, r.Step, r.Key, millis(now)); err != nil {
		return err
	}
	for _, name := range r.Secrets {
		if err := audit(tx, api.AuditRecord{Time: now, Who: "job " + r.Job, What: "secret-released", Object: name,
			Text: fmt.Sprintf("job %s, %s, step %d", r.Job, r.Computer, r.Step)}); err != nil {
			return err
		}
	}
	return nil
}
