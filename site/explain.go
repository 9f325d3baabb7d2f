package site

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
)

// Question asks what a computer would get.
type Question struct {
	Computer string    // name or ID
	At       time.Time // now when zero
	Box      string    // name; the one that serves it when empty
	Where    string    // osd.ToBootMediaAndPXE or osd.ToRunningClients
	Event    string    // osd.AtLogon, osd.AtLogoff or empty
}

// Explain says what a computer would get at a box and why, and what it would not
// get and why not. It evaluates the policy that the box would be given now, with
// what the site knows of earlier runs.
func (s *Site) Explain(ctx context.Context, who string, q Question) (*policy.Explanation, error) {
	var out policy.Explanation
	err := s.see(ctx, who, func(x store.Tx, w world) error {
		c, ok := w.look(osd.KindComputer, q.Computer).(*osd.Computer)
		if !ok {
			return notThere(osd.KindComputer, q.Computer)
		}
		b, err := w.boxOf(c, q.Box)
		if err != nil {
			return err
		}
		h, err := s.history(x, w, b, c)
		if err != nil {
			return err
		}
		snapshot, err := s.snapshotNow(x, w, b, h.StateID)
		if err != nil {
			return err
		}
		at := q.At
		if at.IsZero() {
			at = s.now()
		}
		e := policy.New(snapshot, policy.Local{})
		d := e.Evaluate(policy.Machine{MACs: c.MACs, SMBIOSGUID: c.SMBIOSGUID, Where: q.Where, Event: q.Event}, h, at)
		if d.Computer == nil && d.Conflict == "" {
			return api.Errorf(api.CodeRefused, q.Computer, "box %s does not know it: another box serves it, or its labels identify nobody", b.Name)
		}
		out = e.Explain(&d, at)
		w.leaveOut(&out, c)
		return nil
	})
	return &out, err
}

// leaveOut takes out of an explanation what the viewer may not see and what is
// not about the computer: collections, and advertisements to collections that do
// not hold it. What it would get stays: who sees a computer sees what awaits it.
func (w world) leaveOut(x *policy.Explanation, c *osd.Computer) {
	x.Collections = slices.DeleteFunc(slices.Clone(x.Collections), func(name string) bool { return w.look(osd.KindCollection, name) == nil })
	x.GetsNot = slices.DeleteFunc(x.GetsNot, func(e policy.Explained) bool {
		a, ok := w.find(osd.KindAdvertisement, e.Advertisement).(*osd.Advertisement)
		return ok && !w.can(osd.See, a) && !slices.Contains(w.collectionsOf(c.Name), a.Collection)
	})
}

// boxOf is the box of a name that the viewer may see, else the one that serves a
// computer.
func (w world) boxOf(c *osd.Computer, name string) (*osd.Box, error) {
	if name == "" {
		b, err := w.boxFor(c)
		if err != nil {
			return nil, api.Errorf(api.CodeRefused, c.Name, "%v", err)
		}
		return b, nil
	}
	b, ok := w.look(osd.KindBox, name).(*osd.Box)
	if !ok {
		return nil, notThere(osd.KindBox, name)
	}
	return b, nil
}

// snapshotNow is the policy that a box would be given now. Grants that were not
// bound yet count as bound to the box as it is.
func (s *Site) snapshotNow(x store.Tx, w world, b *osd.Box, stateID string) (*policy.Snapshot, error) {
	grants, err := x.Grants(store.GrantFilter{Box: b.ID})
	if err != nil {
		return nil, err
	}
	for i := range grants {
		if grants[i].Envelope == nil {
			grants[i].StateID, grants[i].Envelope = stateID, []byte("{}")
		}
	}
	snapshot, err := compile(w, b, s.code, grants, nil, s.now())
	if err != nil {
		return nil, err
	}
	snapshot.IssuedAt = s.now()
	snapshot.Sealed, err = unsealed(x, w, b, snapshot)
	return snapshot, err
}

// history is what the site knows of the runs of a computer: what its boxes
// reported.
func (s *Site) history(x store.Tx, w world, b *osd.Box, c *osd.Computer) (policy.History, error) {
	h := policy.History{UsedGrants: map[string]bool{}, Runs: map[string]policy.Run{}}
	if enrolled, err := x.Box(b.ID); err == nil {
		h.StateID = enrolled.StateID
	}
	grants, err := x.Grants(store.GrantFilter{Computer: c.ID})
	if err != nil {
		return h, err
	}
	for _, g := range grants {
		h.UsedGrants[g.ID] = !g.UsedAt.IsZero()
	}
	jobs, err := x.Jobs(store.JobFilter{Computer: c.Name})
	if err != nil {
		return h, err
	}
	for _, j := range jobs { // the newest first
		if grantedSince(grants, j) {
			continue
		}
		if _, known := h.Runs[j.Advertisement]; !known {
			h.Runs[j.Advertisement] = policy.Run{Job: j.Job, Open: j.State() == status.Running, Opened: j.Started, Succeeded: j.State() == status.Succeeded}
		}
	}
	return h, nil
}

