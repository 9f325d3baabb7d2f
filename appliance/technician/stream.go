package technician

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/eventstream"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd/status"
)

// The stream of events of a box (docs/formats/events.md). A reader's place is a number
// of the outbox, from which each reads at his own speed: nothing is held up by one who
// is slow.

const (
	streamBatch = 500
	streamPause = 250 * time.Millisecond // between two looks at the database
	slowReader  = 30 * time.Second       // how long a reader may take nothing
	maxStreams  = 16
)

// streams counts the readers of events, and those who follow a log.
type streams struct{ open atomic.Int32 }

func (s *streams) enter() (leave func(), f *failure) {
	if s.open.Add(1) > maxStreams {
		s.open.Add(-1)
		return nil, fail(api.CodeTooMany, "events", "%d streams of events and logs are open", maxStreams).remedy("end one; one stream tells all")
	}
	return func() { s.open.Add(-1) }, nil
}

// streaming is what a reader wants and has.
type streaming struct {
	caller
	out      *eventstream.Writer
	at       uint64
	filter   status.Filter
	progress map[string]status.Progress
}

func (d *Desk) serveEvents(c call, w http.ResponseWriter) *failure {
	leave, f := d.streams.enter()
	if f != nil {
		return f
	}
	defer leave()
	q := c.r.URL.Query()
	s := &streaming{caller: c.caller, filter: status.Filter{Computer: q.Get("computer"), Job: q.Get("job"), Advertisement: q.Get("advertisement")}}
	if s.at, f = d.begin(c.r); f != nil {
		return f
	}
	if e := d.Evaluator(); e != nil && s.filter.Advertisement != "" {
		_, names := targets(e, d.Now())
		if id := idOf(names, s.filter.Advertisement); id != "" {
			s.filter.Advertisement = id // as messages have it
		}
	}
	var err error
	if s.out, err = eventstream.NewWriter(w, slowReader); err == nil {
		err = s.out.Send(s.place(), status.EventReady, struct{}{})
	}
	if err == nil {
		err = d.stream(c, s)
	}
	if err != nil && c.r.Context().Err() == nil {
		d.Log.Info("a stream of events was ended", "person", c.person.Name, "why", err)
	}
	return nil // what goes wrong now ends the stream: there is no other answer any more
}

func (s *streaming) place() string { return strconv.FormatUint(s.at, 10) }

// begin is where a reader goes on: behind the event that he had last, else with what
// comes now.
func (d *Desk) begin(r *http.Request) (uint64, *failure) {
	newest, err := d.Store.NewestEvent(r.Context())
	if err != nil {
		return 0, d.internal("read the outbox", err)
	}
	last := r.Header.Get(eventstream.LastID)
	if last == "" {
		last = r.URL.Query().Get("after")
	}
	if last == "" {
		return newest, nil
	}
	at, err := strconv.ParseUint(last, 10, 62)
	if err != nil {
		return 0, fail(api.CodeInvalid, eventstream.LastID, "%q is no id of an event of this box", shown(last)).remedy("leave it out to begin with what comes from now on, or give 0 for all")
	}
	return min(at, newest), nil // one of an earlier life of the box has gone with it
}

// stream sends events until the reader leaves, takes nothing, or may not read any
// more: who he is is proven again at each beat.
func (d *Desk) stream(c call, s *streaming) error {
	beat := time.NewTicker(eventstream.Beat)
	defer beat.Stop()
	ctx := c.r.Context()
	for {
		kept, moved := d.Store.Changed(), d.moved()
		more, err := d.sendBatch(ctx, s)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if !supervisor.Sleep(ctx, streamPause) {
			return nil
		}
		select {
		case <-kept:
		case <-moved:
		case <-beat.C:
			if _, f := d.admit(anyRight, c.r); f != nil {
				return errors.New("signed out: " + f.Detail)
			}
			if err := s.out.Mark(s.place()); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// moved is closed when a running step has come further.
func (d *Desk) moved() <-chan struct{} {
	if d.Moved == nil {
		return nil
	}
	return d.Moved()
}

func (d *Desk) sendBatch(ctx context.Context, s *streaming) (more bool, err error) {
	events, err := d.Store.EventsAfter(ctx, s.at, streamBatch)
	if err != nil {
		return false, err
	}
	if len(events) > 0 && events[0].Number > s.at+1 {
		err = s.out.Send("", status.EventLost, map[string]uint64{"events": events[0].Number - s.at - 1})
	}
	for _, e := range events {
		s.at = e.Number
		if out, want := s.event(e); want && err == nil {
			err = s.out.Send(s.place(), out.Name(), out)
		}
	}
	return len(events) == streamBatch, errors.Join(err, d.sendProgress(s), s.out.Flush())
}

// event is what a reader is told of an entry of the outbox.
func (s *streaming) event(e api.BoxEvent) (status.Event, bool) {
	switch {
	case e.Status != nil:
		return status.Event{Box: s.box, Status: e.Status}, s.filter.Takes(*e.Status)
	case e.Flight != nil: // which computer it is is not known here
		return status.Event{Box: s.box, Flight: e.Flight}, s.filter.Computer == "" && s.filter.Advertisement == "" && (s.filter.Job == "" || s.filter.Job == e.Flight.Job)
	}
	return status.Event{}, false
}

// sendProgress tells how far running steps are, where that has changed.
func (d *Desk) sendProgress(s *streaming) error {
	if d.Progress == nil || s.filter.Computer != "" || s.filter.Advertisement != "" {
		return nil
	}
	now := d.Progress()
	var err error
	for job, p := range now {
		if s.progress[job] != p && (s.filter.Job == "" || s.filter.Job == job) {
			err = errors.Join(err, s.out.Send("", status.EventProgress, status.Event{Box: s.box, Progress: &p}))
		}
	}
	s.progress = maps.Clone(now)
	return err
}
