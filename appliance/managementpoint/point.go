// Package managementpoint is what agents speak to: it says what a machine may
// run, opens jobs, hands out the job document, takes status messages and lets
// jobs fetch their content, over TLS 1.3.
//
// Every route is closed unless the table in routes.go opens it, to nobody in
// particular or to a job with its certificate. MACs, GUID and serial number
// are labels, no proof: the first key that claims is bound to the job, its
// hardware identity is pinned, and a second claimant stops both. A destructive
// job needs a grant that was never used, or a person at the machine. Where labels
// are not enough, a claim waits until a person has compared its code; what waits
// for a person is hidden behind the PXE password, if one is set.
//
// Routes and types: api/agent.go. Errors: RFC 9457.
package managementpoint

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/internal/recent"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
)

// Self is who the box is.
type Self struct {
	Box, BoxName, Site string
	Anchor             *trust.Anchor
	Authority          *trust.Authority // signs job certificates
}

// Point is the management point. Its fields are set before use and not
// changed after; functions are called by several goroutines at once.
type Point struct {
	Store *store.Store
	// Called is told of each question of an agent in a boot image; may be nil.
	Called func(mac string)
	// Alarm raises an alarm about a machine that a person at the box sees; when
	// it is nil, alarms are recorded only.
	Alarm func(mac, job, text string)
	// News is called when the site should be told at once: the box has stopped or
	// goes on, a machine began to wait for approval or was decided on. It may be nil.
	News func()
	// Self is nil before the box is enrolled.
	Self func() *Self
	// Policy is the snapshot in force, nil before there is one.
	Policy func() *policy.Snapshot
	// Complete says whether a version of content is here, whole.
	Complete func(digest string) bool
	Content  Content
	// Logs keeps the logs of jobs; nil: none is kept.
	Logs Logs
	// LineUp says whether the site answers now; nil: never.
	LineUp func() bool
	// Unseal opens a value that the site sealed to this box.
	Unseal func(policy.Sealed) ([]byte, error)
	// Wake calls computers, by ID, that an order names; nil: nothing is sent.
	Wake    func(ctx context.Context, computers []string)
	Now     func() time.Time
	Version string
	Log     *slog.Logger

	claims     sync.Mutex                   // one claim is judged at a time
	replaced   recent.Map[string, struct{}] // keys of claims that others replaced; under claims
	challenges challenges                   // under claims
	passwords  passwords
	mu         sync.Mutex
	progress   map[string]status.Progress
	moved      supervisor.Signal
	limits     limiter
	logsOnce   sync.Once
	logs       *rate.Limiter
	prepared   prepared
}

// Verdict is what a machine may run now, and what this box knows of it.
type Verdict struct {
	policy.Decision
	// Machine is the key under which the box remembers the machine.
	Machine string
	// Labels are keys under which it may have had jobs before it was known.
	Labels []string
	// Open is its open job, nil if it has none.
	Open *store.Job
	// Superseded says that an administrator granted the open job's run again
	// since: the machine may claim anew.
	Superseded bool
}

// Decide says what a machine may run now. Offers whose content is not whole at
// this box are left out, with the reason among the refusals.
func (p *Point) Decide(ctx context.Context, m policy.Machine) (Verdict, error) {
	e, err := p.evaluator(ctx)
	if err != nil {
		return Verdict{}, err
	}
	if e == nil {
		return Verdict{Decision: policy.Decision{Why: []string{"the box has no policy yet"}}}, nil
	}
	s, now := e.Snapshot(), p.Now()
	computer, conflict := e.Identify(m)
	v := Verdict{Machine: machineKey(computer, m, &s.Settings), Labels: labelKeys(computer, m, &s.Settings)}
	if conflict != "" { // it gets nothing, but may be the second claimant of a job
		for _, c := range e.Fitting(m) {
			v.Labels = append(v.Labels, machineKey(c, m, &s.Settings))
		}
	}
	if v.Machine == "" {
		v.Why = []string{"nothing that the machine shows is its own: its addresses are of docks or dongles that go from machine to machine"}
		return v, nil
	}
	h, err := p.history(ctx, e, computer, &v)
	if err != nil {
		return Verdict{}, err
	}
	v.Decision = e.Evaluate(m, h, now)
	if v.Open != nil && !v.Superseded && len(v.Offers) > 0 {
		v.Offers = nil
		v.Why = append(v.Why, "job "+v.Open.ID+" is still running; a machine has one job at a time")
	}
	p.dropIncomplete(e, &v.Decision)
	return v, nil
}

// history is what the box knows of the runs of a machine, whose open job goes into
// the verdict.
func (p *Point) history(ctx context.Context, e *policy.Evaluator, c *osd.Computer, v *Verdict) (policy.History, error) {
	h := policy.History{StateID: p.Store.StateID(), Runs: map[string]policy.Run{}}
	var ids []string
	for _, g := range e.Grants(c) {
		ids = append(ids, g.ID)
	}
	var err error
	if h.UsedGrants, err = p.Store.UsedAmong(ctx, ids); err != nil {
		return h, err
	}
	jobs, err := p.Store.JobsOf(ctx, v.Machine, v.Labels...)
	for _, j := range jobs {
		again := grantedAgain(e.Snapshot(), c, j, h)
		if j.State == store.JobOpen {
			v.Open, v.Superseded = &j, again
		}
		if again || j.Cleared || returned(j) {
			delete(h.Runs, j.Document.Advertisement)
			continue
		}
		h.Runs[j.Document.Advertisement] = policy.Run{Job: j.ID, Open: j.State == store.JobOpen, Succeeded: j.State == store.JobSucceeded, Opened: j.Opened}
	}
	return h, err
}

// returned says whether a job ended before its first write to a disk, so that it
// does not count as a run. One that a second machine claimed counts.
func returned(j store.Job) bool {
	failed := j.State == store.JobFailed || j.State == store.JobAbandoned
	return failed && j.Document.Sequence.Destructive && j.Erased.IsZero()
}

// grantedAgain says whether an administrator issued a new grant for the run
// of a job of a computer after it was opened: that overrides the rerun behaviour.
// Grants carry whole seconds.
func grantedAgain(s *policy.Snapshot, c *osd.Computer, j store.Job, h policy.History) bool {
	return c != nil && slices.ContainsFunc(s.Grants, func(g policy.SignedGrant) bool {
		return g.Advertisement == j.Document.Advertisement && g.Computer == c.ID &&
			g.StateID == h.StateID && !h.UsedGrants[g.ID] && !g.IssuedAt.Before(j.Opened.Truncate(time.Second))
	})
}

// Progress returns how far each open job's running step is.
func (p *Point) Progress() map[string]status.Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[string]status.Progress, len(p.progress))
	for k, v := range p.progress {
		all[k] = v
	}
	return all
}

// Moved returns a channel that is closed when Progress changes.
func (p *Point) Moved() <-chan struct{} { return p.moved.Changed() }

func (p *Point) setProgress(job string, g *status.Progress) {
	defer p.moved.Notify()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.progress == nil {
		p.progress = map[string]status.Progress{}
	}
	if g == nil {
		delete(p.progress, job)
		return
	}
	g.Job = job
	p.progress[job] = *g
}
