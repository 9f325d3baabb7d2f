package point

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/trust"
)

// Claim asks for a job. The answer may be that a person has to approve it: then the
// key that it names is that of the box at the other end of this very connection.
// Whoever stands between machine and box cannot show the box's key as his own,
// and a code over his own key is not the one that the box shows.
func (c *Client) Claim(ctx context.Context, claim api.Claim) (api.Claimed, error) {
	var r api.Claimed
	state, err := c.exchange(ctx, api.RouteClaim, claim, &r)
	if err == nil && r.Pending != nil {
		err = c.checkBox(state, r.Pending)
	}
	if err != nil {
		return api.Claimed{}, err
	}
	return r, nil
}

// checkBox refuses the key of a box that did not sign the certificate of the
// connection. To ask again is of no use.
func (c *Client) checkBox(state *tls.ConnectionState, p *api.Pending) error {
	key, err := boxKey(p)
	if err != nil {
		return api.Errorf(api.CodeInvalid, "claim", "the box says that a person has to approve it, and its key cannot be read: %v", err)
	}
	if state == nil {
		return api.Errorf(api.CodeForbidden, "claim", "the connection has no certificate")
	}
	proven, err := c.anchor.Issuer(state.PeerCertificates, x509.ExtKeyUsageServerAuth, c.clock.Now())
	if err != nil {
		return api.Errorf(api.CodeForbidden, "claim", "the box's key is not proven: %v", err)
	}
	if !proven.Equal(key) {
		return api.Errorf(api.CodeForbidden, "claim", "the box asks for approval under a key that is not its own").
			WithRemedy("somebody may stand between this machine and its box: look at the network before you start it again")
	}
	return nil
}

func boxKey(p *api.Pending) (*ecdsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(p.Box)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, x509.ErrUnsupportedAlgorithm
	}
	return key, nil
}

// ApprovalCode computes the code that a person compares, from the machine's own
// key and an answer that Claim let pass.
func (c *Credential) ApprovalCode(p *api.Pending) (string, error) {
	box, err := boxKey(p)
	if err != nil {
		return "", err
	}
	return trust.ApprovalCode(box, &c.key.PublicKey, p.Nonce)
}

// Password asks for a ticket with the box's PXE password.
func (c *Client) Password(ctx context.Context, id api.Identity, password string) (t api.Ticket, err error) {
	return t, c.call(ctx, api.RoutePassword, api.Password{Identity: id, Password: password}, &t)
}
