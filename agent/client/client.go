// Package client is the resident agent of an installed system: it asks its box
// what there is for the running machine, tells people who are signed in what is
// coming, and has runs begun when their time has come.
//
// It decides when to ask, whom to tell and what to begin; the box decides what a
// machine gets, and whoever implements Jobs runs it. It erases nothing: a
// destructive offer is passed over, whatever a box says. Formats:
// docs/formats/client.md.
package client

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd"
)

// Box answers what the machine may run.
type Box interface {
	// Ask asks as a running client; event is osd.AtLogon, osd.AtLogoff or empty.
	// It may be repeated. An error is a box that cannot be reached, or refuses.
	Ask(ctx context.Context, event string) (api.Offers, error)
}

// Jobs runs task sequences, one at a time. restart says that the machine is to be
// restarted for the job to go on.
type Jobs interface {
	// GoOn brings a job to its end that lies on the disk; nothing if none does.
	GoOn(ctx context.Context) (restart bool, err error)
	// Start claims an offer and runs it. An error means that no job was run to an
	// end.
	Start(ctx context.Context, offer api.Offer, event string) (restart bool, err error)
}

// Crowd are the people at the machine. Changed may be received from by one
// caller only.
type Crowd interface {
	List() ([]Session, error)
	Changed() <-chan struct{}
	Tell(to []Session, text string) error
}

// The times of a client.
const (
	askPause    = 10 * time.Minute // between questions, a tenth more or less
	firstRetry  = 30 * time.Second // after a failure; doubled up to askPause
	longestWait = time.Minute      // before the clock is looked at again: machines sleep
	eventLife   = 15 * time.Minute // how long somebody who signed in counts while the box is away
	spread      = 5 * time.Second  // between machines that wait for one moment
)

// Client is a resident agent. All fields are needed.
type Client struct {
	Box    Box
	Jobs   Jobs
	People Crowd
	// Now is the time, that of the box if the machine's is behind.
	Now func() time.Time
	// File keeps the State.
	File string
	// Boot names this start of the kernel (/proc/sys/kernel/random/boot_id).
	Boot string
	Log  *slog.Logger

	state    State
	kept     bool // the file holds the state
	here     []Session
	blind    bool // who is signed in is not known
	events   []event
	upcoming []api.Upcoming
	ask      time.Time // when to ask next
	retry    supervisor.Backoff
	away     bool // the box did not answer last time
}

// event is somebody who signed in or out.
type event struct {
	kind string
	at   time.Time
}

// Run works until ctx ends, or until the machine is to be restarted for a job.
func (c *Client) Run(ctx context.Context) (restart bool) {
	var err error
	if c.state, err = load(c.File); err != nil {
		c.Log.Warn("beginning anew", "error", err)
	}
	if c.state.Boot != c.Boot {
		c.state.Boot, c.state.Sessions = c.Boot, nil
	}
	c.retry = supervisor.Backoff{First: firstRetry, Max: askPause}
	for ctx.Err() == nil {
		next, restart := c.round(ctx)
		if restart {
			return true
		}
		c.wait(ctx, next)
	}
	return false
}

// round does everything that is to be done now, and says when there is more.
func (c *Client) round(ctx context.Context) (next time.Time, restart bool) {
	if restart, err := c.Jobs.GoOn(ctx); restart || err != nil {
		if err != nil && ctx.Err() == nil {
			c.Log.Warn("the job on the disk waits", "error", err)
		}
		return c.Now().Add(firstRetry), restart
	}
	c.look()
	c.consult(ctx)
	next = c.tell()
	begun, restart := c.begin(ctx)
	c.keep()
	if begun {
		return c.Now(), restart
	}
	return earlier(next, c.ask), restart
}

// wait waits for a time, or for somebody who comes or goes.
func (c *Client) wait(ctx context.Context, until time.Time) {
	t := time.NewTimer(min(max(until.Sub(c.Now()), 0), longestWait))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-c.People.Changed():
	}
}

// nobody says that there is nobody to wait for. Where that is not known, somebody
// may be at work.
func (c *Client) nobody() bool { return len(c.here) == 0 && !c.blind }

// look sees who came and who went.
func (c *Client) look() {
	here, err := c.People.List()
	c.blind = err != nil
	if c.blind {
		c.Log.Debug("who is signed in is not known", "error", err)
		return // as before
	}
	c.here = here
	var ids []string
	for _, s := range here {
		ids = append(ids, s.ID)
	}
	now := c.Now()
	if len(without(ids, c.state.Sessions)) > 0 {
		c.events = append(c.events, event{osd.AtLogon, now})
	}
	if len(without(c.state.Sessions, ids)) > 0 {
		c.events = append(c.events, event{osd.AtLogoff, now})
	}
	if !slices.Equal(ids, c.state.Sessions) {
		c.state.Sessions, c.kept = ids, false
		if !c.away {
			c.ask = now
		}
	}
}

// tell says what is to be said now, and when the next word is due.
func (c *Client) tell() (next time.Time) {
	now := c.Now()
	forget(c.state.Told, now)
	var notices []notice
	for _, d := range c.state.Due {
		if d.At.After(now) {
			next = earlier(next, d.At)
			notices = append(notices, ofDue(d))
		}
	}
	for _, u := range c.upcoming {
		notices = append(notices, ofUpcoming(u))
	}
	for _, n := range notices {
		text, keys, again := n.look(now, c.state.Told)
		next = earlier(next, again)
		if len(keys) == 0 || len(c.here) == 0 {
			continue // who signs in later hears of it then
		}
		c.say(text)
		for _, k := range keys {
			c.state.Told[k], c.kept = n.at, false
		}
	}
	return next
}

func (c *Client) say(text string) {
	c.Log.Info("people were told", "text", text, "people", len(c.here))
	if err := c.People.Tell(c.here, text); err != nil {
		c.Log.Warn("a terminal could not be written to", "error", err)
	}
}

// keep writes the state down when it has changed.
func (c *Client) keep() {
	if c.kept {
		return
	}
	if err := c.state.save(c.File); err != nil {
		c.Log.Warn("what people were told is not kept", "error", err)
		return // tried again in the next round
	}
	c.kept = true
}
