package site

import (
	"slices"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// Sequences that run others (Run Task Sequence). Machines get one document: the steps of the
// inner sequences stand in it. Whoever asks what a sequence does, needs or erases asks for it as
// it runs.

// runs gives a sequence as it runs; nil if there is none of that name, or if it cannot run.
func (w world) runs(name string) *sequence.Sequence {
	q := w.sequence(name)
	if q == nil {
		return nil
	}
	out, err := w.inlined(q)
	if err != nil {
		return nil // checkNested and incomplete say why
	}
	return out
}

// inlined puts the steps of the sequences that q runs into it; q itself if it runs none.
func (w world) inlined(q *sequence.Sequence) (*sequence.Sequence, error) {
	if len(innerOf(q)) == 0 {
		return q, nil
	}
	return sequence.Inline(q, w.namedSequence)
}

// namedSequence finds a sequence as references do: by its name alone.
func (w world) namedSequence(name string) *sequence.Sequence {
	q, _ := w.kinds[osd.KindTaskSequence][name].(*sequence.Sequence)
	return q
}

// innerOf are the names of the sequences that q itself runs.
func innerOf(q *sequence.Sequence) []string {
	var names []string
	for _, r := range q.References() {
		if r.Kind == osd.KindTaskSequence {
			names = append(names, r.Name)
		}
	}
	return names
}

// runsIn says whether the sequence of a name is q, or runs it, also by way of others.
func (w world) runsIn(name string, q *sequence.Sequence) bool {
	return slices.Contains(w.within(name), q)
}

// within is the sequence of a name and all that it runs, each once, also if they run in circles.
func (w world) within(name string) []*sequence.Sequence {
	var found []*sequence.Sequence
	if q := w.sequence(name); q != nil {
		found = append(found, q)
	}
	for i := 0; i < len(found); i++ {
		for _, n := range innerOf(found[i]) {
			if q := w.namedSequence(n); q != nil && !slices.Contains(found, q) {
				found = append(found, q)
			}
		}
	}
	return found
}

// secretsOf are the names of the secrets that a sequence and all that it runs use.
func (w world) secretsOf(q *sequence.Sequence) []string {
	names := q.SecretNames()
	for _, inner := range w.within(q.Name) {
		names = append(names, inner.SecretNames()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkNested refuses a change after which a sequence could not run: the one that changed, or one
// that runs it. References were looked at before.
func (p *plan) checkNested() {
	for _, s := range p.steps {
		q, ok := s.Object.(*sequence.Sequence)
		if !ok || s.action == actionUnchanged {
			continue
		}
		for _, outer := range all[*sequence.Sequence](p.world, osd.KindTaskSequence) {
			if !p.world.runsIn(outer.Name, q) || p.lacksReference(outer) {
				continue
			}
			if _, err := p.world.inlined(outer); err != nil {
				p.errs = append(p.errs, s.fault("steps", "take the step that closes the circle, is too much, or brings the other question, out of one of them", "%s", p.world.tellNested(outer, err)))
				break
			}
		}
	}
}

// lacksReference says whether a sequence, or one that it runs, names a sequence that is not there.
func (p *plan) lacksReference(outer *sequence.Sequence) bool {
	for _, q := range p.world.within(outer.Name) {
		if slices.ContainsFunc(innerOf(q), func(n string) bool { return p.world.namedSequence(n) == nil }) {
			return true
		}
	}
	return false
}

// tellNested tells why a sequence cannot run, without the names of those that the viewer may not
// see.
func (w world) tellNested(outer *sequence.Sequence, err error) string {
	for _, q := range w.within(outer.Name) {
		if !w.can(osd.See, q) {
			return "a task sequence that you may not see could not run any more: it would run itself, be too large, or ask twice for one variable"
		}
	}
	return err.Error()
}
