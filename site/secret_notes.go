package site

import (
	"strings"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/site/store"
)

// noteSecrets tells of secrets without a value, and of those that machines get
// which nobody approved.
func (p *plan) noteSecrets(kept []store.Secret) {
	for _, s := range p.steps {
		switch o := s.Object.(type) {
		case *sequence.Sequence:
			p.noteValues(s, o, kept)
			notePlain(s, o)
			p.noteStarved(s, o)
		case *osd.Advertisement:
			if seq := p.world.runs(o.Sequence); seq != nil {
				p.noteValues(s, seq, kept)
				noteWithoutApproval(s, o, seq)
				if starves(o, seq) {
					p.errs = append(p.errs, s.fault("approval", "leave it out, so that a code is compared; or, where grants are issued, say secretsWithoutApproval: true",
						"task sequence %q uses secrets, and a machine that nobody approved gets none: it would fail in the middle", seq.Name))
				}
			}
		}
	}
}

func (p *plan) noteValues(s *step, seq *sequence.Sequence, kept []store.Secret) {
	for _, name := range seq.SecretNames() {
		o := p.world.kinds[osd.KindSecret][name]
		if o == nil {
			continue // an error that stands in errs
		}
		has := false
		for _, k := range kept {
			has = has || k.Kind == policy.SealedSecret && k.Object == meta(o).ID
		}
		if !has {
			s.note("secret %q of task sequence %q has no value yet, and boxes do not offer the sequence: bootward secret set %q", name, seq.Name, name)
		}
	}
}

func noteWithoutApproval(s *step, a *osd.Advertisement, seq *sequence.Sequence) {
	names := seq.SecretNames()
	switch {
	case !a.SecretsWithoutApproval:
	case len(names) == 0:
		s.note("secretsWithoutApproval does nothing: task sequence %q uses no secrets", seq.Name)
	case !needsGrants(a, seq):
		s.note("secretsWithoutApproval does nothing: it stands in grants, and only mandatory advertisements of sequences that erase disks have them")
	default:
		s.note("WARNING: whoever shows the labels of one of these machines gets the secrets %s, and nobody compares a code", strings.Join(names, ", "))
	}
}

// notePlain tells of secret variables whose values stand in the sequence, where
// everybody reads them who reads the sequence, and boxes and targets keep them.
func notePlain(s *step, seq *sequence.Sequence) {
	for _, l := range seq.Flatten() {
		if v, ok := l.Node.Step.(*sequence.SetTaskSequenceVariable); ok && v.Secret && !strings.Contains(v.Value, "%") {
			s.note("step %d %q: the value of secret variable %s stands in the task sequence for all who may read it: name a Secret at the step that uses it", l.Number, l.Name(), v.Variable)
		}
	}
}

// starves says whether machines would run the sequence and be refused its secrets.
func starves(a *osd.Advertisement, seq *sequence.Sequence) bool {
	granted := a.SecretsWithoutApproval && needsGrants(a, seq)
	return a.Approval == osd.ApprovalNone && len(seq.SecretNames()) > 0 && !granted
}

// noteStarved tells which advertisements a changed sequence would fail under.
func (p *plan) noteStarved(s *step, seq *sequence.Sequence) {
	for _, a := range all[*osd.Advertisement](p.world, osd.KindAdvertisement) {
		if run := p.world.runs(a.Sequence); run != nil && p.world.runsIn(a.Sequence, seq) && starves(a, run) && p.seen[objectKey{osd.KindAdvertisement, a.Name}] == nil {
			s.note("WARNING: %s says approval: none; its machines get no secret and would fail in the middle", p.world.named(a))
		}
	}
}
