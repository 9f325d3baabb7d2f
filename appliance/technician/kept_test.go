package technician

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
)

// kept are the approvals of the box's memory.
type kept struct {
	Store *store.Store
	Now   func() time.Time
}

// Pending implements Approvals.
func (k kept) Pending(ctx context.Context) ([]api.PendingApproval, error) {
	all, err := k.Store.Approvals(ctx, k.Now())
	if err != nil {
		return nil, err
	}
	waiting := make([]api.PendingApproval, len(all))
	for i, a := range all {
		waiting[i] = a.PendingApproval
	}
	return waiting, nil
}

// DecideCode implements Approvals.
func (k kept) DecideCode(ctx context.Context, code, decision, who string) (api.PendingApproval, *api.Error) {
	all, err := k.Pending(ctx)
	if err != nil {
		return api.PendingApproval{}, api.Errorf(api.CodeInternal, "box", "%v", err)
	}
	gone := api.Errorf(api.CodeNotFound, code, "no machine that waits shows this code").WithRemedy("compare it with the screen of the machine")
	i := slices.IndexFunc(all, func(a api.PendingApproval) bool { return a.Code == code })
	if i < 0 {
		return api.PendingApproval{}, gone
	}
	p := all[i]
	switch err := k.Store.DecideApproval(ctx, p.ID, decision, who, k.Now()); {
	case errors.Is(err, store.ErrNotFound):
		return p, gone
	case errors.Is(err, store.ErrDecided):
		return p, api.Errorf(api.CodeConflict, code, "somebody decided on it before: %s, %s", p.Decision, p.Who)
	case err != nil:
		return p, api.Errorf(api.CodeInternal, "box", "%v", err)
	}
	p.Decision, p.Who = decision, who
	return p, nil
}
