package managementpoint

import (
	"cmp"
	"context"
	"errors"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

// atTheMachine is who wants a job to go on where a person pressed a key for it.
const atTheMachine = "a person at the machine"

func (p *Point) serveRetry(c call) (any, *api.Error) {
	var in api.Retry
	if err := read(c.r, &in); err != nil {
		return nil, err
	}
	return answer(p.retry(c.r.Context(), c.job, in))
}

// retry lets a job go on that failed, at the step that failed, for its own key: because a
// person at the machine wants it, or because somebody at the site or the box allowed it.
// Either way it has to be what the machine would be offered today, had it not run.
func (p *Point) retry(ctx context.Context, j store.Job, in api.Retry) (api.Retried, *api.Error) {
	by := atTheMachine
	if !in.Person {
		var err error
		if by, err = p.Store.RetryBy(ctx, j.ID); err != nil {
			return api.Retried{}, internal(err)
		}
		if by == "" && j.State != store.JobOpen {
			return api.Retried{}, nil // nobody has said anything
		}
	}
	if j.State == store.JobOpen { // an answer was lost on the way
		return api.Retried{Again: true, By: cmp.Or(by, "an administrator")}, nil
	}
	p.claims.Lock()
	defer p.claims.Unlock()
	keys, refused := p.mayRetry(ctx, j, in)
	if refused == nil {
		refused = p.reopen(ctx, j, by, keys)
	}
	if refused != nil {
		p.Log.Warn("a failed job does not go on", "job", j.ID, "computer", j.Name, "why", refused.Detail)
		return api.Retried{}, refused
	}
	p.Log.Info("a failed job goes on", "job", j.ID, "computer", j.Name, "step", j.Position, "by", by)
	return api.Retried{Again: true, By: by}, nil
}

// mayRetry asks the policy in force about a job that failed, as if it had not run: whether
// its advertisement is still offered, and its grant still there. It returns the keys under
// which the machine may have jobs.
func (p *Point) mayRetry(ctx context.Context, j store.Job, in api.Retry) ([]string, *api.Error) {
	no := func(format string, args ...any) ([]string, *api.Error) {
		return nil, api.Errorf(api.CodeRefused, j.ID, format, args...).WithRemedy("deploy the machine again")
	}
	e, err := p.evaluator(ctx)
	if err != nil {
		return nil, internal(err)
	}
	if e == nil {
		return no("the box has no policy")
	}
	m, s := machine(j.Identity), e.Snapshot()
	computer, conflict := e.Identify(m)
	if conflict != "" {
		return no("the labels of this machine contradict what the site knows")
	}
	v := Verdict{Machine: machineKey(computer, m, &s.Settings), Labels: labelKeys(computer, m, &s.Settings)}
	h, err := p.history(ctx, e, computer, &v)
	if err != nil {
		return nil, internal(err)
	}
	if v.Open != nil {
		return no("%v", store.ErrNewer)
	}
	delete(h.Runs, j.Document.Advertisement)
	delete(h.UsedGrants, j.Grant)
	v.Decision = e.Evaluate(m, h, p.Now())
	o, refused := offered(v, j)
	if refused == nil {
		refused = p.mayGoOn(ctx, v, o, j, in)
	}
	return append(v.Labels, v.Machine), refused
}

// offered is the offer that the job runs.
func offered(v Verdict, j store.Job) (policy.Offer, *api.Error) {
	no := func(why string) (policy.Offer, *api.Error) {
		return policy.Offer{}, api.Errorf(api.CodeRefused, j.ID, "%s is not offered to this machine any more: %s", j.Document.AdvertName, why).WithRemedy("deploy the machine again")
	}
	for _, o := range v.Offers {
		switch {
		case o.Advertisement.ID != j.Document.Advertisement:
		case j.Grant != "" && (o.Grant == nil || o.Grant.ID != j.Grant):
			return no("its grant was withdrawn, or another one took its place")
		default:
			return o, nil
		}
	}
	for _, r := range v.Refusals {
		if r.Advertisement == j.Document.AdvertName {
			return no(r.Why)
		}
	}
	return no("it is for other machines, or was deleted")
}

// mayGoOn holds a job that is to go on against what holds for a claim: the wipe interlock,
// and the password for what a person chooses. An approval counts on: the key is the same,
// and store.RetryWindow short.
func (p *Point) mayGoOn(ctx context.Context, v Verdict, o policy.Offer, j store.Job, in api.Retry) *api.Error {
	sealed := sealedPassword(p.Policy())
	if in.Person && sealed != nil && !o.Mandatory && !p.passes(in.Ticket, v.Machine, sealed) {
		return api.Errorf(api.CodeRefused, api.FieldPassword, "what a person chooses needs the PXE password of this box")
	}
	w, err := p.Store.Wipes(ctx, p.Now())
	if err != nil {
		return internal(err)
	}
	// One that failed before its first write did not count: now it does.
	if counts := j.Grant == "" && j.Erased.IsZero(); !counts && w.Stopped == "" {
		return nil
	}
	return p.interlock(ctx, policy.Offer{Advertisement: o.Advertisement, Sequence: j.Document.Sequence}, w.Stopped, j.Client)
}

func (p *Point) reopen(ctx context.Context, j store.Job, by string, keys []string) *api.Error {
	now := p.Now()
	err := p.Store.Reopen(ctx, store.Retry{Job: j.ID, By: by, Keys: keys},
		status.FlightEvent{Time: now, Client: j.Client, Job: j.ID, What: status.FlightJobStarted, Text: "goes on at the step that failed: " + by + " wants it"}, now)
	switch {
	case errors.Is(err, store.ErrNotFailed), errors.Is(err, store.ErrTooLate), errors.Is(err, store.ErrTooOften), errors.Is(err, store.ErrNewer), errors.Is(err, store.ErrGrantUsed), errors.Is(err, store.ErrOpen):
		return api.Errorf(api.CodeRefused, j.ID, "%v", err).WithRemedy("deploy the machine again")
	case err != nil:
		return internal(err)
	}
	return nil
}
