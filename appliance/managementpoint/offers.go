package managementpoint

import (
	"context"
	"slices"
	"strings"

	"github.com/bootward/bootward/api"
)

// offers answers what a machine may run. A machine that asks under the labels
// of an open job, but is other hardware, gets nothing and raises an alarm; the
// job goes on until it claims: a question costs nothing and must stop nobody.
func (p *Point) offers(ctx context.Context, id api.Identity) (api.Offers, *api.Error) {
	p.claims.Lock()
	defer p.claims.Unlock()
	v, err := p.Decide(ctx, machine(id))
	if err != nil {
		return api.Offers{}, internal(err)
	}
	if v.Open != nil && !v.Superseded {
		if why := differs(v.Open.Identity, id); why != "" {
			return api.Offers{}, p.warnTwin(ctx, *v.Open, id, why)
		}
	}
	p.warnConflict(ctx, v, id)
	answer := api.Offers{Offers: []api.Offer{}, Why: tell(v)}
	if s := p.Policy(); s != nil {
		answer.Organisation, answer.WelcomeText = s.Settings.Organisation, s.Settings.WelcomeText
	}
	for _, o := range v.Offers {
		answer.Offers = append(answer.Offers, api.Offer{
			Advertisement: o.Advertisement.ID, Name: o.Advertisement.Name, Sequence: o.Sequence.Name, Comment: o.Advertisement.Comment,
			Mandatory: o.Mandatory, Destructive: o.Sequence.Destructive, Text: o.Advertisement.Text,
		})
	}
	return answer, nil
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
