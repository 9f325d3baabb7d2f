package network

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"

	"github.com/bootward/bootward/internal/supervisor"
)

// Client keeps a link configured by DHCP. Make one with its fields and call Run.
type Client struct {
	Link    string
	Options Options
	// Changed, if not nil, is told of every lease after its address is on the link, renewals too; it is called from
	// Run's goroutine.
	Changed func(Lease)

	early time.Duration // tests renew sooner than T1 by it
}

// renewPause is the shortest time between two attempts to renew (RFC 2131 §4.4.5 asks for a minute; short leases are
// halved less).
const renewPause = 10 * time.Second

// Run takes a lease, puts it on the link and renews it until ctx ends, when it returns nil. When a lease runs out or
// is refused, its address is taken off the link and a new lease is asked for. Errors are logged and retried: Run
// returns an error only if the link does not exist.
func (c *Client) Run(ctx context.Context) error {
	for {
		l, err := Acquire(ctx, c.Link, c.Options)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			err = c.keep(ctx, l)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrNoLink):
			return err
		case err != nil:
			c.Options.log().Warn("dhcp", "link", c.Link, "error", err)
		}
		if !pause(ctx, resend) {
			return nil
		}
	}
}

// keep configures a lease and renews it; it returns when the lease is lost, with the reason.
func (c *Client) keep(ctx context.Context, l Lease) error {
	for {
		if err := Configure(ctx, c.Link, l.Config); err != nil {
			return err
		}
		c.Options.log().Info("dhcp: lease", "link", c.Link, "address", l.Address, "server", l.Server, "for", l.Duration)
		if c.Changed != nil {
			c.Changed(l)
		}
		next, err := c.renew(ctx, l)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil || next.Address != l.Address {
			if gone := Remove(ctx, c.Link, l.Address); gone != nil {
				err = errors.Join(err, gone)
			}
		}
		if err != nil {
			return err
		}
		l = next
	}
}

// renew waits for T1 and tries until the lease runs out or is refused.
func (c *Client) renew(ctx context.Context, l Lease) (Lease, error) {
	end := l.Obtained.Add(l.Duration)
	for at := l.Obtained.Add(l.T1 - c.early); ; {
		if !pause(ctx, time.Until(at)) {
			return Lease{}, ctx.Err()
		}
		raw, err := c.request(ctx, l)
		var nak *nclient4.ErrNak
		switch {
		case err == nil:
			return newLease(raw)
		case errors.As(err, &nak):
			return Lease{}, fmt.Errorf("lease of %v refused by %v: %w", l.Address, l.Server, err)
		case time.Now().After(end):
			return Lease{}, fmt.Errorf("lease of %v ran out: %w", l.Address, err)
		}
		at = nextAttempt(time.Now(), l.Obtained.Add(l.T2), end)
	}
}

// nextAttempt is half of what is left to T2, after that half of what is left of the lease, but not too soon.
func nextAttempt(now, t2, end time.Time) time.Time {
	target := t2
	if !now.Before(t2) {
		target = end
	}
	return now.Add(max(target.Sub(now)/2, renewPause))
}

func (c *Client) request(ctx context.Context, l Lease) (*nclient4.Lease, error) {
	conn, err := nclient4.New(c.Link, nclient4.WithTimeout(resend), nclient4.WithRetry(2))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.Renew(ctx, l.raw, c.Options.modifiers()...)
}

// pause waits, not at all if d is over; false if ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	return ctx.Err() == nil && supervisor.Sleep(ctx, d)
}
