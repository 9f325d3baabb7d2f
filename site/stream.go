package site

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/eventstream"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
)

// The stream of events (docs/formats/events.md). A reader's place is a pair of
// numbers of the database, and each reader reads from there at his own speed: there
// is no buffer that could overflow, and nobody who is slow holds up anybody else.

const (
	streamBatch = 500                    // events of a kind that are read at once
	streamPause = 250 * time.Millisecond // between two looks at the database
	slowReader  = 30 * time.Second       // how long a reader may take nothing
	maxStreams  = 256
	maxOwn      = 16 // of one person
)

// place is where a reader is: the last message and the last flight event that he has.
type place struct{ message, flight int64 }

func (p place) String() string { return fmt.Sprintf("%d-%d", p.message, p.flight) }

// parsePlace reads what String wrote.
func parsePlace(text string) (place, error) {
	var p place
	var rest string
	if n, _ := fmt.Sscanf(text, "%d-%d%s", &p.message, &p.flight, &rest); n != 2 || p.message < 0 || p.flight < 0 {
		return p, api.Errorf(api.CodeInvalid, eventstream.LastID, "%q is no id of an event", text).WithRemedy("leave it out to begin with what comes from now on, or give 0-0 for all")
	}
	return p, nil
}

// streamFilter says which events a reader wants; empty fields select all.
type streamFilter struct {
	computer, advertisement, job string
}

// streams counts who reads. The zero value is ready.
type streams struct {
	mu  sync.Mutex
	all int
	by  map[string]int
}

func (s *streams) enter(who string) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= maxStreams || s.by[who] >= maxOwn {
		return nil, api.Errorf(api.CodeTooMany, "events", "%d streams are open, %d of them yours", s.all, s.by[who]).WithRemedy("end one; one stream tells all")
	}
	if s.by == nil {
		s.by = map[string]int{}
	}
	s.all++
	s.by[who]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.by[who]--; s.by[who] == 0 {
			delete(s.by, who)
		}
	}, nil
}

func (s *Site) getEvents(w http.ResponseWriter, r *http.Request, c caller) error {
	leave, err := s.streams.enter(c.person)
	if err != nil {
		return err
	}
	defer leave()
	at, err := s.begin(r)
	if err != nil {
		return err
	}
	out, err := eventstream.NewWriter(w, slowReader)
	if err == nil {
		err = out.Send(at.String(), status.EventReady, struct{}{})
	}
	if err == nil {
		q := r.URL.Query()
		err = s.stream(r, c.person, at, streamFilter{q.Get("computer"), q.Get("advertisement"), q.Get("job")}, out)
	}
	if err != nil && r.Context().Err() == nil {
		s.log.Info("a stream of events was ended", "person", c.person, "why", err)
	}
	return nil // what goes wrong now ends the stream: there is no other answer any more
}

// begin is where a reader goes on: behind the event that he had last, else with what
// comes now.
func (s *Site) begin(r *http.Request) (at place, err error) {
	last := r.Header.Get(eventstream.LastID)
	if last == "" {
		last = r.URL.Query().Get("after")
	}
	var newest place
	err = s.store.Read(r.Context(), func(x store.Tx) (err error) {
		newest.message, newest.flight, err = x.Newest()
		return err
	})
	if err != nil || last == "" {
		return newest, err
	}
	at, err = parsePlace(last)
	// A place that lies ahead is of a site that was restored from a backup since.
	return place{min(at.message, newest.message), min(at.flight, newest.flight)}, err
}

// stream sends events until the reader leaves, takes nothing, or may not read any
// more: who he is is proven again at each beat.
func (s *Site) stream(r *http.Request, who string, at place, f streamFilter, out *eventstream.Writer) error {
	beat := time.NewTicker(eventstream.Beat)
	defer beat.Stop()
	for {
		arrived, stopping := s.arrived.Changed(), s.changes.wait()
		more, err := s.sendBatch(r.Context(), who, &at, f, out)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if !supervisor.Sleep(r.Context(), streamPause) {
			return nil
		}
		select {
		case <-arrived:
		case <-stopping:
			if s.changes.isStopped() {
				return errStopping
			}
		case <-beat.C:
			if c, _, err := s.identify(r.Context(), r); err != nil || c.person != who {
				return errors.Join(err, errors.New("signed out"))
			}
			if err := out.Mark(at.String()); err != nil {
				return err
			}
		case <-r.Context().Done():
			return nil
		}
	}
}

