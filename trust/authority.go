package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// How long certificates live. A site server makes itself a new one at each
// start; a box keeps its two for its life, or enrols again.
const (
	AuthorityLife  = 20 * 365 * 24 * time.Hour
	SiteServerLife = 2 * 365 * 24 * time.Hour
	BoxLife        = 10 * 365 * 24 * time.Hour
	// MaxJobLife is the longest that a job's certificate may live.
	MaxJobLife = 8 * time.Hour
	// Slack is by how much certificates start before they are made, for
	// clocks that are slow.
	Slack = 24 * time.Hour
)

// Authority issues certificates: the site's CA, or the intermediate of a box.
// It may be used by several goroutines at once.
type Authority struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
	// Site is the site's code in upper case. Box is the box's name in lower
	// case, empty for the site's CA.
	Site, Box string
}

// NewAuthority makes the CA of a site with a key of its own. Its certificate
// is constrained to names below <code>.bootward.internal and to addresses.
func NewAuthority(site string, now time.Time) (*Authority, error) {
	if err := checkSite(site); err != nil {
		return nil, err
	}
	key, err := NewKey()
	if err != nil {
		return nil, err
	}
	site = strings.ToUpper(site)
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Bootward site " + site},
		NotBefore: now.Add(-Slack),
		NotAfter:  now.Add(AuthorityLife),
		KeyUsage:  x509.KeyUsageCertSign,
		IsCA:      true, BasicConstraintsValid: true, MaxPathLen: 1,
	}
	constrain(template, siteDomain(site))
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("certificate of site %s: %w", site, err)
	}
	return ParseAuthority(encodeCertificate(der), key)
}

// ParseAuthority puts together a CA certificate, the first in certPEM, and
// its key. What it is for is read from its name constraints.
func ParseAuthority(certPEM []byte, key crypto.Signer) (*Authority, error) {
	block, _ := pem.Decode(certPEM)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("authority: the certificate is not PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	pub, err := checkPublic(cert.PublicKey)
	if err != nil || !cert.IsCA || len(cert.PermittedDNSDomains) != 1 {
		return nil, fmt.Errorf("authority %q: not the certificate of a site's CA or of a box's intermediate", cert.Subject.CommonName)
	}
	if !pub.Equal(key.Public()) {
		return nil, fmt.Errorf("authority %q: the key belongs to another certificate", cert.Subject.CommonName)
	}
	a := &Authority{Certificate: cert, Key: key}
	labels, ok := labelsBelowDomain(cert.PermittedDNSDomains[0])
	switch {
	case ok && len(labels) == 1 && checkSite(labels[0]) == nil:
		a.Site = strings.ToUpper(labels[0])
	case ok:
		a.Box, a.Site, ok = ParseBoxName(cert.PermittedDNSDomains[0])
	}
	if !ok || a.Site == "" {
		return nil, fmt.Errorf("authority %q: constrained to %q, which is no site and no box", cert.Subject.CommonName, cert.PermittedDNSDomains[0])
	}
	return a, nil
}

// PEM is the authority's certificate.
func (a *Authority) PEM() []byte { return encodeCertificate(a.Certificate.Raw) }

// issue signs a certificate. It never outlives the authority.
func (a *Authority) issue(template *x509.Certificate, pub *ecdsa.PublicKey) ([]byte, error) {
	if template.NotAfter.After(a.Certificate.NotAfter) {
		template.NotAfter = a.Certificate.NotAfter
	}
	if !template.NotBefore.Before(template.NotAfter) {
		return nil, fmt.Errorf("certificate for %s: the authority %q ended at %s; renew it, or set the clock right", template.Subject.CommonName, a.Certificate.Subject.CommonName, a.Certificate.NotAfter.UTC().Format(time.RFC3339))
	}
	template.BasicConstraintsValid = true
	der, err := x509.CreateCertificate(rand.Reader, template, a.Certificate, pub, a.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate for %s: %w", template.Subject.CommonName, err)
	}
	return encodeCertificate(der), nil
}

// constrain permits DNS names at and below a domain and no e-mail address or
// URI: the one name that is permitted of those is reserved never to exist
// (RFC 6761, section 6.4), because no constraint means none is excluded
// (RFC 5280, section 4.2.1.10).
func constrain(template *x509.Certificate, domain string) {
	template.PermittedDNSDomainsCritical = true
	template.PermittedDNSDomains = []string{domain}
	template.PermittedEmailAddresses = []string{"none.invalid"}
	template.PermittedURIDomains = []string{"none.invalid"}
}

// excludeAddresses forbids every IP address.
func excludeAddresses(template *x509.Certificate) {
	template.ExcludedIPRanges = []*net.IPNet{
		{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
		{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
	}
}

func encodeCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
