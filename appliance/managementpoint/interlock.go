package managementpoint

import (
	"context"
	"errors"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

// NoteWants counts a machine that mandatory advertisements would erase, with a
// grant or without, and says why the box has stopped, "" if it goes on. When more
// machines want it than an administrator confirmed, the box stops now.
func (p *Point) NoteWants(ctx context.Context, v Verdict, mac string) (stopped string, err error) {
	now := p.Now()
	if len(v.Wants) > 0 {
		if _, err := p.Store.Want(ctx, v.Machine, wanted(v), now); err != nil {
			return "", err
		}
	}
	w, err := p.Store.Wipes(ctx, now)
	if err != nil || w.Stopped != "" {
		return w.Stopped, err
	}
	if stopped = policy.CheckWants(v.Wants, w); stopped == "" {
		return "", nil
	}
	return stopped, p.stop(ctx, stopped, mac)
}

// Stops says why the box has stopped, or NoteWants would stop it for this machine,
// "" if it goes on. It changes nothing.
func (p *Point) Stops(ctx context.Context, v Verdict) (string, error) {
	w, err := p.Store.Wanting(ctx, v.Machine, wanted(v), p.Now())
	if err != nil {
		return "", err
	}
	return policy.CheckWants(v.Wants, w), nil
}

func wanted(v Verdict) []string {
	var ids []string
	for _, w := range v.Wants {
		ids = append(ids, w.Advertisement.ID)
	}
	return ids
}

// interlock refuses a destructive claim while the box has stopped, and stops it
// when too many machines were erased that no confirmed number covers.
func (p *Point) interlock(ctx context.Context, o policy.Offer, stopped, mac string) *api.Error {
	w, err := p.Store.Wipes(ctx, p.Now())
	if err != nil {
		return internal(err)
	}
	box := p.Policy().Box
	w.Stopped = stopped
	why := policy.CheckClaim(&box, &o, w)
	if why == "" {
		return nil
	}
	if stopped == "" {
		if err := p.stop(ctx, why, mac); err != nil {
			return internal(err)
		}
	}
	return api.Errorf(api.CodeRefused, o.Advertisement.ID, "the box has stopped erasing machines: %s", why).
		WithRemedy("an administrator looks at it, then: bootward box resume %s", box.Name)
}

// stop stops the box and raises the alarm.
func (p *Point) stop(ctx context.Context, why, mac string) error {
	p.Log.Error("the wipe interlock has stopped the box", "why", why)
	text := "ALARM: the box has stopped erasing machines: " + why
	defer p.tellSite()
	return p.Store.Stop(ctx, why, status.FlightEvent{Time: p.Now(), Client: mac, What: "alarm", Text: text}, p.Now())
}

// Stopped says why the wipe interlock has stopped the box, "" if it goes on.
func (p *Point) Stopped(ctx context.Context) (string, error) {
	w, err := p.Store.Wipes(ctx, p.Now())
	return w.Stopped, err
}

// CarryOut carries the orders of the policy in force out that were not before,
// and have not ended. One of a kind that this box does not know is passed over.
func (p *Point) CarryOut(ctx context.Context) error {
	s := p.Policy()
	if s == nil {
		return nil
	}
	if _, err := p.evaluator(ctx); err != nil { // orders name computers by the site's IDs
		return err
	}
	for _, o := range s.Orders {
		if !p.Now().Before(o.ExpiresAt) {
			continue
		}
		done, err := p.Store.CarryOut(ctx, o, p.Now())
		if errors.Is(err, store.ErrUnknownOrder) {
			p.Log.Warn("order not carried out", "order", o.ID, "error", err)
			continue
		} else if err != nil {
			return err
		}
		if done && o.Kind == policy.OrderWake && p.Wake != nil {
			p.Wake(ctx, o.Computers)
		}
		if done {
			p.tellSite()
			p.Log.Info("order carried out", "order", o.ID, "kind", o.Kind, "by", o.By, "computers", len(o.Computers))
		}
	}
	return nil
}

// erase notes, before the first write of a job, that its grant is spent.
func (p *Point) erase(ctx context.Context, j store.Job, e api.Erase) *api.Error {
	if !j.Document.Sequence.Destructive {
		return api.Errorf(api.CodeRefused, j.ID, "its task sequence erases no disk")
	}
	if stopped, err := p.Stopped(ctx); err != nil {
		return internal(err)
	} else if stopped != "" && j.Erased.IsZero() {
		return api.Errorf(api.CodeRefused, j.ID, "the box has stopped erasing machines: %s", stopped).WithRemedy("an administrator looks at it, then: bootward box resume %s", p.Self().BoxName)
	}
	event := status.FlightEvent{Time: p.Now(), Client: j.Client, Job: j.ID, What: "erase", Text: "is about to erase " + name(e.Disk)}
	if err := p.Store.Erase(ctx, j.ID, name(e.Disk), event, p.Now()); err != nil {
		return statusError(j, err)
	}
	p.Log.Info("first write to a disk", "job", j.ID, "computer", j.Name, "disk", name(e.Disk))
	return nil
}
