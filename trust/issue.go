package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Certificates start when their authority starts, not when they are made:
// a machine whose battery is flat checks them at the time of its anchor
// (Anchor.IssuedAt), which is often earlier than the certificate. A start in
// the future protects nobody in a PKI where only the authority signs. Job
// certificates, which boxes alone check, start Slack ago.

// SiteServer makes the server certificate of a site's server, with its
// addresses beside the name for clients that connect by address. It lives
// SiteServerLife. The chain is the one certificate.
func (a *Authority) SiteServer(pub crypto.PublicKey, now time.Time, ips ...net.IP) ([]byte, error) {
	if err := a.mustBeSite("a site server"); err != nil {
		return nil, err
	}
	key, err := checkPublic(pub)
	if err != nil {
		return nil, err
	}
	t := leaf(SiteName(a.Site), x509.ExtKeyUsageServerAuth)
	t.NotBefore, t.NotAfter, t.IPAddresses = a.Certificate.NotBefore, now.Add(SiteServerLife), ips
	return a.issue(t, key)
}

// BoxClient makes the client certificate that a box shows to its site. It
// lives BoxLife and cannot sign.
func (a *Authority) BoxClient(csrDER []byte, box string, now time.Time) ([]byte, error) {
	key, err := a.boxRequest(csrDER, box)
	if err != nil {
		return nil, err
	}
	t := leaf(BoxName(box, a.Site), x509.ExtKeyUsageClientAuth)
	t.NotBefore, t.NotAfter = a.Certificate.NotBefore, now.Add(BoxLife)
	return a.issue(t, key)
}

// BoxIntermediate makes the CA of a box: it signs for names at and below
// <box>.<code>.bootward.internal only, for no address, mail address or URI,
// and makes no further CA (path length 0). It lives BoxLife.
func (a *Authority) BoxIntermediate(csrDER []byte, box string, now time.Time) ([]byte, error) {
	key, err := a.boxRequest(csrDER, box)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		Subject:     pkix.Name{CommonName: strings.ToLower(box) + " of Bootward site " + a.Site},
		NotBefore:   a.Certificate.NotBefore,
		NotAfter:    now.Add(BoxLife),
		KeyUsage:    x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IsCA:        true, MaxPathLenZero: true,
	}
	constrain(t, BoxName(box, a.Site))
	excludeAddresses(t)
	return a.issue(t, key)
}

// MaxPersonLife is the longest that a person's certificate may live.
const MaxPersonLife = 400 * 24 * time.Hour

// Person makes the client certificate of a person, at most MaxPersonLife, and
// says when it ends. It is good at the site and at boxes, as far as the person's
// rights go.
func (a *Authority) Person(csrDER []byte, person string, now time.Time, ttl time.Duration) ([]byte, time.Time, error) {
	if err := errors.Join(a.mustBeSite("a person"), checkLabel(person)); err != nil {
		return nil, time.Time{}, fmt.Errorf("certificate of person %q: %w", person, err)
	}
	if ttl <= 0 || ttl > MaxPersonLife {
		return nil, time.Time{}, fmt.Errorf("certificate of person %q: to live %s, want more than 0 and at most %s", person, ttl, MaxPersonLife)
	}
	key, err := ParseCSR(csrDER)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("certificate of person %q: %w", person, err)
	}
	t := leaf(PersonName(person, a.Site), x509.ExtKeyUsageClientAuth)
	t.NotBefore, t.NotAfter = now.Add(-Slack), now.Add(ttl)
	cert, err := a.issue(t, key)
	return cert, t.NotAfter.Truncate(time.Second), err
}

// PointServer makes the server certificate of the box's management point and
// distribution point: chain of it and the box's intermediate.
func (a *Authority) PointServer(pub crypto.PublicKey, now time.Time, ttl time.Duration) ([]byte, error) {
	if err := a.mustBeBox("a management point"); err != nil {
		return nil, err
	}
	key, err := checkPublic(pub)
	if err != nil {
		return nil, err
	}
	t := leaf(PointName(a.Box, a.Site), x509.ExtKeyUsageServerAuth)
	t.NotBefore, t.NotAfter = a.Certificate.NotBefore, now.Add(ttl)
	return a.issueChain(t, key)
}

// Job makes the client certificate of a job, at most MaxJobLife, and says
// when it ends: chain of it and the box's intermediate.
func (a *Authority) Job(csrDER []byte, job string, now time.Time, ttl time.Duration) ([]byte, time.Time, error) {
	if err := errors.Join(a.mustBeBox("a job"), checkLabel(job)); err != nil {
		return nil, time.Time{}, fmt.Errorf("certificate of job %q: %w", job, err)
	}
	if ttl <= 0 || ttl > MaxJobLife {
		return nil, time.Time{}, fmt.Errorf("certificate of job %q: to live %s, want more than 0 and at most %s", job, ttl, MaxJobLife)
	}
	key, err := ParseCSR(csrDER)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("certificate of job %q: %w", job, err)
	}
	t := leaf(JobName(job, a.Box, a.Site), x509.ExtKeyUsageClientAuth)
	t.NotBefore, t.NotAfter = now.Add(-Slack), now.Add(ttl)
	chain, err := a.issueChain(t, key)
	return chain, t.NotAfter.Truncate(time.Second), err
}

func (a *Authority) issueChain(t *x509.Certificate, key *ecdsa.PublicKey) ([]byte, error) {
	cert, err := a.issue(t, key)
	if err != nil {
		return nil, err
	}
	return append(cert, a.PEM()...), nil
}

func (a *Authority) boxRequest(csrDER []byte, box string) (*ecdsa.PublicKey, error) {
	if err := errors.Join(a.mustBeSite("a box"), checkBox(box)); err != nil {
		return nil, err
	}
	key, err := ParseCSR(csrDER)
	if err != nil {
		return nil, fmt.Errorf("box %s: %w", box, err)
	}
	return key, nil
}

func (a *Authority) mustBeSite(what string) error {
	if a.Box != "" {
		return fmt.Errorf("certificate for %s: only the site's CA makes it, this is the intermediate of box %s", what, a.Box)
	}
	return nil
}

func (a *Authority) mustBeBox(what string) error {
	if a.Box == "" {
		return fmt.Errorf("certificate for %s: only a box's intermediate makes it, this is the CA of site %s", what, a.Site)
	}
	return nil
}

// leaf is a certificate that cannot sign. The name stands in the SAN; the
// common name is for people and may not be longer than 64 (RFC 5280,
// appendix A.1), so it is the first label.
func leaf(dns string, usage x509.ExtKeyUsage) *x509.Certificate {
	first, _, _ := strings.Cut(dns, ".")
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: first},
		DNSNames:    []string{dns},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
}
