package technician

import (
	"context"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
)

// The views of deployments, of what this box knows: they work while the line to the
// site is cut.

// keepShown is how long ended jobs are shown.
const keepShown = 90 * 24 * time.Hour

// maxMessages is how many messages one answer holds.
const maxMessages = 10_000

// standing is what the views are made of.
type standing struct {
	targets []status.Target
	jobs    []status.Job
	waits   []status.Wait
	names   map[string]string // of advertisements, by ID
}

func (d *Desk) standing(ctx context.Context, c caller) (standing, *failure) {
	var s standing
	var err error
	if s.jobs, err = d.Store.JobStates(ctx, d.Now().Add(-keepShown)); err != nil {
		return s, d.internal("read the jobs", err)
	}
	if e := d.Evaluator(); e != nil {
		s.targets, s.names = targets(e, d.Now())
	}
	for i := range s.jobs {
		j := &s.jobs[i]
		j.Box = c.box
		if name := s.names[j.Advertisement]; name != "" {
			j.Advertisement = name
		}
	}
	pending, f := d.pending(ctx)
	for _, p := range pending {
		if p.Decision == "" {
			s.waits = append(s.waits, api.WaitOf(c.box, p))
		}
	}
	return s, f
}

func targets(e *policy.Evaluator, now time.Time) ([]status.Target, map[string]string) {
	names := map[string]string{}
	var all []status.Target
	for _, a := range e.Snapshot().Advertisements {
		t := status.Target{ID: a.ID, Name: a.Name, Sequence: a.Sequence, Collection: a.Collection}
		for _, c := range e.Members(a.Collection, now) {
			t.Computers = append(t.Computers, c.Name)
		}
		all, names[a.ID] = append(all, t), a.Name
	}
	return all, names
}

func (d *Desk) jobs(ctx context.Context, c caller) ([]api.JobState, *failure) {
	s, f := d.standing(ctx, c)
	all := make([]api.JobState, 0, len(s.jobs))
	for _, j := range s.jobs {
		all = append(all, api.NewJobState(j))
	}
	return all, f
}

func (d *Desk) homepage(ctx context.Context, c caller) (status.Homepage, *failure) {
	s, f := d.standing(ctx, c)
	return status.NewHomepage(s.targets, s.jobs, s.waits), f
}

func (d *Desk) advertisement(ctx context.Context, c caller, nameOrID string) (status.AdvertisementStatus, *failure) {
	s, f := d.standing(ctx, c)
	if f != nil {
		return status.AdvertisementStatus{}, f
	}
	i := slices.IndexFunc(s.targets, func(t status.Target) bool { return t.Name == nameOrID || t.ID == nameOrID })
	if i < 0 {
		return status.AdvertisementStatus{}, fail(api.CodeNotFound, shown(nameOrID), "this box knows no advertisement of that name or ID")
	}
	return status.NewAdvertisementStatus(s.targets[i], s.jobs, s.waits), nil
}

func (d *Desk) unprovisioned(ctx context.Context, c caller) ([]trace.Machine, *failure) {
	s, f := d.standing(ctx, c)
	if f != nil {
		return nil, f
	}
	found, err := d.Store.Timeline(ctx, maxTimeline)
	if err != nil {
		return nil, d.internal("read the flight recorder", err)
	}
	var events []status.FlightEvent
	for _, e := range found {
		if e.Flight != nil {
			events = append(events, *e.Flight)
		}
	}
	names := map[string]string{}
	if e := d.Evaluator(); e != nil {
		for _, computer := range e.Computers() {
			for _, m := range computer.MACs {
				if mac, err := osd.NormalizeMAC(m); err == nil {
					names[mac] = computer.Name
				}
			}
		}
	}
	return trace.Unprovisioned(s.jobs, s.waits, events, names, d.Now()), nil
}

// messages are those of the jobs that a filter selects, oldest job first: by name of
// the computer, name or ID of the advertisement, ID of the job.
func (d *Desk) messages(ctx context.Context, c caller, f status.Filter) (api.Messages, *failure) {
	out := api.Messages{Messages: []status.Message{}}
	s, failed := d.standing(ctx, c)
	if failed != nil {
		return out, failed
	}
	var newest [][]status.Message // by job, the newest first: behind the limit no other is read
	n := 0
	for _, j := range s.jobs {
		if f.Job != "" && f.Job != j.Job || f.Computer != "" && f.Computer != j.Computer ||
			f.Advertisement != "" && f.Advertisement != j.Advertisement && f.Advertisement != idOf(s.names, j.Advertisement) {
			continue
		}
		some, err := d.Store.Messages(ctx, j.Job)
		if err != nil {
			return out, d.internal("read the messages of a job", err)
		}
		newest = append(newest, some)
		if n += len(some); n >= maxMessages {
			break
		}
	}
	for _, some := range slices.Backward(newest) {
		out.Messages = append(out.Messages, some...)
	}
	out.Messages = out.Messages[max(0, n-maxMessages):]
	return out, nil
}

func idOf(names map[string]string, name string) string {
	for id, n := range names {
		if n == name {
			return id
		}
	}
	return ""
}
