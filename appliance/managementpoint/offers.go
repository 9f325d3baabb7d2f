package managementpoint

import (
	"context"
	"slices"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/sequence"
)

// offers answers what a machine may run. A machine that asks under the labels
// of an open job, but is other hardware, gets nothing and raises an alarm; the
// job goes on until it claims: a question costs nothing and must stop nobody.
func (p *Point) offers(ctx context.Context, ask api.Ask) (api.Offers, *api.Error) {
	id := ask.Identity
	if p.Called != nil && ask.Where != osd.ToRunningClients && len(id.MACs) > 0 {
		p.Called(id.MACs[0])
	}
	p.claims.Lock()
	defer p.claims.Unlock()
	v, err := p.Decide(ctx, at(machine(id), ask.Where, ask.Event))
	if err != nil {
		return api.Offers{}, internal(err)
	}
	v.withoutAgentless()
	if v.Open != nil && !v.Superseded {
		if why := differs(v.Open.Identity, id); why != "" {
			return api.Offers{}, p.warnTwin(ctx, *v.Open, id, why)
		}
	}
	p.warnConflict(ctx, v, id)
	passed, locked := p.lock(&v, ask.Ticket)
	answer := api.Offers{Offers: []api.Offer{}, Why: tell(v), Password: locked}
	if s := p.Policy(); s != nil {
		answer.Organisation, answer.WelcomeText = s.Settings.Organisation, s.Settings.WelcomeText
		prompt := int(s.Box.PXE.Prompt().Seconds())
		answer.Prompt = &prompt
	}
	for _, o := range v.Offers {
		answer.Offers = append(answer.Offers, api.Offer{
			Advertisement: o.Advertisement.ID, Name: o.Advertisement.Name, Sequence: o.Sequence.Name, Comment: o.Advertisement.Comment,
			Mandatory: o.Mandatory, Destructive: o.Sequence.Destructive, Text: o.Advertisement.Text,
			Countdown: o.Advertisement.Countdown, Questions: questions(o), Approval: v.Approval(&o, policy.Proof{Password: passed, TPM: v.Expected().TPM}) != "",
		})
	}
	upcoming(&answer, v)
	p.askPerson(&answer, v, id)
	return answer, nil
}

// questions are those of a sequence that a person may choose.
func questions(o policy.Offer) []sequence.Question {
	if o.Mandatory {
		return nil
	}
	seq, err := sequence.Decode(o.Sequence.Document)
	if err != nil {
		return nil // the job says why it cannot be run
	}
	return seq.Questions
}

// lock takes away what waits for a person, and what would tell its name, unless a
// ticket shows that one who knows the PXE password is there, or none is set. locked
// says that something was taken away that could be chosen.
func (p *Point) lock(v *Verdict, text string) (passed, locked bool) {
	s := sealedPassword(p.Policy())
	if s == nil {
		return false, false
	}
	if p.passes(text, v.Machine, s) {
		return true, false
	}
	all := len(v.Offers)
	v.Offers = slices.DeleteFunc(slices.Clone(v.Offers), func(o policy.Offer) bool { return !o.Mandatory })
	v.Refusals = slices.DeleteFunc(slices.Clone(v.Refusals), func(r policy.Refusal) bool { return !p.mandatory(r.Advertisement) })
	return false, len(v.Offers) < all
}

// mandatory says whether the advertisement of a name starts by itself.
func (p *Point) mandatory(name string) bool {
	return slices.ContainsFunc(p.Policy().Advertisements, func(a osd.Advertisement) bool {
		return a.Name == name && a.IsMandatory() && a.Collection != osd.UnknownComputers
	})
}

// tell says what anybody who shows the labels of a machine may hear: what stands
// between this machine and its own advertisements. No name of a computer, no
// label that is not his, and nothing of advertisements for others.
func tell(v Verdict) []string {
	switch {
	case v.Conflict != "":
		return []string{"the labels of this machine contradict what the site knows; the alarms of the box say how"}
	case v.Computer == nil:
		return v.Why
	}
	var why []string
	if v.Open != nil && !v.Superseded {
		why = append(why, "a job of this machine is still running; a machine has one job at a time")
	}
	for _, r := range v.Refusals {
		if !r.Foreign {
			why = append(why, r.Advertisement+": "+r.Why)
		}
	}
	return why
}

// full is all that is known of why a machine does not get more: for the flight
// recorder.
func full(v Verdict) string {
	why := slices.Clone(v.Why)
	for _, r := range v.Refusals {
		why = append(why, r.Advertisement+": "+r.Why)
	}
	return strings.Join(why, "; ")
}
