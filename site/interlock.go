package site

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/site/store"
)

// The wipe interlock: a mandatory advertisement of a destructive sequence is
// taken only with the number of machines that it will erase, and each of them
// gets a grant of its own, for one box, one version and one run.

// needsGrants says whether machines run the advertisement unasked and lose
// their disk.
func needsGrants(a *osd.Advertisement, s *sequence.Sequence) bool {
	return a.IsMandatory() && s != nil && s.Destructive()
}

// wish is a grant that is to be issued.
type wish struct {
	computer      *osd.Computer
	box           *osd.Box
	advertisement *osd.Advertisement
	digest        string
}

// interlock checks every advertisement of the plan and returns the grants
// that it asks for. had are the grants that were ever issued.
func (p *plan) interlock(had []store.Grant, now time.Time) ([]wish, error) {
	var wishes []wish
	refused := 0
	for _, s := range p.steps {
		a, ok := s.Object.(*osd.Advertisement)
		if !ok {
			p.noteStale(s, had)
			continue
		}
		seq := p.world.runs(a.Sequence)
		c := p.world.collection(a.Collection)
		if seq == nil || c == nil {
			continue // an error that stands in errs
		}
		for _, m := range p.world.incomplete(seq) {
			s.note("task sequence %q cannot run yet: %s", seq.Name, m)
		}
		if !needsGrants(a, seq) {
			continue
		}
		before := len(p.errs)
		p.confirm(s, a, c)
		d, err := digest(seq)
		if err != nil {
			return nil, err
		}
		if len(p.errs) == before && !closed(s, a, now) {
			wishes = append(wishes, p.wishes(s, a, c, d, had)...)
		}
		refused += len(p.errs) - before
	}
	p.refused = refused > 0 && refused == len(p.errs)
	return wishes, nil
}

func closed(s *step, a *osd.Advertisement, now time.Time) bool {
	if !a.Ended(now) {
		return false
	}
	s.note("it ended at %s: no grant is issued", a.ExpiryTime().UTC().Format(time.RFC3339))
	return true
}

// confirm holds the number of machines against the one that was confirmed. For
// the collections of every machine there is, the number in the document is not
// enough: a person types it with the call.
func (p *plan) confirm(s *step, a *osd.Advertisement, c *osd.Collection) {
	n := len(p.world.members(c))
	if c.Name == osd.UnknownComputers {
		n = a.ConfirmedMachines
		s.note("machines that the site does not know never start by themselves: a person at the machine must choose it")
	}
	if n != a.ConfirmedMachines || n == 0 && c.Name == osd.UnknownComputers {
		remedy := fmt.Sprintf("look at them with `bootward collection members %q`, then write confirmedMachines: %d", c.Name, n)
		if c.Name == osd.UnknownComputers {
			remedy = "it is every machine that the site does not know: write the number that you expect as confirmedMachines, or leave `mandatory` out"
		}
		p.errs = append(p.errs, s.fault("confirmedMachines", remedy,
			"collection %q holds %d machines that %q would erase, and %d are confirmed", c.Name, n, a.Sequence, a.ConfirmedMachines))
		return
	}
	if c.BuiltIn() && s.action != actionUnchanged && (p.typed == nil || *p.typed != n) {
		p.errs = append(p.errs, s.fault("collection", fmt.Sprintf("if that is meant, apply it again with --machines %d", n),
			"this would erase %d machines, as many as %s may hold: the number must be typed", n, c.Name))
	}
}

// wishes lists the computers that never had a grant of this advertisement.
func (p *plan) wishes(s *step, a *osd.Advertisement, c *osd.Collection, digest string, had []store.Grant) []wish {
	var out []wish
	var stale []string
	for _, m := range p.world.members(c) {
		same, other := hadGrant(had, a.ID, m.ID, digest)
		switch {
		case same:
		case other:
			stale = append(stale, m.Name)
		default:
			b, err := p.world.boxFor(m)
			if err != nil {
				p.errs = append(p.errs, s.fault("collection", "then apply again", "no grant can be issued: %v", err))
				continue
			}
			out = append(out, wish{m, b, a, digest})
		}
	}
	if len(out) > 0 {
		s.note("grants: %d machines may be erased once: %s", len(out), machineNames(out))
	}
	if len(stale) > 0 {
		s.note("the task sequence has changed since grants were issued for %s: issue them anew with: bootward advertisement grant %q --machines %d",
			strings.Join(stale, ", "), a.Name, len(p.world.members(c)))
	}
	return out
}

func machineNames(wishes []wish) string {
	var out []string
	for _, w := range wishes {
		out = append(out, w.computer.Name)
	}
	return strings.Join(out, ", ")
}

// hadGrant says whether a computer has, or had, a grant for the version, and
// for another version. Objects without an ID are new and had none.
func hadGrant(had []store.Grant, advertisement, computer, digest string) (same, other bool) {
	for _, g := range had {
		if advertisement == "" || computer == "" || g.Advertisement != advertisement || g.Computer != computer {
			continue
		}
		if g.Sequence == digest {
			same = true
		} else {
			other = true
		}
	}
	return same, other
}

// noteStale tells which advertisements lose their grants by a changed
// sequence, and which do not cover a changed collection.
func (p *plan) noteStale(s *step, had []store.Grant) {
	if s.was == nil || s.action == actionUnchanged {
		return
	}
	if c, ok := s.Object.(*osd.Computer); ok && relabelled(c, s.was.(*osd.Computer)) &&
		slices.ContainsFunc(had, func(g store.Grant) bool { return g.Computer == c.ID }) {
		s.note("its grants name the earlier addresses, and the machine will refuse them: issue them anew with `bootward advertisement grant`")
	}
	switch s.Object.(type) {
	case *osd.Collection, *sequence.Sequence:
	default:
		return
	}
	for _, a := range all[*osd.Advertisement](p.world, osd.KindAdvertisement) {
		seq, c := p.world.runs(a.Sequence), p.world.collection(a.Collection)
		if !needsGrants(a, seq) || c == nil || !p.world.can(osd.See, a) {
			continue
		}
		n := len(p.world.members(c))
		switch {
		case p.changesVersion(s, a) && anyGrant(had, a.ID):
			s.note("the grants of advertisement %q are for the earlier version: issue them anew with: bootward advertisement grant %q --machines %d", a.Name, a.Name, n)
		case s.Object == c && n != a.ConfirmedMachines:
			s.note("advertisement %q is confirmed for %d machines, the collection now holds %d: machines without a grant are not touched", a.Name, a.ConfirmedMachines, n)
		}
	}
}

// relabelled says whether a computer got other addresses or another GUID.
func relabelled(a, b *osd.Computer) bool {
	macsA, guidA := labels(a)
	macsB, guidB := labels(b)
	return guidA != guidB || !slices.Equal(macsA, macsB)
}

// changesVersion says whether a step makes another version of the sequence of an advertisement:
// of that sequence, or of one that it runs.
func (p *plan) changesVersion(s *step, a *osd.Advertisement) bool {
	now, ok := s.Object.(*sequence.Sequence)
	if !ok || !p.world.runsIn(a.Sequence, now) {
		return false
	}
	x, errX := digest(s.was.(*sequence.Sequence))
	y, errY := digest(now)
	return errX != nil || errY != nil || x != y
}

func anyGrant(had []store.Grant, advertisement string) bool {
	for _, g := range had {
		if g.Advertisement == advertisement {
			return true
		}
	}
	return false
}
