package managementpoint

import (
	"context"
	"slices"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/status"
)

// rivals are the claims of other keys under the labels of a machine which a new
// one replaces: the machine was started again. One that was approved, one of other
// hardware, and one that comes back after it was replaced, mean two machines:
// that raises an alarm and is refused. One that proves the computer's TPM takes the
// place of one that does not.
func (p *Point) rivals(ctx context.Context, v Verdict, want api.PendingApproval, key string) ([]store.Approval, *api.Error) {
	id := want.Identity
	all, err := p.Store.Approvals(ctx, p.Now())
	if err != nil {
		return nil, internal(err)
	}
	_, again := p.replaced.Get(key)
	var replaced []store.Approval
	for _, a := range all {
		if a.Key == key || a.Decision == store.Deny || !p.sameLabels(a.Identity, v, id) {
			continue
		}
		why := differs(a.Identity, id)
		switch {
		case why == "" && a.Decision == store.Approve:
			why = "that one was approved, and this one came with another key"
		case why == "" && a.TPM != want.TPM && !v.hasTPM(want.TPM):
			why = "its TPM is another one"
		case why == "" && again:
			why = "both ask in turn"
		}
		if why != "" {
			return nil, p.warnRival(ctx, a, id, why)
		}
		replaced = append(replaced, a)
	}
	return replaced, nil
}

// hasTPM says whether a digest is that of the computer's TPM.
func (v *Verdict) hasTPM(proven string) bool { return proven != "" && v.Expected().TPM == proven }

// sameLabels says whether a machine that waits would be remembered as the one
// that asks, or shows an address of it.
func (p *Point) sameLabels(waiting api.Identity, v Verdict, id api.Identity) bool {
	e := p.Evaluator()
	settings := &e.Snapshot().Settings
	c, _ := e.Identify(machine(waiting))
	return machineKey(c, machine(waiting), settings) == v.Machine ||
		slices.ContainsFunc(waiting.MACs, func(m string) bool { return !settings.Shared(m) && slices.Contains(id.MACs, m) })
}

// warnRival raises an alarm for a machine that claims under the labels of one
// that waits, and refuses it.
func (p *Point) warnRival(ctx context.Context, a store.Approval, second api.Identity, why string) *api.Error {
	p.Log.Warn("a second machine claims under the labels of one that waits for approval", "code", a.Code, "computer", a.Computer, "why", why, "second", identityText(second))
	p.flight(ctx, status.FlightEvent{Client: second.MACs[0], What: "alarm",
		Text: "ALARM: a second machine claims as " + a.Computer + " while one waits for approval (code " + a.Code + "): " + why + " (" + identityText(second) + ")"})
	return api.Errorf(api.CodeConflict, "", "a machine with the labels of this one waits for approval already").
		WithRemedy("find the two machines; deny the one that waits, or wait %s, then start the right one again", approvalLife)
}

// maxReplaced bounds the keys that are remembered.
const maxReplaced = 256

// noteReplaced remembers a key whose claim another one replaced: should it ask
// again, both machines are running. Called with claims locked.
func (p *Point) noteReplaced(key string) {
	p.replaced.Put(key, struct{}{}, maxReplaced)
}
