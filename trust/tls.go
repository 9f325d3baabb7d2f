package trust

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// ClientTLS makes the configuration of a client: TLS 1.3 (RFC 8446), a server
// whose certificate leads to the anchor's CA, is valid at now() and bears a
// name that wantName takes. The address that was dialled does not matter.
//
// cert gives the client's own certificate, or nil where it has none; it is
// asked at each handshake, so it may change. now is never taken as earlier
// than the anchor. If the anchor is broken, each handshake fails and says so.
func ClientTLS(anchor *Anchor, wantName func(dns string) bool, cert func() *tls.Certificate, now func() time.Time) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		Time:       anchor.clock(now),
		// The standard check wants the dialled name; VerifyConnection does
		// all that it does, for the names of this site.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			leaf, err := anchor.VerifyChain(s.PeerCertificates, x509.ExtKeyUsageServerAuth, now())
			if err != nil {
				return err
			}
			for _, dns := range leaf.DNSNames {
				if wantName(dns) {
					return nil
				}
			}
			return fmt.Errorf("server certificate is for %q: not the server that was wanted", leaf.DNSNames)
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if c := ownCertificate(cert); c != nil {
				return c, nil
			}
			return &tls.Certificate{}, nil
		},
	}
}

// ServerTLS makes the configuration of a server: TLS 1.3, client certificates
// asked for but not demanded. One that is given must lead to the anchor's CA
// and be valid at now(), or the handshake fails; then it stands in
// r.TLS.PeerCertificates[0], and its name says who is there. There is no
// resumption, so that an ended certificate does not live on in a ticket.
func ServerTLS(anchor *Anchor, cert func() *tls.Certificate, now func() time.Time) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Time:                   anchor.clock(now),
		ClientAuth:             tls.RequestClientCert,
		SessionTicketsDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return nil
			}
			_, err := anchor.VerifyChain(s.PeerCertificates, x509.ExtKeyUsageClientAuth, now())
			return err
		},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c := ownCertificate(cert); c != nil {
				return c, nil
			}
			return nil, errors.New("the server has no certificate yet")
		},
	}
}

// VerifyChain checks a chain, leaf first, against the anchor's CA for one use,
// at a time that is not taken as earlier than the anchor. It returns the leaf.
func (a *Anchor) VerifyChain(chain []*x509.Certificate, use x509.ExtKeyUsage, now time.Time) (*x509.Certificate, error) {
	if _, err := a.verify(chain, use, now); err != nil {
		return nil, err
	}
	return chain[0], nil
}

// Issuer is the key that signed the leaf of a chain, which is checked as by
// VerifyChain: of a box's management point the key of the box's intermediate.
func (a *Anchor) Issuer(chain []*x509.Certificate, use x509.ExtKeyUsage, now time.Time) (*ecdsa.PublicKey, error) {
	verified, err := a.verify(chain, use, now)
	if err != nil {
		return nil, err
	}
	if len(verified) != 1 || len(verified[0]) < 2 {
		return nil, fmt.Errorf("certificate of %q: %d ways lead to the CA of site %s, want one by an issuer", chain[0].DNSNames, len(verified), a.Site)
	}
	return checkPublic(verified[0][1].PublicKey)
}

// verify returns the ways from the leaf of a chain to the anchor's CA.
func (a *Anchor) verify(chain []*x509.Certificate, use x509.ExtKeyUsage, now time.Time) ([][]*x509.Certificate, error) {
	if len(chain) == 0 {
		return nil, errors.New("the other side showed no certificate")
	}
	ca, err := a.Certificate()
	if err != nil {
		return nil, err
	}
	at := Now(now, a.IssuedAt, time.Time{})
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{use},
	}
	options.Roots.AddCert(ca)
	for _, c := range chain[1:] {
		options.Intermediates.AddCert(c)
	}
	verified, err := chain[0].Verify(options)
	if err != nil {
		return nil, fmt.Errorf("certificate of %q, checked for site %s at %s: %w", chain[0].DNSNames, a.Site, at.UTC().Format(time.RFC3339), err)
	}
	return verified, nil
}

// clock is now, but not before the anchor was made.
func (a *Anchor) clock(now func() time.Time) func() time.Time {
	return func() time.Time { return Now(now(), a.IssuedAt, time.Time{}) }
}

func ownCertificate(cert func() *tls.Certificate) *tls.Certificate {
	if cert == nil {
		return nil
	}
	return cert()
}

// KeyPair puts a chain in PEM and its key together for TLS.
func KeyPair(chainPEM, keyPEM []byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(chainPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("certificate and key: %w", err)
	}
	return &pair, nil
}