// sendBatch sends what lies behind a place, and moves it. more says that there is
// more.
func (s *Site) sendBatch(ctx context.Context, who string, at *place, f streamFilter, out *eventstream.Writer) (more bool, err error) {
	events, lost, more, err := s.eventsAfter(ctx, who, *at, f)
	if err != nil {
		return false, err
	}
	if lost > 0 {
		err = out.Send("", status.EventLost, map[string]int64{"events": lost})
	}
	for _, e := range events {
		if *at = e.at; err == nil && e.Event != (status.Event{}) {
			err = out.Send(at.String(), e.Name(), e.Event)
		}
	}
	return more, errors.Join(err, out.Flush())
}

// placed is an event, and where a reader is behind it. The event is empty where he
// may not see it.
type placed struct {
	status.Event
	at place
}

// eventsAfter reads what lies behind a place: both kinds, each in the order of
// arrival, merged by their times.
func (s *Site) eventsAfter(ctx context.Context, who string, at place, f streamFilter) (all []placed, lost int64, more bool, err error) {
	err = s.see(ctx, who, func(x store.Tx, w world) error {
		messages, err := x.Messages(store.MessageFilter{After: at.message, Limit: streamBatch})
		if err != nil {
			return err
		}
		flights, err := x.FlightAfter(at.flight, streamBatch)
		if err != nil {
			return err
		}
		more = len(messages) == streamBatch || len(flights) == streamBatch
		if len(flights) > 0 {
			lost = flights[0].Sequence - at.flight - 1
		}
		v := w.viewOf(f)
		for len(messages) > 0 || len(flights) > 0 {
			if len(flights) == 0 || len(messages) > 0 && !messages[0].Time.After(flights[0].Time) {
				at.message = messages[0].Sequence
				all = append(all, placed{v.message(messages[0]), at})
				messages = messages[1:]
				continue
			}
			at.flight = flights[0].Sequence
			all = append(all, placed{v.flight(flights[0]), at})
			flights = flights[1:]
		}
		return nil
	})
	return all, lost, more, err
}

// eventView is what a person sees of events.
type eventView struct {
	w       world
	f       streamFilter
	boxes   map[string]string
	adverts map[string]string
	sees    func(mac string) bool
	macs    []string // of the computer that is wanted
}

func (w world) viewOf(f streamFilter) eventView {
	v := eventView{w: w, f: f, boxes: w.namesByID(osd.KindBox), adverts: w.namesByID(osd.KindAdvertisement), sees: w.seesMAC()}
	if c, ok := w.look(osd.KindComputer, f.computer).(*osd.Computer); ok {
		v.f.computer = c.Name
		v.macs, _ = labels(c)
	}
	return v
}

// message is the event of a message; empty where the viewer may not see it, or does
// not want it.
func (v eventView) message(m store.StoredMessage) status.Event {
	name := v.adverts[m.Advertisement]
	want := (v.f.job == "" || v.f.job == m.Job) && (v.f.computer == "" || v.f.computer == m.Computer) &&
		(v.f.advertisement == "" || v.f.advertisement == m.Advertisement || v.f.advertisement == name)
	if !want || !v.w.seesComputer(m.Computer) {
		return status.Event{}
	}
	return status.Event{Box: v.boxes[m.Box], Status: &m.Message}
}

func (v eventView) flight(e store.StoredFlight) status.Event {
	want := v.f.advertisement == "" && (v.f.job == "" || v.f.job == e.Job) && (v.f.computer == "" || slices.Contains(v.macs, e.Client))
	if !want || !v.sees(e.Client) {
		return status.Event{}
	}
	return status.Event{Box: v.boxes[e.Box], Flight: &e.FlightEvent}
}
