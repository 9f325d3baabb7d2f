package policy

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/osd"
)

// question is one advertisement that a machine of its collection asks for.
type question struct {
	e   *Evaluator
	a   osd.Advertisement
	m   Machine
	h   History
	now time.Time
	d   *Decision
}

// decide offers the advertisement, or says why not.
func (q *question) decide() (*Offer, string) {
	where := cmp.Or(q.m.Where, osd.ToBootMediaAndPXE)
	if !q.a.To(where) {
		return nil, "it is available to " + cmp.Or(strings.Join(q.a.AvailableTo, " and "), osd.ToBootMediaAndPXE) + " only"
	}
	if !q.a.Open(q.now) {
		return nil, q.closed()
	}
	seq := q.e.sequence(q.a.Sequence)
	if seq == nil {
		return nil, "task sequence " + q.a.Sequence + " is not in this box's policy"
	}
	if where == osd.ToRunningClients && seq.Destructive {
		return nil, erasesNothing
	}
	if where == osd.ToBootMediaAndPXE && seq.BootImage == "" {
		return nil, noBootImage(seq.Name)
	}
	if where == osd.ToBootMediaAndPXE && q.e.Agentless(seq.BootImage) {
		return q.agentless(seq)
	}
	if run, ok := q.h.Runs[q.a.ID]; ok && run.Open {
		return nil, "job " + run.Job + " is still running"
	}
	if _, faults := q.e.Listed(seq, q.e.Variables(q.d)); len(faults) > 0 {
		return nil, strings.Join(faults, "; ")
	}
	o := &Offer{Advertisement: q.a, Sequence: *seq, Why: "available in collection " + q.a.Collection}
	if !q.unattended() {
		return q.available(o)
	}
	if offer, why := q.mandatory(o); offer != nil || !q.independent() {
		return offer, why
	}
	return q.available(o)
}

// noBootImage refuses a sequence where a boot image would have to run it.
func noBootImage(sequence string) string {
	return "task sequence " + sequence + " names no boot image: only running clients can run it"
}

func (q *question) closed() string {
	if q.a.Ended(q.now) {
		return "the advertisement expired at " + stamp(q.a.ExpiryTime())
	}
	return "the advertisement starts at " + stamp(q.a.StartTime())
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// unattended says whether the machine may run it without a person: never one
// that the site does not know, or that only its own job made known, nor by
// membership in Unknown Computers.
func (q *question) unattended() bool {
	return q.a.IsMandatory() && !q.d.Stranger() && q.a.Collection != osd.UnknownComputers
}

// available is what a person may choose. After a success it is offered again
// only if the rerun behaviour says so.
func (q *question) available(o *Offer) (*Offer, string) {
	run, ran := q.h.Runs[q.a.ID]
	rerun := cmp.Or(q.a.Rerun, osd.RerunNever)
	if ran && run.Succeeded && rerun != osd.RerunAlways && rerun != osd.RerunIfSucceeded {
		return nil, "the machine has run it before (job " + run.Job + "), and its rerun behaviour is " + string(rerun)
	}
	return o, ""
}

// mandatory is what starts by itself, once for each occurrence of an assignment.
func (q *question) mandatory(o *Offer) (*Offer, string) {
	var due bool
	o.Occurrence, due = q.a.Due(q.now, q.m.Event)
	if !due {
		if next, ok := q.a.Next(q.now); ok {
			return nil, "no mandatory assignment is due yet; the next is at " + stamp(next)
		}
		return nil, "no mandatory assignment is due yet"
	}
	if why := q.ranBefore(o.Occurrence); why != "" {
		return nil, why
	}
	if why := q.e.outsideWindows(q.a, q.d.Collections, q.now); why != "" {
		return nil, why
	}
	o.Mandatory, o.Why = true, "mandatory for collection "+q.a.Collection
	if !o.Sequence.Destructive {
		return o, ""
	}
	if age := q.now.Sub(q.e.s.IssuedAt); age > MaxAge {
		return nil, fmt.Sprintf("the policy of this box is %d days old, and after %d days no disk is erased unasked: connect the box to its site", int(age/day), int(MaxAge/day))
	}
	q.d.Wants = append(q.d.Wants, Want{q.a, q.e.confirmed(q.a)})
	g, why := q.e.grant(q.a.ID, q.d.Computer.ID, o.Sequence.Digest, q.h, q.now)
	if g == nil {
		return nil, why
	}
	o.Grant = g
	return o, ""
}

const day = 24 * time.Hour

// MaxAge is how old a policy may be for a machine to be erased without a person
// who asked for it. Work that destroys nothing, and jobs that are open, go on.
const MaxAge = 45 * day

// ranBefore says why an occurrence does not start the machine again: it ran
// for it, or its rerun behaviour says no.
func (q *question) ranBefore(occurrence time.Time) string {
	run, ok := q.h.Runs[q.a.ID]
	if !ok {
		return ""
	}
	rerun := cmp.Or(q.a.Rerun, osd.RerunNever)
	allowed := rerun == osd.RerunAlways || rerun == osd.RerunIfFailed && !run.Succeeded || rerun == osd.RerunIfSucceeded && run.Succeeded
	switch {
	case !allowed:
		return "the machine has run it before (job " + run.Job + "), and its rerun behaviour is " + string(rerun)
	case !run.Opened.Before(occurrence):
		return "the machine has run it for its assignment (job " + run.Job + "); a mandatory assignment runs once, until its PXE mark is cleared"
	}
	return ""
}

func (e *Evaluator) sequence(name string) *Sequence {
	for i := range e.s.Sequences {
		if e.s.Sequences[i].Name == name {
			return &e.s.Sequences[i]
		}
	}
	return nil
}

// confirmed is how many machines an administrator confirmed for an
// advertisement: the number that he typed, or as many as hold grants, if he
// granted more since.
func (e *Evaluator) confirmed(a osd.Advertisement) int {
	return max(a.ConfirmedMachines, e.holders[a.ID])
}

// grant finds a grant that can be claimed, or says why there is none.
func (e *Evaluator) grant(adv, computer, digest string, h History, now time.Time) (*SignedGrant, string) {
	why := "no grant was issued for it"
	for _, i := range e.grants[computer] {
		g := &e.s.Grants[i]
		if g.Advertisement != adv {
			continue
		}
		switch {
		case g.Sequence != digest:
			why = "its grant is for another version of the task sequence; grant it again at the site"
		case g.StateID != h.StateID:
			why = "its grant is for an earlier state of this box and counts as used; grant it again at the site"
		case h.UsedGrants[g.ID]:
			why = "its grant was used; the machine runs it once"
		case !now.Before(g.ExpiresAt):
			why = "its grant ended at " + stamp(g.ExpiresAt)
		case now.Before(g.IssuedAt.Add(-day)):
			why = "the clock of this box stands before the day the grant was issued"
		default:
			return g, ""
		}
	}
	return nil, why
}
