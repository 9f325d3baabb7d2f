// Package trust holds what makes Bootward's programs believe each other: the
// signed envelope, the site's certificate authority, the name-constrained
// intermediate of each box, enrolment tokens, job certificates, and time for
// machines whose clock cannot be trusted.
//
// It opens no sockets and reads no files: keys and documents are handed in.
// Signatures are ed25519 (RFC 8032) in DSSE envelopes; certificates are
// ECDSA P-256 (RFC 5280). Names of certificates:
//
//	site server   site.<code>.bootward.internal
//	box           <box>.<code>.bootward.internal          (client, to the site)
//	box's MP/DP   mp.<box>.<code>.bootward.internal       (server, to targets)
//	job           <job>.job.<box>.<code>.bootward.internal (client, to the box)
//
// where <code> and <box> are lower case; the box's intermediate is
// constrained to <box>.<code>.bootward.internal and below.
package trust

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// Anchor is what a program must hold to believe a site: it is built into
// boot images, handed to boxes at enrolment, and signed by the root key. It
// holds nothing secret.
type Anchor struct {
	Format int `json:"format"`
	// Site is the site's three-letter code.
	Site string `json:"site"`
	// Root is the public half of the offline key that signs anchors and
	// restores.
	Root ed25519.PublicKey `json:"root"`
	// Signing are the public keys that sign policy, grants and manifests.
	Signing []ed25519.PublicKey `json:"signing"`
	// CA is the certificate of the site's CA, in PEM.
	CA string `json:"ca"`
	// IssuedAt is when the anchor was made: no certificate is checked at an
	// earlier time.
	IssuedAt time.Time `json:"issuedAt"`
}

// ParseAnchor reads a signed anchor (docs/formats/envelope.md) and checks
// that it is signed by the root key that it names. That alone proves nothing:
// compare the fingerprint, or take it from a place that is trusted.
func ParseAnchor(raw []byte) (*Anchor, error) {
	var e Envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("trust anchor: %w", err)
	}
	var a Anchor
	if err := json.Unmarshal(e.Payload, &a); err != nil {
		return nil, fmt.Errorf("trust anchor: payload: %w", err)
	}
	if len(a.Root) != ed25519.PublicKeySize {
		return nil, errors.New("trust anchor: root key is missing")
	}
	if _, err := Open(raw, TypeTrust, []ed25519.PublicKey{a.Root}); err != nil {
		return nil, fmt.Errorf("trust anchor: %w", err)
	}
	if a.Format != 1 {
		return nil, fmt.Errorf("trust anchor: format %d, this program reads format 1", a.Format)
	}
	for _, k := range a.Signing {
		if len(k) != ed25519.PublicKeySize {
			return nil, errors.New("trust anchor: a signing key has the wrong length")
		}
	}
	if _, err := a.Certificate(); err != nil {
		return nil, err
	}
	return &a, nil
}

// Certificate is the certificate of the site's CA.
func (a *Anchor) Certificate() (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(a.CA))
	if block == nil {
		return nil, errors.New("trust anchor: the CA is not PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("trust anchor: CA: %w", err)
	}
	return cert, nil
}

// Fingerprint names the anchor's root key; it stands in enrolment tokens.
func (a *Anchor) Fingerprint() string { return KeyID(a.Root) }

// Now is the time at which certificates are to be checked: the latest of the
// clock, the build and the last signed time that was seen. Boxes and targets
// have no clock to trust (docs/decisions).
func Now(clock, built, signed time.Time) time.Time {
	t := clock
	for _, o := range []time.Time{built, signed} {
		if o.After(t) {
			t = o
		}
	}
	return t
}
