package site

import (
	"strings"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// checkQuestions refuses to start by itself what somebody must answer first: nobody may be
// there. Questions of sequences that the advertised one runs count as its own.
func (p *plan) checkQuestions() {
	for _, a := range all[*osd.Advertisement](p.world, osd.KindAdvertisement) {
		run := p.world.runs(a.Sequence)
		if run == nil || !a.IsMandatory() {
			continue
		}
		within := p.world.within(a.Sequence)
		about := []osd.Object{a}
		for _, q := range within {
			about = append(about, q)
		}
		names := run.Unanswered()
		if s := p.changes(about...); s != nil && len(names) > 0 {
			asks := p.world.asks(within, names[0])
			p.errs = append(p.errs, s.fault("", "give each of these questions a default, or `optional: true`; or let a person choose: leave mandatory out of "+p.world.named(a),
				"%s starts by itself, and %s asks for %s, where nobody may stand to answer", p.world.named(a), p.world.named(asks), strings.Join(names, ", ")))
		}
	}
}

// asks is the first of some sequences that asks for a variable.
func (w world) asks(within []*sequence.Sequence, variable string) *sequence.Sequence {
	for _, q := range within {
		for _, one := range q.Questions {
			if strings.EqualFold(one.Variable, variable) {
				return q
			}
		}
	}
	return within[0]
}
