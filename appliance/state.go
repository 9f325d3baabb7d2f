package appliance

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/serialconsole"
	"github.com/bootward/bootward/internal/supervisor"
)

// Facts are what readiness depends on.
type Facts struct {
	Enrolled bool
	Policy   bool
	Complete bool   // all content of the policy is there and verified
	Problem  string // of the content
	PXE      bool   // some interface is to answer PXE
	Answers  bool   // and one does, from an address of its own
	HTTPS    bool
}

// Readiness says whether the box can deploy a machine now, or what is lacking.
func Readiness(f Facts) (ready bool, lacking string) {
	switch {
	case !f.Enrolled:
		return false, "the box is not enrolled"
	case !f.Policy:
		return false, "there is no policy yet"
	case !f.Complete && f.Problem != "":
		return false, "content is not complete: " + f.Problem
	case !f.Complete:
		return false, "content is not complete"
	case f.PXE && !f.Answers:
		return false, "the PXE service does not answer yet"
	case !f.HTTPS:
		return false, "the management point does not answer yet"
	}
	return true, ""
}

func (b *Box) facts() Facts {
	sync := b.sync.State()
	f := Facts{Enrolled: b.link.Identity() != nil, Policy: b.link.Policy() != nil, Complete: sync.Complete}
	if sync.Err != nil {
		f.Problem = sync.Err.Error()
	}
	for _, n := range b.o.Config.Interfaces {
		f.PXE = f.PXE || n.PXE != PXEOff
	}
	b.mu.Lock()
	for name, on := range b.answering {
		f.Answers = f.Answers || on && b.watch.Source(name)().IsValid()
	}
	b.mu.Unlock()
	for _, s := range b.super.States() {
		f.HTTPS = f.HTTPS || s.Name == "https" && s.Phase == supervisor.Running
	}
	return f
}

// consoleState gathers what the console shows.
func (b *Box) consoleState(ctx context.Context) serialconsole.State {
	s := serialconsole.State{Version: b.o.Version, Addresses: b.addresses(true), Keyboard: b.keys != nil}
	s.Ready, s.NotReady = Readiness(b.facts())
	b.ready.Store(s.Ready)
	if id := b.link.Identity(); id != nil {
		s.Box, s.Site = cmp.Or(id.BoxName, id.Box), id.Site
	}
	if p := b.link.Policy(); p != nil {
		now := b.link.Now()
		s.Policy = fmt.Sprintf("%d.%d", p.Snapshot.Epoch, p.Snapshot.Number)
		s.PolicyAge = now.Sub(p.Snapshot.IssuedAt)
		s.Stale = !p.Snapshot.SoftExpiry.IsZero() && now.After(p.Snapshot.SoftExpiry)
	}
	if b.o.Config.Site == nil {
		s.Line = "no site is configured"
	} else if heard, err := b.link.Line(); err != nil {
		s.Line = err.Error()
		if !heard.IsZero() {
			s.Line = "since " + heard.UTC().Format(time.DateTime) + ": " + s.Line
		}
	}
	for _, st := range b.super.States() {
		if st.Phase != supervisor.Waiting && st.Phase != supervisor.Failed {
			continue
		}
		s.Services = append(s.Services, serialconsole.Service{Name: st.Name, State: string(st.Phase), Why: st.Err.Error()})
	}
	s.Content = contentState(b)
	s.Segments = b.tested().Brief()
	b.jobState(ctx, &s)
	return s
}

func contentState(b *Box) serialconsole.Content {
	c := b.sync.State()
	out := serialconsole.Content{Wanted: c.Wanted, Held: c.Held, Complete: c.Complete && b.link.Policy() != nil, Fetching: c.Fetching, Rate: c.Rate, Left: c.Left}
	if c.Err != nil {
		out.Problem = c.Err.Error()
	}
	return out
}

// haltedFor is how long a halted job is shown.
const haltedFor = 7 * 24 * time.Hour

