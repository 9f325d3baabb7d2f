package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/osd"
)

// Machine is how a machine names itself: labels, not proof.
type Machine struct {
	MACs       []string // any notation
	SMBIOSGUID string   // any notation, or empty
}

// History is what the box remembers of the machine and of grants.
type History struct {
	// StateID is the box's own; grants for another count as used.
	StateID string
	// UsedGrants holds the IDs of grants that were claimed.
	UsedGrants map[string]bool
	// Runs are the ended or running jobs of this computer, by advertisement ID.
	Runs map[string]Run
}

// Run is the newest job of a computer for an advertisement.
type Run struct {
	Job       string
	Open      bool // still running
	Succeeded bool
}

// Offer is an advertisement that the machine may run now.
type Offer struct {
	Advertisement osd.Advertisement
	Sequence      Sequence
	// Mandatory offers start by themselves.
	Mandatory bool
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

// Decision is what a machine gets.
type Decision struct {
	// Computer is nil for a machine that the site does not know.
	Computer *osd.Computer
	// Conflict says why the machine cannot be told: then nothing is offered.
	Conflict string
	Offers   []Offer
	Refusals []Refusal
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

// Evaluate decides what a machine gets from a snapshot at a time. It is pure;
// every branch leaves a reason in words.
func Evaluate(s *Snapshot, m Machine, h History, now time.Time) Decision {
	var d Decision
	d.Computer, d.Conflict = s.identify(m)
	if d.Conflict != "" {
		d.Why = append(d.Why, d.Conflict)
		return d
	}
	if d.Computer == nil {
		if !s.Box.PXE.UnknownComputers {
			d.Why = append(d.Why, "the machine is not known, and unknown computer support is off at this box")
			return d
		}
		d.Why = append(d.Why, "the machine is not known; unknown computer support is on at this box")
	} else {
		d.Why = append(d.Why, "the machine is computer "+d.Computer.Name)
	}
	for i := range s.Advertisements {
		a := s.Advertisements[i]
		if !s.inCollection(a.Collection, d.Computer) {
			d.Refusals = append(d.Refusals, Refusal{a.Name, "the machine is not in collection " + a.Collection, true})
			continue
		}
		offer, why := s.offer(a, d.Computer, h, now)
		if offer == nil {
			d.Refusals = append(d.Refusals, Refusal{a.Name, why, false})
			continue
		}
		d.Offers = append(d.Offers, *offer)
	}
	slices.SortStableFunc(d.Offers, func(a, b Offer) int { return strings.Compare(a.Advertisement.ID, b.Advertisement.ID) })
	return d
}

// identify finds the computer by GUID and by MAC. Labels that point to
// different computers are a conflict: the machine then gets nothing.
func (s *Snapshot) identify(m Machine) (*osd.Computer, string) {
	guid, _ := osd.NormalizeGUID(m.SMBIOSGUID)
	var macs []string
	for _, a := range m.MACs {
		if n, err := osd.NormalizeMAC(a); err == nil {
			macs = append(macs, n)
		}
	}
	var found *osd.Computer
	for i := range s.Computers {
		c := &s.Computers[i]
		if !matches(c, guid, macs) {
			continue
		}
		if found != nil {
			return nil, fmt.Sprintf("the labels of the machine fit computer %s and computer %s; correct one of them at the site", found.Name, c.Name)
		}
		found = c
	}
	if found == nil {
		return nil, ""
	}
	if own, _ := osd.NormalizeGUID(found.SMBIOSGUID); own != "" && guid != "" && own != guid {
		return nil, fmt.Sprintf("a MAC fits computer %s, but its SMBIOS GUID is %s and the machine says %s", found.Name, own, guid)
	}
	return found, ""
}

func matches(c *osd.Computer, guid string, macs []string) bool {
	if own, err := osd.NormalizeGUID(c.SMBIOSGUID); err == nil && own == guid {
		return true
	}
	for _, a := range c.MACs {
		if n, err := osd.NormalizeMAC(a); err == nil && slices.Contains(macs, n) {
			return true
		}
	}
	return false
}

func (s *Snapshot) offer(a osd.Advertisement, c *osd.Computer, h History, now time.Time) (*Offer, string) {
	if !a.Open(now) {
		return nil, "the advertisement is not open at " + now.UTC().Format(time.RFC3339)
	}
	seq := s.sequence(a.Sequence)
	if seq == nil {
		return nil, "task sequence " + a.Sequence + " is not in this box's policy"
	}
	o := &Offer{Advertisement: a, Sequence: *seq, Mandatory: a.Due(now) && c != nil, Why: "available in collection " + a.Collection}
	if run, ok := h.Runs[a.ID]; ok {
		if why := rerunRefusal(a, run); why != "" {
			return nil, why
		}
	}
	if !o.Mandatory {
		if a.IsMandatory() && c != nil {
			return nil, "no mandatory assignment is due yet"
		}
		return o, ""
	}
	o.Why = "mandatory for collection " + a.Collection
	if !seq.Destructive {
		return o, ""
	}
	if age := now.Sub(s.IssuedAt); age > MaxAge {
		return nil, fmt.Sprintf("the policy of this box is %d days old, and after %d days no disk is erased unasked: connect the box to its site", int(age/day), int(MaxAge/day))
	}
	g, why := s.grant(a.ID, c.ID, seq.Digest, h, now)
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

func rerunRefusal(a osd.Advertisement, r Run) string {
	rerun := cmp.Or(a.Rerun, osd.RerunNever)
	switch {
	case r.Open:
		return "job " + r.Job + " is still running"
	case rerun == osd.RerunAlways,
		rerun == osd.RerunIfFailed && !r.Succeeded,
		rerun == osd.RerunIfSucceeded && r.Succeeded:
		return ""
	}
	return "the machine has run it before (job " + r.Job + "), and its rerun behaviour is " + string(rerun)
}

func (s *Snapshot) inCollection(name string, c *osd.Computer) bool {
	for i := range s.Collections {
		if s.Collections[i].Name == name {
			return s.Collections[i].Holds(c)
		}
	}
	builtIn := osd.Collection{Meta: osd.Meta{Name: name}}
	return builtIn.BuiltIn() && builtIn.Holds(c)
}

func (s *Snapshot) sequence(name string) *Sequence {
	for i := range s.Sequences {
		if s.Sequences[i].Name == name {
			return &s.Sequences[i]
		}
	}
	return nil
}

// grant finds a grant that can be claimed, or says why there is none.
func (s *Snapshot) grant(adv, computer, digest string, h History, now time.Time) (*SignedGrant, string) {
	why := "no grant was issued for it"
	for i := range s.Grants {
		g := &s.Grants[i]
		if g.Advertisement != adv || g.Computer != computer {
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
			why = "its grant ended at " + g.ExpiresAt.UTC().Format(time.RFC3339)
		case now.Before(g.IssuedAt.Add(-24 * time.Hour)):
			why = "the clock of this box stands before the day the grant was issued"
		default:
			return g, ""
		}
	}
	return nil, why
}
