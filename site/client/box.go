package client

import (
	"crypto/tls"
	"fmt"

	"github.com/bootward/bootward/trust"
)

// TrustAnchor is whom the context trusts, site and boxes.
func (c *Context) TrustAnchor() (*trust.Anchor, error) {
	a, err := c.anchor()
	if err != nil {
		return nil, fmt.Errorf("context: %w", err)
	}
	return a, nil
}

// PersonCertificate is the client certificate of the person, which boxes take
// too; nil where the context names none.
func (c *Context) PersonCertificate() (*tls.Certificate, error) {
	pair, err := c.pair()
	if err != nil {
		return nil, fmt.Errorf("context: %w", err)
	}
	return pair, nil
}
