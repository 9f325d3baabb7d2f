package client

import (
	"context"

	"github.com/bootward/bootward/api"
)

// SetSecret gives a Secret a new value.
func (c *Client) SetSecret(ctx context.Context, name, value string) error {
	return c.call(ctx, api.RouteSecretValue, []string{name}, nil, api.SecretValue{Value: value}, nil)
}

// SetPIN gives a person a new PIN.
func (c *Client) SetPIN(ctx context.Context, name, pin string) error {
	return c.call(ctx, api.RoutePersonPIN, []string{name}, nil, api.NewPIN{PIN: pin}, nil)
}

// SetPXEPassword gives a box a new PXE password; an empty one takes it away.
func (c *Client) SetPXEPassword(ctx context.Context, box, password string) error {
	return c.call(ctx, api.RoutePXEPassword, []string{box}, nil, api.SecretValue{Value: password}, nil)
}
