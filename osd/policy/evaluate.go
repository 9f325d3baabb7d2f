package policy

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/membership"
)

// History is what the box remembers of the machine and of grants.
type History struct {
	// StateID is the box's own; grants for another count as used.
	StateID string
	// UsedGrants holds the IDs of grants that were claimed.
	UsedGrants map[string]bool
	// Runs are the newest jobs of this computer, by advertisement ID. Jobs that
	// failed before they wrote, and those that were cleared, are not among them.
	Runs map[string]Run
}

// Run is the newest job of a computer for an advertisement.
type Run struct {
	Job       string
	Open      bool // still running
	Succeeded bool
	Opened    time.Time
}

// Offer is an advertisement that the machine may run now.
type Offer struct {
	Advertisement osd.Advertisement
	Sequence      Sequence
	// Agentless offers are a boot image in which no agent of ours runs: a machine
	// boots into it, and nobody claims it.
	Agentless bool
	// Mandatory offers start by themselves; Occurrence is the assignment that
	// came.
	Mandatory  bool
	Occurrence time.Time
	// Grant is the one to claim; nil if the sequence destroys nothing, or if
	// a person at the machine is to grant it.
	Grant *SignedGrant
	Why   string
}

// Refusal is an advertisement that the machine does not get, and why.
type Refusal struct {
	Advertisement string // name
	Why           string
	// Foreign says that the machine is not in the advertisement's collection:
	// it is not to hear of it.
	Foreign bool
}

// Want is a mandatory advertisement that would erase the machine now, whether
// it has a grant or not: what the wipe interlock counts.
type Want struct {
	Advertisement osd.Advertisement
	// Confirmed is the number of machines that an administrator confirmed.
	Confirmed int
}

// Decision is what a machine gets.
type Decision struct {
	// Computer is nil for a machine that the site does not know.
	Computer *osd.Computer
	// Conflict says why the machine cannot be told: then nothing is offered.
	Conflict    string
	Collections membership.Set
	Offers      []Offer
	Refusals    []Refusal
	Wants       []Want
	// Upcoming are the mandatory runs that a running client has before it, the
	// next first.
	Upcoming []Upcoming
	Why      []string
}

// Mandatory is the first offer that starts by itself, or nil.
func (d *Decision) Mandatory() *Offer {
	for i := range d.Offers {
		if d.Offers[i].Mandatory {
			return &d.Offers[i]
		}
	}
	return nil
}

// Evaluate decides what a machine gets from a snapshot at a time, without
// anything that the box learned by itself.
func Evaluate(s *Snapshot, m Machine, h History, now time.Time) Decision {
	return New(s, Local{}).Evaluate(m, h, now)
}

// Evaluate decides what a machine gets at a time. It is pure; every branch
// leaves a reason in words. Offers are ordered: those that start by themselves
// first, then by priority, by the time of the assignment or of the start, the
// earlier first, and by ID.
func (e *Evaluator) Evaluate(m Machine, h History, now time.Time) Decision {
	var d Decision
	d.Computer, d.Conflict = e.Identify(m)
	if d.Conflict != "" {
		d.Why = append(d.Why, d.Conflict)
		return d
	}
	if why := e.admits(&d); why != "" {
		d.Why = append(d.Why, why)
		return d
	}
	d.Collections = e.Collections(d.Computer, m.Facts, now)
	d.Why = append(d.Why, membership.Lines(d.Collections.Warnings)...)
	for _, a := range e.s.Advertisements {
		if !d.Collections.Has(a.Collection) {
			d.Refusals = append(d.Refusals, Refusal{a.Name, "the machine is not in collection " + a.Collection, true})
			continue
		}
		q := question{e: e, a: a, m: m, h: h, now: now, d: &d}
		if offer, why := q.decide(); offer == nil {
			d.Refusals = append(d.Refusals, Refusal{a.Name, why, false})
		} else {
			d.Offers = append(d.Offers, *offer)
		}
		if u, ok := q.upcoming(); ok {
			d.Upcoming = append(d.Upcoming, u)
		}
	}
	byTime(d.Upcoming)
	slices.SortStableFunc(d.Offers, inOrder)
	return d
}

// admits says why the box has nothing for such a machine, or notes who it is.
func (e *Evaluator) admits(d *Decision) (refusal string) {
	switch {
	case d.Computer != nil:
		d.Why = append(d.Why, "the machine is computer "+d.Computer.Name)
		if d.Computer.Provisional {
			d.Why = append(d.Why, "it became known by its own job, which has not succeeded yet")
		}
	case e.s.Box.Protected:
		return "the machine is not known, and this box answers computers inside its boundaries only"
	case !e.s.Box.PXE.UnknownComputers:
		return "the machine is not known, and unknown computer support is off at this box"
	default:
		d.Why = append(d.Why, "the machine is not known; unknown computer support is on at this box")
	}
	return ""
}

func inOrder(a, b Offer) int {
	return cmp.Or(
		-compareBool(a.Mandatory, b.Mandatory),
		cmp.Compare(rank(a.Advertisement.Priority), rank(b.Advertisement.Priority)),
		a.when().Compare(b.when()),
		strings.Compare(a.Advertisement.ID, b.Advertisement.ID),
	)
}

func (o Offer) when() time.Time {
	if o.Mandatory {
		return o.Occurrence
	}
	return o.Advertisement.StartTime()
}

func rank(p osd.Priority) int {
	switch p {
	case osd.PriorityHigh:
		return 0
	case osd.PriorityLow:
		return 2
	}
	return 1
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
