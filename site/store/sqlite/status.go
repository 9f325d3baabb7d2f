package sqlite

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
)

func (x *tx) NextEvent(box, stateID string) (uint64, error) {
	var n uint64
	err := x.one([]any{&n}, "SELECT next FROM box_events WHERE box = ? AND state_id = ?", box, stateID)
	if errors.Is(err, store.ErrNotFound) {
		return 1, nil
	}
	return n, err
}

func (x *tx) SetNextEvent(box, stateID string, next uint64) error {
	_, err := x.exec(`INSERT INTO box_events (box, state_id, next) VALUES (?, ?, ?)
		ON CONFLICT (box, state_id) DO UPDATE SET next = excluded.next`, box, stateID, int64(next))
	return err
}

func (x *tx) JobBox(job string) (box string, err error) {
	err = x.one([]any{&box}, "SELECT box FROM messages WHERE job = ? ORDER BY number LIMIT 1", job)
	if err != nil {
		return "", fmt.Errorf("box of job %s: %w", job, err)
	}
	return box, nil
}

func (x *tx) AddMessage(box string, m status.Message) error {
	document, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = x.exec(`INSERT INTO messages (box, job, number, message_id, computer, advertisement, document)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job, number) DO NOTHING`,
		box, m.Job, int64(m.Number), int64(m.ID), m.Computer, m.Advertisement, document)
	if err != nil {
		return fmt.Errorf("add message %d of job %s: %w", m.Number, m.Job, err)
	}
	return nil
}

func (x *tx) Messages(f store.MessageFilter) ([]store.StoredMessage, error) {
	var all []store.StoredMessage
	err := x.each(func(scan func(...any) error) error {
		var m store.StoredMessage
		var document []byte
		if err := scan(&m.Sequence, &m.Box, &document); err != nil {
			return err
		}
		all = append(all, m)
		return json.Unmarshal(document, &all[len(all)-1].Message)
	}, `SELECT sequence, box, document FROM messages
		WHERE sequence > ?1 AND (?2 = '' OR computer = ?2) AND (?3 = '' OR advertisement = ?3) AND (?4 = '' OR job = ?4)
		ORDER BY sequence LIMIT ?5`,
		f.After, f.Computer, f.Advertisement, f.Job, cmp.Or(f.Limit, 1000))
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	return all, nil
}

// Jobs joins the first and the last message of each job, and the one that
// ended it.
func (x *tx) Jobs() ([]store.Job, error) {
	var all []store.Job
	err := x.each(func(scan func(...any) error) error {
		var j store.Job
		var first, last, final []byte
		if err := scan(&j.Box, &first, &last, &final); err != nil {
			return err
		}
		if final != nil {
			j.Final = new(status.Message)
			if err := json.Unmarshal(final, j.Final); err != nil {
				return err
			}
		}
		all = append(all, j)
		k := &all[len(all)-1]
		err := errors.Join(json.Unmarshal(first, &k.First), json.Unmarshal(last, &k.Last))
		if k.Final != nil && k.Final.Number < k.Last.Number {
			k.Final = nil // it goes on behind a failure
		}
		return err
	}, `SELECT l.box, f.document, l.document,
		(SELECT document FROM messages e WHERE e.job = g.job AND e.message_id IN (?, ?) ORDER BY number DESC LIMIT 1)
		FROM (SELECT job, min(number) AS low, max(number) AS high FROM messages GROUP BY job) g
		JOIN messages f ON f.job = g.job AND f.number = g.low
		JOIN messages l ON l.job = g.job AND l.number = g.high`,
		int64(status.SequenceCompleted), int64(status.SequenceFailed))
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	slices.SortFunc(all, func(a, b store.Job) int {
		return cmp.Or(b.First.Time.Compare(a.First.Time), cmp.Compare(a.First.Job, b.First.Job))
	})
	return all, nil
}

// keepFlight is how many flight events stay. Anybody on a ward's segment can
// cause them: the disk must not fill with them over the years.
const keepFlight = 1_000_000

func (x *tx) AddFlight(box string, e status.FlightEvent) error {
	document, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err := x.exec("INSERT INTO flight (box, client, document) VALUES (?, ?, ?)", box, e.Client, document); err != nil {
		return fmt.Errorf("add flight event of %s: %w", e.Client, err)
	}
	if _, err := x.exec("DELETE FROM flight WHERE sequence <= (SELECT max(sequence) FROM flight) - ?", keepFlight); err != nil {
		return fmt.Errorf("forget old flight events: %w", err)
	}
	return nil
}

func (x *tx) Flight(client string, limit int) ([]status.FlightEvent, error) {
	var all []status.FlightEvent
	err := x.each(func(scan func(...any) error) error {
		var document []byte
		if err := scan(&document); err != nil {
			return err
		}
		all = append(all, status.FlightEvent{})
		return json.Unmarshal(document, &all[len(all)-1])
	}, "SELECT document FROM flight WHERE ?1 = '' OR client = ?1 ORDER BY sequence DESC LIMIT ?2", client, limit)
	if err != nil {
		return nil, fmt.Errorf("list flight events: %w", err)
	}
	slices.Reverse(all)
	return all, nil
}
