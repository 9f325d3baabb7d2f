package site

import (
	"strings"

	"github.com/bootward/bootward/osd"
)

// checkQuestions refuses to start by itself what somebody must answer first: nobody may be
// there.
func (p *plan) checkQuestions() {
	for _, a := range all[*osd.Advertisement](p.world, osd.KindAdvertisement) {
		q := p.world.sequence(a.Sequence)
		if q == nil || !a.IsMandatory() {
			continue
		}
		names := q.Unanswered()
		if s := p.changes(a, q); s != nil && len(names) > 0 {
			p.errs = append(p.errs, s.fault("", "give each of these questions a default, or `optional: true`; or let a person choose: leave mandatory out of "+p.world.named(a),
				"%s starts by itself, and %s asks for %s, where nobody may stand to answer", p.world.named(a), p.world.named(q), strings.Join(names, ", ")))
		}
	}
}
