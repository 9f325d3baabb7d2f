package site

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
)

// What proves who persons are: tokens and certificates, of which the site keeps
// hashes. Everybody lists, makes and revokes his own, administrators those of
// everybody.

// defaultPersonDays is how long a person's certificate lives.
const defaultPersonDays = 365

// prover finds the person whose credentials are asked for, and says whether the
// viewer may see and change them.
func (w world) prover(name string) (*osd.Person, error) {
	p, ok := w.look(osd.KindPerson, name).(*osd.Person)
	switch {
	case !ok:
		return nil, api.Errorf(api.CodeNotFound, name, "there is no person of that name").WithRemedy("see `bootward person list`")
	case !w.administrator() && p.Name != w.viewer.Name:
		return nil, api.Errorf(api.CodeForbidden, title(p), "credentials of others are seen, made and revoked by administrators").
			WithRemedy("ask one of them")
	}
	return p, nil
}

// credential changes those of a person, in one transaction with its entry in the
// audit log.
func (s *Site) credential(ctx context.Context, who, name, what string, change func(store.Tx, world, *osd.Person) (text string, err error)) error {
	return s.change(ctx, who, func(x store.Tx, w world) error {
		p, err := w.prover(name)
		if err != nil {
			return err
		}
		text, err := change(x, w, p)
		return errors.Join(err, s.audit(x, who, what, title(p), text))
	})
}

// SignInToken makes a new token for a person. Earlier ones are void.
func (s *Site) SignInToken(ctx context.Context, who, name string) (*api.SignInToken, error) {
	token, err := trust.NewToken(s.anchor.Fingerprint())
	if err != nil {
		return nil, fmt.Errorf("make token: %w", err)
	}
	out := &api.SignInToken{Token: token}
	err = s.credential(ctx, who, name, "sign-in-token", func(x store.Tx, _ world, p *osd.Person) (string, error) {
		out.Person = p.Name
		return "earlier tokens are void", errors.Join(mustBeEnabled(p), x.DeleteCredentials(p.Name, store.CredentialToken),
			x.AddCredential(store.Credential{Hash: trust.TokenHash(token), Kind: store.CredentialToken, Person: p.Name, MadeAt: s.now(), MadeBy: who}))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func mustBeEnabled(p *osd.Person) error {
	if !p.Disabled {
		return nil
	}
	return api.Errorf(api.CodeRefused, title(p), "is disabled").WithRemedy("take `disabled` out of the object first")
}

// PersonCertificate makes a client certificate for a person. Earlier ones stay
// good: he may have one on each of his machines.
func (s *Site) PersonCertificate(ctx context.Context, who, name string, in api.PersonCSR) (*api.PersonCertificate, error) {
	most := int(trust.MaxPersonLife / day)
	days := cmp.Or(in.Days, defaultPersonDays)
	if days < 1 || days > most {
		return nil, api.Errorf(api.CodeInvalid, "days", "%d: give 1 to %d", in.Days, most)
	}
	out := &api.PersonCertificate{}
	err := s.credential(ctx, who, name, "certificate", func(x store.Tx, _ world, p *osd.Person) (string, error) {
		if err := mustBeEnabled(p); err != nil {
			return "", err
		}
		raw, end, err := s.keys.CA.Person(in.CSR, p.Name, s.now(), time.Duration(days)*day)
		if err != nil {
			return "", api.Errorf(api.CodeInvalid, title(p), "%v", err)
		}
		block, _ := pem.Decode(raw)
		if block == nil {
			return "", fmt.Errorf("certificate of %s: is not PEM", p.Name)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return "", fmt.Errorf("certificate of %s: %w", p.Name, err)
		}
		hash := fingerprintDER(cert.Raw)
		out.Certificate, out.NotAfter = string(raw)+s.anchor.CA, end
		return fmt.Sprintf("SHA-256 %s, good until %s", hash, end.UTC().Format(time.RFC3339)),
			x.AddCredential(store.Credential{Hash: hash, Kind: store.CredentialCertificate, Person: p.Name, ExpiresAt: end,
				Serial: fmt.Sprintf("%X", cert.SerialNumber.Bytes()), MadeAt: s.now(), MadeBy: who})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Revoke forgets every token and certificate of a person.
func (s *Site) Revoke(ctx context.Context, who, name string) error {
	return s.credential(ctx, who, name, "revoke", func(x store.Tx, w world, p *osd.Person) (string, error) {
		if slices.Equal(w.administrators(), []string{p.ID}) {
			return "", lastAdministrator(title(p))
		}
		return "tokens and certificates are void", x.DeleteCredentials(p.Name, "")
	})
}

// moveCredentials gives the tokens of persons that a plan renamed to their new
// names. Certificates bear the name and are void.
func moveCredentials(x store.Tx, p *plan) error {
	names := map[string]string{}
	for _, s := range p.steps {
		if s.ObjectKind() == osd.KindPerson && s.was != nil && s.was.ObjectName() != s.ObjectName() {
			names[s.was.ObjectName()] = s.ObjectName()
		}
	}
	if len(names) == 0 {
		return nil
	}
	had, err := x.Credentials()
	for from := range names { // all first: two persons may swap names
		err = errors.Join(err, x.DeleteCredentials(from, ""))
	}
	for _, c := range had {
		if to, ok := names[c.Person]; ok && c.Kind == store.CredentialToken {
			c.Person = to
			err = errors.Join(err, x.AddCredential(c))
		}
	}
	return err
}

// tokensOnly are the credentials without the certificates of one person.
func tokensOnly(all map[string][]store.Credential, id string) map[string][]store.Credential {
	out := maps.Clone(all)
	out[id] = slices.DeleteFunc(slices.Clone(all[id]), func(c store.Credential) bool { return c.Kind != store.CredentialToken })
	return out
}

func (s *Site) postPersonToken(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := s.SignInToken(r.Context(), c.person, r.PathValue("name"))
	return answer(w, out, err)
}

func (s *Site) postPersonCertificate(w http.ResponseWriter, r *http.Request, c caller) error {
	var in api.PersonCSR
	if err := readJSON(r, &in); err != nil {
		return err
	}
	out, err := s.PersonCertificate(r.Context(), c.person, r.PathValue("name"), in)
	return answer(w, out, err)
}

func (s *Site) deleteCredentials(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := s.Revoke(r.Context(), c.person, r.PathValue("name")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
