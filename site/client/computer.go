package client

import (
	"context"

	"github.com/bootward/bootward/api"
)

// Merge makes one computer of two.
func (c *Client) Merge(ctx context.Context, from string, in api.Merge) (out api.Applied, err error) {
	return out, c.call(ctx, api.RouteMerge, []string{from}, nil, in, &out)
}

// Replace gives a computer new labels.
func (c *Client) Replace(ctx context.Context, computer string, in api.Replace) (out api.Applied, err error) {
	return out, c.call(ctx, api.RouteReplace, []string{computer}, nil, in, &out)
}
