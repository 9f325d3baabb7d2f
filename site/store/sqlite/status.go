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
	n := x.noted
	if n != nil && n.last.Job == job && n.owner != "" {
		return n.owner, nil
	}
	err = x.one([]any{&box}, "SELECT box FROM jobs WHERE job = ?", job)
	if n == nil || n.last.Job != job {
		n = &noted{}
	} else if errors.Is(err, store.ErrNotFound) {
		box, err = n.box, nil
	}
	if err != nil {
		return "", fmt.Errorf("box of job %s: %w", job, err)
	}
	n.owner = box
	return box, nil
}

func (x *tx) AddMessage(box string, m status.Message) error {
	document, err := json.Marshal(m)
	if err != nil {
		return err
	}
	added, err := x.exec(`INSERT INTO messages (box, job, number, message_id, computer, advertisement, document)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job, number) DO NOTHING`,
		box, m.Job, int64(m.Number), int64(m.ID), m.Computer, m.Advertisement, document)
	if err == nil && added > 0 {
		err = x.noteJob(box, m)
	}
	if err != nil {
		return fmt.Errorf("add message %d of job %s: %w", m.Number, m.Job, err)
	}
	return nil
}

func (x *tx) Messages(f store.MessageFilter) ([]store.StoredMessage, error) {
	var all []store.StoredMessage
	where, args := conditions("sequence > ?", f.After)
	where.equal("computer", f.Computer, &args)
	where.equal("advertisement", f.Advertisement, &args)
	where.equal("job", f.Job, &args)
	err := x.each(func(scan func(...any) error) error {
		var m store.StoredMessage
		var document []byte
		if err := scan(&m.Sequence, &m.Box, &document); err != nil {
			return err
		}
		all = append(all, m)
		return json.Unmarshal(document, &all[len(all)-1].Message)
	}, "SELECT sequence, box, document FROM messages "+where.String()+" ORDER BY sequence LIMIT ?", append(args, cmp.Or(f.Limit, 1000))...)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
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

func (x *tx) FlightAfter(after int64, limit int) ([]store.StoredFlight, error) {
	var all []store.StoredFlight
	err := x.each(func(scan func(...any) error) error {
		var e store.StoredFlight
		var document []byte
		if err := scan(&e.Sequence, &e.Box, &document); err != nil {
			return err
		}
		all = append(all, e)
		return json.Unmarshal(document, &all[len(all)-1].FlightEvent)
	}, "SELECT sequence, box, document FROM flight WHERE sequence > ? ORDER BY sequence LIMIT ?", after, limit)
	if err != nil {
		return nil, fmt.Errorf("list flight events behind %d: %w", after, err)
	}
	return all, nil
}

func (x *tx) Newest() (message, flight int64, err error) {
	err = x.one([]any{&message, &flight}, "SELECT coalesce((SELECT max(sequence) FROM messages), 0), coalesce((SELECT max(sequence) FROM flight), 0)")
	if err != nil {
		return 0, 0, fmt.Errorf("newest events: %w", err)
	}
	return message, flight, nil
}
