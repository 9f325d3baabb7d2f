package site

import (
	"context"
	"net/http"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
	"github.com/bootward/bootward/site/store"
)

// The views of a deployment: what a person may see goes in, package status makes
// the view.

// targets are the advertisements that the viewer may see, by name, with the members
// that he may see.
func (w world) targets() []status.Target {
	var out []status.Target
	for _, a := range all[*osd.Advertisement](w, osd.KindAdvertisement) {
		if w.can(osd.See, a) {
			out = append(out, w.target(a))
		}
	}
	return out
}

func (w world) target(a *osd.Advertisement) status.Target {
	t := status.Target{ID: a.ID, Name: a.Name, Sequence: a.Sequence, Collection: a.Collection}
	c := w.collection(a.Collection)
	if c == nil {
		return t
	}
	for _, m := range w.members(c) {
		if w.can(osd.See, m) {
			t.Computers = append(t.Computers, m.Name)
		}
	}
	return t
}

// waits are the machines that wait for approval at boxes that the viewer may see.
func (s *Site) waits(x store.Tx, w world) ([]status.Wait, error) {
	found, err := s.waiting(x)
	var out []status.Wait
	for _, one := range found {
		if one.Decision == "" && w.look(osd.KindBox, one.box.ID) != nil {
			out = append(out, api.WaitOf(one.Box, one.PendingApproval))
		}
	}
	return out, err
}

// Homepage counts machines by advertisement (figure 8).
func (s *Site) Homepage(ctx context.Context, who string) (out status.Homepage, err error) {
	err = s.see(ctx, who, func(x store.Tx, w world) error {
		latest, err := x.Latest()
		if err != nil {
			return err
		}
		jobs := w.seenJobs(latest)
		waits, err := s.waits(x, w)
		out = status.NewHomepage(w.targets(), jobs, waits)
		return err
	})
	return out, err
}

// AdvertisementStatus says where each machine of an advertisement is (figure 9).
func (s *Site) AdvertisementStatus(ctx context.Context, who, nameOrID string) (out status.AdvertisementStatus, err error) {
	err = s.see(ctx, who, func(x store.Tx, w world) error {
		a, ok := w.look(osd.KindAdvertisement, nameOrID).(*osd.Advertisement)
		if !ok {
			return notThere(osd.KindAdvertisement, nameOrID)
		}
		jobs, err := w.jobs(x, store.JobFilter{Advertisement: a.ID})
		if err != nil {
			return err
		}
		waits, err := s.waits(x, w)
		out = status.NewAdvertisementStatus(w.target(a), jobs, waits)
		return err
	})
	return out, err
}

// Unprovisioned lists the machines that are being deployed now (guide, §2.2.1.1.8).
func (s *Site) Unprovisioned(ctx context.Context, who string) (out []trace.Machine, err error) {
	now := s.now()
	err = s.see(ctx, who, func(x store.Tx, w world) error {
		jobs, err := w.jobs(x, store.JobFilter{Since: now.Add(-trace.FailedFor)})
		if err != nil {
			return err
		}
		waits, err := s.waits(x, w)
		if err != nil {
			return err
		}
		found, err := x.Flight("", maxRecent)
		sees := w.seesMAC()
		var events []status.FlightEvent
		for _, e := range found {
			if sees(e.Client) {
				events = append(events, e)
			}
		}
		out = trace.Unprovisioned(jobs, waits, recentEvents(events, now), w.namesByMAC(), now)
		return err
	})
	return out, err
}

// maxRecent is how many flight events a look at what machines ask now reads.
const maxRecent = 10_000

// recentEvents are those of an hour, and of machines whose jobs began before.
func recentEvents(events []status.FlightEvent, now time.Time) []status.FlightEvent {
	var recent []status.FlightEvent
	for _, e := range events {
		if e.Job != "" || now.Sub(e.Time) < 2*trace.AskedFor {
			recent = append(recent, e)
		}
	}
	return recent
}

// namesByMAC are the names of the computers that the viewer may see.
func (w world) namesByMAC() map[string]string {
	names := map[string]string{}
	for _, c := range all[*osd.Computer](w, osd.KindComputer) {
		if w.can(osd.See, c) {
			macs, _ := labels(c)
			for _, m := range macs {
				names[m] = c.Name
			}
		}
	}
	return names
}

func (s *Site) getHomepage(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := s.Homepage(r.Context(), c.person)
	return answer(w, out, err)
}

func (s *Site) getAdvertisementStatus(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := s.AdvertisementStatus(r.Context(), c.person, r.PathValue("name"))
	return answer(w, out, err)
}

func (s *Site) getUnprovisioned(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := s.Unprovisioned(r.Context(), c.person)
	return answer(w, out, err)
}
