package agent

import (
	"context"
	"time"

	"github.com/bootward/bootward/api"
)

// countdown shows on the screen that a mandatory run is about to begin, until it
// does or somebody presses Enter. It cannot be cancelled there: who does not want
// the run switches the machine off, and nothing has been changed. It is false when
// ctx ended.
func (s *session) countdown(ctx context.Context, o api.Offer) bool {
	whole := time.Duration(o.Countdown)
	if whole <= 0 {
		return true
	}
	erases := ""
	if o.Destructive {
		erases = " It ERASES A DISK of this machine."
	}
	s.console.Forget()
	s.console.Line("%s (%s) starts by itself in %s.%s", o.Name, o.Sequence, whole, erases)
	s.console.Line("press Enter to start it now; switch the machine off if it must not run")
	limited, cancel := context.WithTimeout(ctx, whole)
	defer cancel()
	end := time.Now().Add(whole)
	enter := make(chan struct{})
	go func() {
		defer close(enter)
		for {
			if k, ok := s.console.Key(limited); !ok || k == '\r' || k == '\n' {
				return
			}
		}
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-enter: // or the time is over
			return ctx.Err() == nil
		case <-tick.C:
			s.console.Progress("  starts in %s", time.Until(end).Round(time.Second))
		}
	}
}
