package site

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
)

// silentBox is after how long without a check-in a box is not waited for.
const silentBox = 3 * time.Minute

// boxLog is where the log of a job is.
type boxLog struct {
	job     status.Job // with the ID of its box
	box     string     // name
	address string     // of the box; empty if not known, or not for the viewer
	heard   time.Time
}

// findLog finds the newest job of a computer, by name or ID, or the job of an ID, and its
// box. What the viewer may not see is not there.
func (s *Site) findLog(ctx context.Context, who, named string) (l boxLog, err error) {
	err = s.see(ctx, who, func(x store.Tx, w world) error {
		for _, f := range []store.JobFilter{{Computer: named}, {Computer: otherKey(x, osd.KindComputer, named)}, {Job: named}} {
			jobs, err := x.Jobs(f)
			if err != nil {
				return err
			}
			for _, j := range jobs {
				if w.seesComputer(j.Computer) {
					l.job = j
					return l.locate(x, w)
				}
			}
		}
		if o := w.look(osd.KindComputer, named); o != nil {
			return api.Errorf(api.CodeNotFound, title(o), "nothing was reported of it yet").
				WithRemedy("see whether it boots from the network and whether its box is ready: `bootward box list`")
		}
		return api.Errorf(api.CodeNotFound, named, "there is no computer and no job of this name or id").WithRemedy("`bootward status jobs` shows those that are there")
	})
	return l, err
}

// locate finds the box of the job.
func (l *boxLog) locate(x store.Tx, w world) error {
	o := w.byID(osd.KindBox, l.job.Box)
	if o == nil {
		return api.Errorf(api.CodeNotFound, l.object(), "it was at a box that is gone").WithRemedy("it may be on the machine still: docs/status.md")
	}
	b, err := x.Box(l.job.Box)
	if err != nil {
		return err
	}
	l.box, l.heard = o.ObjectName(), b.LastSeen
	if b.CheckIn == nil || !w.can(osd.See, o) {
		return nil
	}
	var said api.CheckIn
	if err := json.Unmarshal(b.CheckIn, &said); err != nil {
		return fmt.Errorf("check-in of %s: %w", title(o), err)
	}
	if len(said.Addresses) > 0 {
		l.address = said.Addresses[0]
	}
	return nil
}

func (l *boxLog) object() string {
	return fmt.Sprintf("log of job %s of computer %q", l.job.Job, l.job.Computer)
}

// fault says what is wrong with the box, since when it was not heard, and how to go there.
func (l *boxLog) fault(code api.Code, format string, args ...any) *api.Error {
	return api.Errorf(code, l.object(), "box %s %s; it was heard last at %s UTC", l.box, fmt.Sprintf(format, args...), status.Stamp(l.heard)).
		WithRemedy("bootward --box %s --as NAME status log %s", cmp.Or(l.address, "ADDRESS"), l.job.Computer)
}

// getLog hands a viewer the log of a job, as its box sends it.
func (s *Site) getLog(w http.ResponseWriter, r *http.Request, c caller) error {
	offset, err := number(r, "offset")
	if err != nil {
		return err
	}
	leave, err := s.streams.enter(c.person)
	if err != nil {
		return err
	}
	defer leave()
	l, err := s.findLog(r.Context(), c.person, r.PathValue("name"))
	if err != nil {
		return err
	}
	if !s.logs.polled(l.job.Box) && s.now().Sub(l.heard) > silentBox {
		return l.fault(api.CodeUnavailable, "is not connected")
	}
	wish, err := s.logs.want(l.job.Box, api.LogWanted{Job: l.job.Job, Offset: offset, Follow: r.URL.Query().Get("follow") == "true"})
	if err != nil {
		return err
	}
	defer s.logs.forget(wish)
	ctx, stop := context.WithTimeout(r.Context(), logTime)
	defer stop()
	go s.stopWith(ctx, stop)
	sent, err := s.awaitLog(ctx, wish, l)
	if err != nil {
		return err
	}
	return (&relayedLog{site: s, boxLog: l, viewer: c.person, r: r, w: w, sent: sent}).run(ctx)
}

// stopWith ends what a context is for when the site stops.
func (s *Site) stopWith(ctx context.Context, stop func()) {
	for {
		changed := s.changes.wait()
		if s.changes.isStopped() {
			stop()
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// awaitLog waits until the box sends what is wanted.
func (s *Site) awaitLog(ctx context.Context, wish *logWish, l boxLog) (sentLog, error) {
	timer := time.NewTimer(s.logs.patience)
	defer timer.Stop()
	select {
	case sent := <-wish.sent:
		if sent.refused != nil {
			return sent, l.fault(sent.refused.Code, "says: %s", sent.refused.Detail)
		}
		return sent, nil
	case <-timer.C:
		return sentLog{}, l.fault(api.CodeUnavailable, "did not answer within %v", s.logs.patience)
	case <-ctx.Done():
		return sentLog{}, errStopping
	}
}