func (b *Box) jobState(ctx context.Context, s *serialconsole.State) {
	jobs, err := b.store.OpenJobs(ctx)
	halted, err2 := b.store.HaltedJobs(ctx, b.link.Now().Add(-haltedFor))
	waiting, err3 := b.store.Waiting(ctx)
	if err := cmp.Or(err, err2, err3); err != nil && ctx.Err() == nil {
		s.Alarms = append(s.Alarms, "the database cannot be read: "+err.Error())
	}
	s.Waiting = waiting
	b.pendingState(ctx, s)
	progress := b.point.Progress()
	for _, j := range jobs {
		line := serialconsole.Job{Computer: j.Name, Sequence: j.Sequence, Percent: -1}
		if g, ok := progress[j.ID]; ok {
			line.Step, line.Action = g.Step, g.Action
			if g.Total > 0 {
				line.Percent = int(min(g.Done*100/g.Total, 100))
			}
		}
		s.Jobs = append(s.Jobs, line)
	}
	if stopped, err := b.point.Stopped(ctx); err == nil && stopped != "" {
		s.Alarms = append(s.Alarms, "STOPPED: no machine is erased: "+stopped+". Look at it, then sign in here and type resume, or at the site: bootward box resume "+s.Box)
	}
	for _, j := range halted {
		s.Alarms = append(s.Alarms, j.Reason)
	}
	alarms := b.flight.recent()
	slices.Sort(alarms)
	s.Alarms = append(s.Alarms, alarms...)
}

// pendingState shows the machines on which nobody has decided.
func (b *Box) pendingState(ctx context.Context, s *serialconsole.State) {
	all, err := b.point.Pending(ctx)
	if err != nil && ctx.Err() == nil {
		s.Alarms = append(s.Alarms, "the machines that wait for approval cannot be read: "+err.Error())
	}
	for _, p := range all {
		if p.Decision == "" {
			s.Pending = append(s.Pending, serialconsole.Pending{Code: p.Code, Computer: p.Computer, MAC: p.Identity.MACs[0], Advertisement: p.Advertisement, Erases: p.Destructive, Why: p.Why})
		}
	}
}

// addresses lists the IPv4 addresses of the box, with their interfaces if they
// are for people.
func (b *Box) addresses(people bool) []string {
	n := b.watch.State()
	var all []string
	for _, l := range n.Links {
		if l.Loop {
			continue
		}
		for _, a := range n.Addresses {
			if a.Link != l.Index || !a.Prefix.Addr().Is4() {
				continue
			}
			if people {
				all = append(all, l.Name+" "+a.Prefix.String())
			} else {
				all = append(all, a.Prefix.Addr().String())
			}
		}
	}
	return all
}

// checkIn is what the site is told.
func (b *Box) checkIn() api.CheckIn {
	sync := b.sync.State()
	ready, lacking := Readiness(b.facts())
	c := api.CheckIn{Addresses: b.addresses(false), Ready: sync.Complete && b.link.Policy() != nil, HeldBytes: sync.Held, MissingBytes: sync.Wanted - sync.Held}
	c.Complete = b.completeContent()
	c.Copied = b.copied(c.Complete)
	c.SelfTest = b.tested()
	// The site hears of it again at the next check-in, should reading fail.
	c.Stopped, _ = b.point.Stopped(context.Background())
	c.Pending, _ = b.point.Pending(context.Background())
	if free, err := b.dir.FreeBytes(); err == nil {
		c.FreeBytes = free
	}
	if sync.Err != nil {
		c.Error = sync.Err.Error()
	} else if !ready {
		c.Error = lacking
	}
	return c
}

// completeContent lists the content of the policy that is here, whole.
func (b *Box) completeContent() []string {
	s := b.snapshot()
	if s == nil {
		return nil
	}
	var all []string
	add := func(manifest string) {
		if manifest != "" && b.library.Complete(manifest) {
			all = append(all, manifest)
		}
	}
	for _, p := range s.Packages {
		add(p.Manifest)
	}
	for _, i := range s.Images {
		add(i.Manifest)
	}
	for _, i := range s.BootImages {
		add(i.Manifest)
	}
	return all
}

// copied says when each version became whole.
func (b *Box) copied(complete []string) map[string]time.Time {
	all := map[string]time.Time{}
	for _, manifest := range complete {
		if at, ok := b.dir.Copied(manifest); ok {
			all[manifest] = at.UTC().Truncate(time.Second)
		}
	}
	return all
}
