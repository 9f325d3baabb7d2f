package point

import (
	"context"

	"github.com/bootward/bootward/api"
)

// OffersTo asks what a machine may run where it is, and what came about there.
func (c *Client) OffersTo(ctx context.Context, ask api.Ask) (o api.Offers, err error) {
	return o, c.call(ctx, api.RouteOffers, ask, &o)
}
