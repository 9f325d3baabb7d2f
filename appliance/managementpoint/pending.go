package managementpoint

import (
	"context"
	"errors"
	"slices"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/trust"
)

// Pending lists the machines that wait for approval, and those that were decided
// on and did not come back yet, oldest first.
func (p *Point) Pending(ctx context.Context) ([]api.PendingApproval, error) {
	all, err := p.Store.Approvals(ctx, p.Now())
	if err != nil {
		return nil, err
	}
	out := make([]api.PendingApproval, len(all))
	for i, a := range all {
		out[i] = a.PendingApproval
	}
	return out, nil
}

// DecideCode approves or denies the machine that shows a code. who stands in the
// audit log and in the job. Callers see to it that nobody tries all codes.
func (p *Point) DecideCode(ctx context.Context, code, decision, who string) (api.PendingApproval, *api.Error) {
	normal := trust.NormalizeCode(code)
	switch {
	case normal == "":
		return api.PendingApproval{}, api.Errorf(api.CodeInvalid, "code", "%q is no code: give six digits, such as 482-913", code)
	case decision != store.Approve && decision != store.Deny:
		return api.PendingApproval{}, api.Errorf(api.CodeInvalid, "decision", "%q: give %s or %s", decision, store.Approve, store.Deny)
	}
	all, err := p.Pending(ctx)
	if err != nil {
		return api.PendingApproval{}, internal(err)
	}
	i := slices.IndexFunc(all, func(a api.PendingApproval) bool { return a.Code == normal })
	gone := api.Errorf(api.CodeNotFound, normal, "no machine waits under this code at this box").
		WithRemedy("compare it with the screen of the machine; a code ends after %.0f minutes, and when the machine is started again", approvalLife.Minutes())
	if i < 0 {
		return api.PendingApproval{}, gone
	}
	a := all[i]
	err = p.Store.DecideApproval(ctx, a.ID, decision, who, p.Now())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return api.PendingApproval{}, gone
	case errors.Is(err, store.ErrDecided):
		return a, api.Errorf(api.CodeConflict, normal, "somebody decided on it before")
	case err != nil:
		return a, internal(err)
	}
	p.Log.Info("approval decided", "code", a.Code, "computer", a.Computer, "decision", decision, "who", who)
	p.tellSite()
	a.Decision, a.Who = decision, who
	return a, nil
}
