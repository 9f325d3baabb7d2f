package client

import (
	"context"

	"github.com/bootward/bootward/api"
)

// SignInToken makes a new token for a person; earlier ones are void.
func (c *Client) SignInToken(ctx context.Context, person string) (out api.SignInToken, err error) {
	return out, c.call(ctx, api.RoutePersonToken, []string{person}, nil, nil, &out)
}

// PersonCertificate makes a client certificate for a person.
func (c *Client) PersonCertificate(ctx context.Context, person string, in api.PersonCSR) (out api.PersonCertificate, err error) {
	return out, c.call(ctx, api.RoutePersonCertificate, []string{person}, nil, in, &out)
}

// Credentials lists the tokens and certificates of a person that have not ended.
func (c *Client) Credentials(ctx context.Context, person string) (out api.Credentials, err error) {
	return out, c.call(ctx, api.RouteCredentials, []string{person}, nil, nil, &out)
}

// Revoke voids every token and certificate of a person.
func (c *Client) Revoke(ctx context.Context, person string) error {
	return c.call(ctx, api.RouteRevoke, []string{person}, nil, nil, nil)
}
