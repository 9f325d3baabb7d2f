package technician

import (
	"context"
	"slices"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
)

// Limits of what is asked and answered.
const (
	maxCleared  = 1000 // computers in one request
	maxAudit    = 500  // entries
	maxTimeline = 1000 // events
)

// What follows does not ask for rights: the two tables do.

func (d *Desk) pending(ctx context.Context) ([]api.PendingApproval, *failure) {
	all, err := d.Approvals.Pending(ctx)
	if err != nil {
		return nil, d.internal("list machines that wait", err)
	}
	return orEmpty(all), nil
}

// decide approves or denies the machine that shows a code. A code that no machine
// shows counts as a wrong try of the person: codes are compared, not guessed.
func (d *Desk) decide(ctx context.Context, c caller, typed, decision string) (api.PendingApproval, *failure) {
	code := trust.NormalizeCode(typed)
	if code == "" {
		return api.PendingApproval{}, fail(api.CodeInvalid, "code", "give the six digits that the machine shows, such as 482-913")
	}
	if decision != store.Approve && decision != store.Deny {
		return api.PendingApproval{}, fail(api.CodeInvalid, "decision", "give %s or %s", store.Approve, store.Deny)
	}
	d.guessing.Lock()
	defer d.guessing.Unlock()
	subject := "code " + c.person.ID
	if f := d.mayTry(ctx, "codes", subject); f != nil {
		return api.PendingApproval{}, f
	}
	ctx = context.WithoutCancel(ctx) // who goes away has tried all the same
	p, e := d.Approvals.DecideCode(ctx, code, decision, c.person.Name)
	f := d.veil("decide", e)
	if f == nil || f.Code == api.CodeNotFound {
		if err := d.Store.NoteTry(ctx, subject, f == nil, d.Now()); err != nil {
			d.Log.Error("note a try of a code", "error", err)
		}
	}
	if f == nil {
		d.Log.Info(decision, "by", c.person.Name, "computer", p.Computer, "code", code)
	}
	return p, f
}

// veil passes an error on to whoever asked, but none of ours.
func (d *Desk) veil(what string, e *api.Error) *failure {
	switch {
	case e == nil:
		return nil
	case e.Code == api.CodeInternal || e.Code == api.CodeNoSpace:
		return d.internal(what, e)
	}
	return &failure{Error: e}
}

// resume lets a box go on that the wipe interlock stopped. One that was not
// stopped is left alone: what it counts is not to be forgotten by the way.
func (d *Desk) resume(ctx context.Context, c caller) *failure {
	w, err := d.Store.Wipes(ctx, d.Now())
	if err != nil {
		return d.internal("read the interlock", err)
	}
	if w.Stopped == "" {
		return fail(api.CodeConflict, c.box, "the wipe interlock has not stopped it")
	}
	if err := d.Store.Resume(ctx, c.person.Name, d.Now()); err != nil {
		return d.internal("resume", err)
	}
	d.Log.Info("the box goes on", "by", c.person.Name, "was stopped", w.Stopped)
	return nil
}

// clear clears the PXE marks of computers, all of them or none, and returns their
// names.
func (d *Desk) clear(ctx context.Context, c caller, wanted []string) ([]string, *failure) {
	ids, names, f := d.computers(wanted)
	if f != nil {
		return nil, f
	}
	if err := d.Store.ClearRuns(ctx, c.person.Name, ids, d.Now()); err != nil {
		return nil, d.internal("clear PXE marks", err)
	}
	d.Log.Info("PXE marks cleared", "by", c.person.Name, "computers", names)
	return names, nil
}

// retry lets the failed jobs of computers go on when their machines ask for it, which they
// do while the failure stands on their screens, and returns the names of the computers.
func (d *Desk) retry(ctx context.Context, c caller, wanted []string) ([]string, *failure) {
	ids, names, f := d.computers(wanted)
	if f != nil {
		return nil, f
	}
	n, err := d.Store.AllowRetry(ctx, c.person.Name, ids, d.Now())
	if err != nil {
		return nil, d.internal("let jobs go on", err)
	}
	if n == 0 {
		return nil, fail(api.CodeConflict, shown(wanted[0]), "no job of it failed here within the last %s", store.RetryWindow).remedy("deploy the machine again")
	}
	d.Log.Info("failed jobs may go on", "by", c.person.Name, "computers", names, "jobs", n)
	return names, nil
}

// computers finds computers of this box's policy, all of them or none.
func (d *Desk) computers(wanted []string) (ids, names []string, _ *failure) {
	if len(wanted) == 0 || len(wanted) > maxCleared {
		return nil, nil, fail(api.CodeInvalid, "computers", "%d are named, want 1 to %d", len(wanted), maxCleared)
	}
	e := d.Evaluator()
	if e == nil {
		return nil, nil, fail(api.CodeUnavailable, "box", "there is no policy yet")
	}
	for _, w := range wanted {
		computer, f := find(e, w)
		if f != nil {
			return nil, nil, f
		}
		if !slices.Contains(ids, computer.ID) {
			ids, names = append(ids, computer.ID), append(names, computer.Name)
		}
	}
	return ids, names, nil
}

// find finds a computer of this box's policy by name, ID or MAC.
func find(e *policy.Evaluator, named string) (*osd.Computer, *failure) {
	if c := e.Computer(named); c != nil {
		return c, nil
	}
	if mac, err := osd.NormalizeMAC(named); err == nil {
		c, conflict := e.Identify(policy.Machine{MACs: []string{mac}})
		if conflict != "" {
			return nil, fail(api.CodeConflict, named, "%s", conflict)
		}
		if c != nil {
			return c, nil
		}
	}
	return nil, fail(api.CodeNotFound, shown(named), "this box knows no computer of that name, ID or MAC").remedy("look at the name; computers of other boxes are cleared at the site: bootward computer clear-pxe NAME")
}

func (d *Desk) audit(ctx context.Context, n int) ([]api.AuditRecord, *failure) {
	all, err := d.Store.AuditLog(ctx, n)
	if err != nil {
		return nil, d.internal("read the audit log", err)
	}
	return orEmpty(all), nil
}

// orEmpty lets an empty list be [] in JSON.
func orEmpty[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// shown cuts what somebody sent down to a name that can be told.
func shown(s string) string { return s[:min(len(s), 127)] }
