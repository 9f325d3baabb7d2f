package sitelink

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/supervisor"
)

// Outbox is what the sender needs of the box's database. Unsent and Acked may
// be called by one goroutine at a time; Changed closes its channel after the
// next write.
type Outbox interface {
	Unsent(ctx context.Context, n int) ([]api.BoxEvent, error)
	Acked(ctx context.Context, next uint64, now time.Time) error
	Changed() <-chan struct{}
}

// batchSize is how many events go in one request.
const batchSize = 500

// SendOutbox returns the service that brings the outbox to the site, in order
// and in batches. Events stay until the site says that it has them.
func (l *Link) SendOutbox(box Outbox, log *slog.Logger) supervisor.Service {
	return supervisor.Func(func(ctx context.Context) error {
		if l.enrolled(ctx) == nil {
			return nil
		}
		for {
			changed := box.Changed()
			events, err := box.Unsent(ctx, batchSize)
			if err != nil {
				return err
			}
			if len(events) > 0 {
				if !l.exchange(ctx, log, "outbox", func(ctx context.Context) error { return l.send(ctx, box, events) }) {
					return nil
				}
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return nil
			}
		}
	})
}

// send sends a batch and notes what the site has of it.
func (l *Link) send(ctx context.Context, box Outbox, events []api.BoxEvent) error {
	var ack api.EventAck
	batch := api.EventBatch{StateID: l.o.StateID, Events: events}
	if err := call(ctx, l.httpClient(), l.o.Site.String(), api.RouteBoxEvents, "", batch, &ack); err != nil {
		return err
	}
	if err := box.Acked(ctx, ack.Next, l.o.Clock()); err != nil {
		return err
	}
	if first, last := events[0].Number, events[len(events)-1].Number; ack.Next == first || ack.Next > last+1 {
		return fmt.Errorf("outbox: events %d to %d were sent, the site wants %d", first, last, ack.Next)
	}
	return nil
}