// grantedSince says whether the run of a job was granted again after it began.
func grantedSince(grants []store.Grant, j status.Job) bool {
	return slices.ContainsFunc(grants, func(g store.Grant) bool {
		return g.Advertisement == j.Advertisement && g.UsedAt.IsZero() && !g.IssuedAt.Before(j.Started.Truncate(time.Second))
	})
}

// Ready says which advertised deployments a box could finish if its line were
// cut now, by what it told at its last check-in.
func (s *Site) Ready(ctx context.Context, who, box string) (*api.BoxReady, error) {
	var out *api.BoxReady
	err := s.see(ctx, who, func(x store.Tx, w world) error {
		b, err := w.boxOf(nil, cmp.Or(box, " "))
		if err != nil {
			return err
		}
		out = &api.BoxReady{Box: b.Name, Deployments: []policy.Readiness{}}
		enrolled, err := x.Box(b.ID)
		var in api.CheckIn
		if err != nil || enrolled.CheckIn == nil {
			out.Notes = append(out.Notes, "the box has never checked in: it holds nothing that the site knows of")
		} else if err := json.Unmarshal(enrolled.CheckIn, &in); err != nil {
			return fmt.Errorf("check-in of box %s: %w", b.Name, err)
		}
		if p, err := x.Policy(b.ID); err == nil && (p.Epoch != in.Epoch || p.Number != in.Number) && in.Number > 0 {
			out.Notes = append(out.Notes, fmt.Sprintf("the box has policy %d.%d, the newest is %d.%d", in.Epoch, in.Number, p.Epoch, p.Number))
		}
		if in.Stopped != "" {
			out.Notes = append(out.Notes, "the wipe interlock has stopped the box: "+in.Stopped)
		}
		snapshot, err := s.snapshotNow(x, w, b, enrolled.StateID)
		if err != nil {
			return err
		}
		e := policy.New(snapshot, policy.Local{})
		out.Deployments = append(out.Deployments, e.Ready(func(m string) bool { return slices.Contains(in.Complete, m) }, s.now())...)
		out.Deployments = slices.DeleteFunc(out.Deployments, func(d policy.Readiness) bool { return w.look(osd.KindAdvertisement, d.ID) == nil })
		return nil
	})
	return out, err
}

func (s *Site) getExplain(w http.ResponseWriter, r *http.Request, c caller) error {
	v := r.URL.Query()
	q := Question{Computer: r.PathValue("name"), Box: v.Get("box"), Where: v.Get("where"), Event: v.Get("event")}
	if at := v.Get("at"); at != "" {
		t, err := osd.Moment(at).In(time.UTC)
		if err != nil {
			return api.Errorf(api.CodeInvalid, "at", "%q: %v", at, err)
		}
		q.At = t
	}
	if q.Where != "" && q.Where != osd.ToBootMediaAndPXE && q.Where != osd.ToRunningClients {
		return api.Errorf(api.CodeInvalid, "where", "%q: give %s or %s", q.Where, osd.ToBootMediaAndPXE, osd.ToRunningClients)
	}
	if q.Event != "" && q.Event != osd.AtLogon && q.Event != osd.AtLogoff {
		return api.Errorf(api.CodeInvalid, "event", "%q: give %s or %s", q.Event, osd.AtLogon, osd.AtLogoff)
	}
	out, err := s.Explain(r.Context(), c.person, q)
	return answer(w, out, err)
}

func (s *Site) getMembers(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := s.Members(r.Context(), c.person, r.PathValue("name"))
	return answer(w, out, err)
}

func (s *Site) getReady(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := s.Ready(r.Context(), c.person, r.PathValue("name"))
	return answer(w, out, err)
}

func (s *Site) postOrder(w http.ResponseWriter, r *http.Request, c caller) error {
	var in api.Order
	if err := readJSON(r, &in); err != nil {
		return err
	}
	out, err := s.Order(r.Context(), c.person, in)
	return answer(w, out, err)
}
