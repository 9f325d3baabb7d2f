package sitelink

import (
	"context"
	"log/slog"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/supervisor"
)

// checkInEvery is how often the site hears of a box that has nothing new.
const checkInEvery = time.Minute

// checkInPause is the shortest time between two check-ins.
const checkInPause = 4 * time.Second

// CheckIn returns the service that tells the site how the box is, each minute
// and after each change. state gives what is to be told, without Time, StateID
// and Version; changed closes its channel at the next change.
func (l *Link) CheckIn(state func() api.CheckIn, changed func() <-chan struct{}, log *slog.Logger) supervisor.Service {
	return supervisor.Func(func(ctx context.Context) error {
		if l.enrolled(ctx) == nil {
			return nil
		}
		for {
			next := changed()
			if !l.exchange(ctx, log, "check-in", func(ctx context.Context) error { return l.checkIn(ctx, state(), log) }) {
				return nil
			}
			if !supervisor.Sleep(ctx, checkInPause) {
				return nil
			}
			timer := time.NewTimer(checkInEvery)
			select {
			case <-next:
			case <-timer.C:
			case <-ctx.Done():
			}
			timer.Stop()
		}
	})
}

func (l *Link) checkIn(ctx context.Context, c api.CheckIn, log *slog.Logger) error {
	c.StateID, c.Version, c.Time = l.o.StateID, l.o.Version, l.o.Clock().UTC()
	if p := l.Policy(); p != nil {
		c.Epoch, c.Number = p.Snapshot.Epoch, p.Snapshot.Number
	}
	var answer api.CheckedIn
	if err := call(ctx, l.httpClient(), l.o.Site.String(), api.RouteBoxCheckIn, "", c, &answer); err != nil {
		return err
	}
	if off := answer.Time.Sub(l.o.Clock()).Abs(); !answer.Time.IsZero() && off > 5*time.Minute {
		log.Warn("the clocks of box and site differ", "by", off.Round(time.Second).String())
	}
	return nil
}
