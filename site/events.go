package site

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
)

// maxBatch is the most events of one batch that are taken at once.
const maxBatch = 5000

// TakeEvents keeps a batch of a box's outbox. Each number counts once: what
// was taken before is passed over; at a gap taking ends, and the box sends
// what is missing again. All of it is on disk when TakeEvents returns.
func (s *Site) TakeEvents(ctx context.Context, box string, in api.EventBatch) (*api.EventAck, error) {
	if len(in.Events) > maxBatch {
		return nil, api.Errorf(api.CodeInvalid, box, "%d events in one batch", len(in.Events)).WithRemedy("send at most %d", maxBatch)
	}
	var next, gone uint64
	err := s.store.Write(ctx, func(x store.Tx) error {
		gone = 0
		b, err := x.Box(box)
		if err != nil {
			return err
		}
		if err := sameState(b, in.StateID); err != nil {
			return err
		}
		if next, err = x.NextEvent(box, in.StateID); err != nil {
			return err
		}
		before := next
		for _, e := range in.Events {
			if e.Number != next {
				if e.Number < next {
					continue
				}
				break
			}
			next++
			if e.Status == nil && e.Flight == nil {
				gone++
				continue
			}
			wrong := checkEvent(e)
			if wrong == nil {
				wrong, err = s.foreign(x, b, e)
			}
			if err != nil {
				return err
			}
			if wrong != nil {
				s.log.Warn("event dropped", "box", box, "number", e.Number, "error", wrong)
			} else if err := keepEvent(x, box, e); err != nil {
				return err
			}
		}
		if next == before {
			return nil
		}
		return x.SetNextEvent(box, in.StateID, next)
	})
	if err != nil {
		return nil, err
	}
	if gone > 0 {
		s.log.Warn("events are lost: the box does not keep them any more", "box", box, "events", gone)
	}
	return &api.EventAck{Next: next}, nil
}

// foreign says why an event is not this box's to send: a job belongs to the box
// that reported it first, and no other may add to its history or end it.
func (s *Site) foreign(x store.Tx, b store.Box, e api.BoxEvent) (wrong, err error) {
	if e.Status == nil {
		return nil, nil
	}
	owner, err := x.JobBox(e.Status.Job)
	if errors.Is(err, store.ErrNotFound) || err == nil && owner == b.ID {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return fmt.Errorf("job %q is of box %s", e.Status.Job, owner), nil
}

func keepEvent(x store.Tx, box string, e api.BoxEvent) error {
	if e.Status != nil {
		return x.AddMessage(box, *e.Status)
	}
	return x.AddFlight(box, *e.Flight)
}

// maxText bounds the texts of an event that are no output.
const maxText = 1024

// checkEvent says what is wrong with an event, and cuts long texts. A wrong one
// counts as taken, so that it does not stop those behind it for ever.
func checkEvent(e api.BoxEvent) error {
	switch {
	case e.Status != nil && e.Flight != nil:
		return errors.New("want either a status message or a flight event")
	case e.Flight != nil:
		mac, err := osd.NormalizeMAC(e.Flight.Client)
		if err != nil {
			return err
		}
		e.Flight.Client = mac
		cut(maxText, &e.Flight.Job, &e.Flight.What, &e.Flight.Text)
		return nil
	case e.Status.Job == "" || len(e.Status.Job) > 64 || e.Status.Number == 0 || e.Status.Number > 1<<62:
		return errors.New("status message without job or number")
	}
	m := e.Status
	m.Output = status.Tail(m.Output, status.MaxOutput)
	cut(maxText, &m.Action, &m.Group, &m.Stage, &m.Computer, &m.Advertisement, &m.Sequence)
	return nil
}

func cut(n int, texts ...*string) {
	for _, t := range texts {
		if len(*t) > n {
			*t = strings.ToValidUTF8((*t)[:n], "")
		}
	}
}
