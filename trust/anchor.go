package trust

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
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

const maxAnchor = 64 << 10

// NewAnchor makes the signed anchor of a site: the root key signs it, the
// other keys will sign policy, grants and manifests, and caPEM is the
// certificate of the site's CA.
func NewAnchor(site string, root ed25519.PrivateKey, signing []ed25519.PublicKey, caPEM []byte, now time.Time) ([]byte, error) {
	if len(root) != ed25519.PrivateKeySize {
		return nil, errors.New("trust anchor: the root key has the wrong length")
	}
	payload, err := json.Marshal(Anchor{
		Format: 1, Site: strings.ToUpper(site), Root: root.Public().(ed25519.PublicKey),
		Signing: signing, CA: string(caPEM), IssuedAt: now.UTC().Truncate(time.Second),
	})
	if err != nil {
		return nil, fmt.Errorf("trust anchor: %w", err)
	}
	signed, err := json.Marshal(Sign(TypeTrust, payload, root))
	if err != nil {
		return nil, fmt.Errorf("trust anchor: %w", err)
	}
	if _, err := ParseAnchor(signed); err != nil {
		return nil, err
	}
	return signed, nil
}

// ParseAnchor reads a signed anchor (docs/formats/envelope.md) and checks
// that it is signed by the root key that it names. That alone proves nothing:
// compare the fingerprint, or take it from a place that is trusted.
func ParseAnchor(raw []byte) (*Anchor, error) {
	if len(raw) > maxAnchor {
		return nil, fmt.Errorf("trust anchor: %d bytes, at most %d are taken", len(raw), maxAnchor)
	}
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
	if len(a.Signing) == 0 || len(a.Signing) > maxSignatures {
		return nil, fmt.Errorf("trust anchor: %d signing keys, want 1 to %d", len(a.Signing), maxSignatures)
	}
	if err := checkSite(a.Site); err != nil {
		return nil, fmt.Errorf("trust anchor: %w", err)
	}
	ca, err := a.Certificate()
	if err != nil {
		return nil, err
	}
	if !ca.IsCA {
		return nil, errors.New("trust anchor: the CA's certificate is not that of a CA")
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
