package site

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
)

// authenticator says which person a request comes from: the name of a Person
// object, or empty when the request shows nothing of this kind. What is shown and
// is not good is a problem: a request is never let in by the one proof in spite of
// the other.
//
// This is the seam for OIDC: another authenticator would check an ID token and
// take the person's name of a claim. Groups of the token would not be persons:
// objects of a kind of their own would give rights to a group by its name, and
// world.as would add those to the rights of the person. Everything behind, from
// the table of routes to a plan, asks world.can and would not change.
type authenticator func(ctx context.Context, r *http.Request) (person string, err error)

// authenticators are tried one after the other.
func (s *Site) authenticators() []authenticator { return []authenticator{s.byToken, s.byCertificate} }

// person asks every authenticator.
func (s *Site) person(ctx context.Context, r *http.Request) (string, error) {
	person := ""
	for _, prove := range s.authenticators() {
		name, err := prove(ctx, r)
		switch {
		case err != nil:
			return "", err
		case name != "" && person != "" && name != person:
			return "", s.wrong(r, "token and certificate are of different persons", "leave out one of the two in the context file")
		case name != "":
			person = name
		}
	}
	return person, nil
}

// byToken knows a person by a bearer token (RFC 6750).
func (s *Site) byToken(ctx context.Context, r *http.Request) (string, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return "", nil
	}
	name, err := s.holder(ctx, store.CredentialToken, trust.TokenHash(token))
	if errors.Is(err, store.ErrNotFound) {
		return "", s.wrong(r, "the token is not good: a newer one was made, it was revoked, or the person is disabled", "ask an administrator for a new one: bootward person token NAME")
	}
	return name, err
}

// byCertificate knows a person by a client certificate, which the TLS server has
// verified against the trust anchor. It counts while the site keeps it: the CA's
// signature alone says nothing of somebody who left.
func (s *Site) byCertificate(ctx context.Context, r *http.Request) (string, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return "", nil
	}
	cert := r.TLS.PeerCertificates[0]
	bears, ok := s.personIn(cert)
	if !ok {
		return "", nil
	}
	name, err := s.holder(ctx, store.CredentialCertificate, fingerprintDER(cert.Raw))
	if errors.Is(err, store.ErrNotFound) || err == nil && !strings.EqualFold(name, bears) {
		return "", s.wrong(r, "the certificate is not good: it was revoked, the person is disabled, or it bears an earlier name", "ask an administrator to look, and sign in with a token to get a new one: bootward person certificate NAME -o FILE")
	}
	return name, err
}

// personIn takes the person's name of a certificate, in lower case.
func (s *Site) personIn(cert *x509.Certificate) (string, bool) {
	if len(cert.DNSNames) != 1 {
		return "", false
	}
	name, site, ok := trust.ParsePersonName(cert.DNSNames[0])
	return name, ok && trust.SiteName(site) == trust.SiteName(s.code)
}

// holder finds the person of a credential; ErrNotFound also for one who is gone
// or disabled.
func (s *Site) holder(ctx context.Context, kind, hash string) (string, error) {
	var name string
	err := s.store.Read(ctx, func(x store.Tx) error {
		c, err := x.Credential(hash, s.now())
		if err != nil {
			return err
		}
		if c.Kind != kind {
			return store.ErrNotFound
		}
		r, err := x.Object(osd.KindPerson, c.Person)
		if err != nil {
			return err
		}
		o, err := decode(r)
		if err != nil {
			return err
		}
		// An object is found by its ID too: only the name counts here.
		if p := o.(*osd.Person); p.Disabled || p.Name != c.Person {
			return store.ErrNotFound
		}
		name = c.Person
		return nil
	})
	return name, err
}

// wrong notes a failed sign-in. Who fails too often is told to wait, and no more
// is logged of him. One who shows what is good is never kept out by that: tokens
// are too long to be guessed, so the limit spares the log and nothing else.
func (s *Site) wrong(r *http.Request, what, remedy string) error {
	source := sourceOf(r)
	if !s.tries.allow(source, s.now()) {
		return api.Errorf(api.CodeTooMany, r.URL.Path, "too many wrong sign-ins from %s", source).WithRemedy("try again in some minutes")
	}
	s.log.Warn("sign-in failed", "from", source, "why", what)
	return api.Errorf(api.CodeUnauthorized, r.URL.Path, "%s", what).
		WithRemedy("%s", remedy)
}

// adopt gives the administrators of a site from before there were Person objects
// one each. It does so once: a site always keeps one administrator.
func (s *Site) adopt(ctx context.Context) error {
	old := false
	err := s.store.Read(ctx, func(x store.Tx) error {
		persons, err := x.Objects(osd.KindPerson)
		if err != nil || len(persons) > 0 {
			return err
		}
		credentials, err := x.Credentials()
		old = len(credentials) > 0
		return err
	})
	if err != nil || !old {
		return err
	}
	return s.write(ctx, func(x store.Tx) error {
		credentials, err := x.Credentials()
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, c := range credentials {
			if known[c.Person] {
				continue
			}
			known[c.Person] = true
			if err := addAdministrator(x, s.code, c.Person); err != nil {
				return err
			}
			if err := s.audit(x, "site", "adopt", fmt.Sprintf("%s %q", osd.KindPerson, c.Person), "administrator of a site from before persons had objects"); err != nil {
				return err
			}
		}
		return nil
	})
}

// addAdministrator makes the Person object of an administrator.
func addAdministrator(x store.Tx, code, name string) error {
	id, err := x.NextID(code)
	if err != nil {
		return err
	}
	r, err := encode(&osd.Person{Meta: osd.Meta{ID: id, Name: name}, Role: osd.RoleAdministrator})
	if err != nil {
		return err
	}
	return x.PutObject(r)
}
