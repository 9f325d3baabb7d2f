package client

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
)

// consult asks the box, if it is time to. Somebody who signed in or out while the
// box is away counts for a while.
func (c *Client) consult(ctx context.Context) {
	now := c.Now()
	c.events = slices.DeleteFunc(c.events, func(e event) bool { return now.Sub(e.at) > eventLife })
	if now.Before(c.ask) {
		return
	}
	kind := ""
	if len(c.events) > 0 {
		kind = c.events[0].kind
	}
	offers, err := c.Box.Ask(ctx, kind)
	now = c.Now()
	if err != nil {
		if !c.away && ctx.Err() == nil {
			c.Log.Info("the box cannot be asked; trying again, and silent until it answers", "error", err)
		}
		c.away, c.ask = true, now.Add(c.retry.Next())
		return
	}
	if c.away {
		c.Log.Info("the box answers again")
	}
	c.away = false
	c.retry.Reset()
	c.events = slices.DeleteFunc(c.events, func(e event) bool { return e.kind == kind })
	c.take(offers, kind, now)
	c.ask = nextQuestion(now, offers.Next, rand.Float64)
	if len(c.events) > 0 {
		c.ask = now
	}
}

// nextQuestion is when to ask after an answer: within the usual pause, or when the
// next assignment comes. random gives numbers from 0 up to 1.
func nextQuestion(now, next time.Time, random func() float64) time.Time {
	usual := now.Add(askPause*9/10 + time.Duration(random()*float64(askPause/5)))
	if next.IsZero() {
		return usual
	}
	next = next.Add(time.Duration(random() * float64(spread)))
	if soon := now.Add(time.Second); next.Before(soon) {
		next = soon
	}
	return earlier(usual, next)
}

// take puts what is to start by itself among what is due. What the box does not
// offer any more is dropped; what somebody started by signing in is not offered
// twice, and stays.
func (c *Client) take(offers api.Offers, kind string, now time.Time) {
	c.upcoming = offers.Upcoming
	offered := func(id string) bool {
		return slices.ContainsFunc(offers.Offers, func(o api.Offer) bool { return o.Advertisement == id && o.Mandatory })
	}
	before := len(c.state.Due)
	c.state.Due = slices.DeleteFunc(c.state.Due, func(d Due) bool { return d.Event == "" && !offered(d.Offer.Advertisement) })
	if len(c.state.Due) != before {
		c.kept = false
		c.Log.Info("the box took back what was due", "runs", before-len(c.state.Due))
	}
	for _, o := range offers.Offers {
		known := slices.ContainsFunc(c.state.Due, func(d Due) bool { return d.Offer.Advertisement == o.Advertisement })
		if !o.Mandatory || known {
			continue
		}
		if o.Destructive {
			c.Log.Error("the box offers a sequence that erases a disk to a running client; it is passed over", "advertisement", o.Name)
			continue
		}
		c.state.Due, c.kept = append(c.state.Due, Due{Offer: o, Event: kind, At: now.Add(c.countdown(o))}), false
	}
}

// countdown is how long a run waits: nobody is waited for who is not there.
func (c *Client) countdown(o api.Offer) time.Duration {
	if c.nobody() {
		return 0
	}
	return time.Duration(o.Countdown)
}

// begin starts the first run whose time has come, or whose countdown nobody
// watches any more. It is taken off the list before: it runs once at most, and the
// box offers it again if that is right.
func (c *Client) begin(ctx context.Context) (begun, restart bool) {
	now := c.Now()
	i := slices.IndexFunc(c.state.Due, func(d Due) bool { return !d.At.After(now) || c.nobody() })
	if i < 0 {
		return false, false
	}
	d := c.state.Due[i]
	c.state.Due, c.kept = slices.Delete(c.state.Due, i, i+1), false
	c.keep()
	c.Log.Info("begin", "advertisement", d.Offer.Name, "event", d.Event)
	restart, err := c.Jobs.Start(ctx, d.Offer, d.Event)
	if err != nil {
		c.Log.Warn("nothing was run", "advertisement", d.Offer.Name, "error", err)
	} else if !restart && !c.away {
		c.ask = c.Now() // there may be more
	}
	return true, restart
}
