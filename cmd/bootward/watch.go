package main

import (
	"context"
	"fmt"
	"time"
)

// again shows something, and where it is watched again and again until it is
// interrupted. A site that is starting again is said, and asked again.
func (a *app) again(ctx context.Context, watch bool, every time.Duration, show func() error) error {
	if err := show(); err != nil || !watch {
		return err
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if terminal(a.out) {
			fmt.Fprint(a.out, "\x1b[H\x1b[2J")
		}
		if err := show(); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			fmt.Fprintf(a.err, "%s  %v\n", clock(time.Now()), err)
		}
	}
}
