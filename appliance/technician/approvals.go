package technician

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
)

// Kept are the approvals of the box's memory.
type Kept struct {
	Store *store.Store
	Now   func() time.Time
}

// Pending implements Approvals.
func (k Kept) Pending(ctx context.Context) ([]api.PendingApproval, error) {
	all, err := k.Store.Approvals(ctx, k.Now())
	if err != nil {
		return nil, err
	}
	var waiting []api.PendingApproval
	for _, a := range all {
		if a.Decision == "" {
			waiting = append(waiting, a.PendingApproval)
		}
	}
	return waiting, nil
}

// DecideCode implements Approvals.
func (k Kept) DecideCode(ctx context.Context, code, decision, who string) (api.PendingApproval, error) {
	now := k.Now()
	all, err := k.Store.Approvals(ctx, now)
	if err != nil {
		return api.PendingApproval{}, err
	}
	i := slices.IndexFunc(all, func(a store.Approval) bool { return a.Code == code })
	if i < 0 {
		return api.PendingApproval{}, fmt.Errorf("code %s: %w", code, store.ErrNotFound)
	}
	p := all[i].PendingApproval
	if err := k.Store.DecideApproval(ctx, p.ID, decision, who, now); err != nil {
		return p, err
	}
	p.Decision, p.Who = decision, who
	return p, nil
}
