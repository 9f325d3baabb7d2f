package site

import (
	"context"
	"fmt"

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
	var next uint64
	bad := 0
	err := s.store.Write(ctx, func(x store.Tx) error {
		bad = 0
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
			if wrong := checkEvent(e); wrong != nil {
				bad++
				s.log.Warn("event dropped", "box", box, "number", e.Number, "error", wrong)
			} else if err := keepEvent(x, box, e); err != nil {
				return err
			}
			next++
		}
		if next == before {
			return nil
		}
		return x.SetNextEvent(box, in.StateID, next)
	})
	if err != nil {
		return nil, err
	}
	return &api.EventAck{Next: next}, nil
}

func keepEvent(x store.Tx, box string, e api.BoxEvent) error {
	if e.Status != nil {
		return x.AddMessage(box, *e.Status)
	}
	return x.AddFlight(box, *e.Flight)
}

// checkEvent says what is wrong with an event. Such an event counts as taken,
// so that it does not stop those behind it for ever.
func checkEvent(e api.BoxEvent) error {
	switch {
	case (e.Status == nil) == (e.Flight == nil):
		return fmt.Errorf("want either a status message or a flight event")
	case e.Flight != nil:
		mac, err := osd.NormalizeMAC(e.Flight.Client)
		if err != nil {
			return err
		}
		e.Flight.Client = mac
		return nil
	case e.Status.Job == "" || e.Status.Number == 0 || e.Status.Number > 1<<62:
		return fmt.Errorf("status message without job or number")
	case len(e.Status.Output) > 4*status.MaxOutput:
		e.Status.Output = e.Status.Output[len(e.Status.Output)-status.MaxOutput:]
	}
	return nil
}
