package technician

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
)

// maxPIN is the longest PIN, in bytes.
const maxPIN = 128

// origin is the side from which somebody signs in.
type origin struct {
	side string        // network or console: wrong tries are counted for each
	from string        // for the audit log
	idle time.Duration // of the session
}

// signIn opens a session. One PIN is checked at a time, and nothing is answered
// before the try is on the disk: to go away, or to pull the plug, gives nobody
// another try.
func (d *Desk) signIn(ctx context.Context, in api.SignIn, o origin) (api.Session, *failure) {
	name := strings.ToLower(strings.TrimSpace(in.Name))
	if (&osd.Person{Meta: osd.Meta{Name: name}}).Validate() != nil {
		return api.Session{}, fail(api.CodeInvalid, "name", "is no name of a person: 1 to 63 letters, digits and hyphens")
	}
	if in.PIN == "" || len(in.PIN) > maxPIN {
		return api.Session{}, fail(api.CodeInvalid, "pin", "give 1 to %d bytes", maxPIN)
	}
	subjects := []string{"pin " + name, "pins at the " + o.side}
	if f := d.mayTry(ctx, "PINs", subjects...); f != nil {
		return api.Session{}, f // told before it costs anything
	}
	leave, ok := d.signing.enter(ctx)
	if !ok {
		return api.Session{}, fail(api.CodeUnavailable, "box", "others are signing in")
	}
	defer leave()
	if f := d.mayTry(ctx, "PINs", subjects...); f != nil {
		return api.Session{}, f
	}
	c, revision, right := d.checkPIN(name, in.PIN)
	record := signedIn(c, right, o, d.Now())
	if err := d.Store.NoteSignIn(context.WithoutCancel(ctx), subjects, right, record); err != nil {
		return api.Session{}, d.internal("sign in", err)
	}
	d.Log.Info("sign in", "right", right, "person", record.Object, "from", o.from)
	if !right {
		return api.Session{}, fail(api.CodeUnauthorized, "", "the name or the PIN is wrong, or this person may do nothing at this box").remedy("an administrator looks at the Person (`technician`), or gives a new PIN: bootward person pin NAME")
	}
	return api.Session{Token: d.sessions.open(c.person.Name, c.person.ID, revision, o.idle), Name: c.person.Name, May: c.rights(),
		ExpiresAt: d.Now().Add(longest).UTC().Truncate(time.Second)}, nil
}

// signedIn is the entry of the audit log. A name that nobody has is not in it:
// people type their PIN there.
func signedIn(c caller, right bool, o origin, now time.Time) api.AuditRecord {
	a := api.AuditRecord{Time: now, Who: "box", What: "sign-in-failed", Text: o.from}
	if c.person != nil {
		a.Object = c.person.Name
	}
	if right {
		a.Who, a.What = c.person.Name, "sign-in"
	}
	return a
}

// mayTry says how long somebody has to wait before the next try.
func (d *Desk) mayTry(ctx context.Context, what string, subjects ...string) *failure {
	var most time.Duration
	for _, s := range subjects {
		wait, err := d.Store.WaitTry(ctx, s, d.Now())
		if err != nil {
			return d.internal("read tries", err)
		}
		most = max(most, wait)
	}
	if most > 0 {
		return tooMany(most, what)
	}
	return nil
}

// checkPIN takes as long for a name that nobody has as for one that somebody
// has. The caller is set if the name is that of somebody.
func (d *Desk) checkPIN(name, pin string) (c caller, revision int64, right bool) {
	d.once.Do(func() { d.dummy = trust.NewVerifier(rand.Text()) })
	verifier, known := d.dummy, false
	c, in := d.callerNamed(name)
	if in {
		if own, of, ok := d.verifier(c); ok {
			verifier, revision, known = own, of, true
		}
	}
	match, err := d.compare(verifier, pin)
	if err != nil {
		d.Log.Error("the PIN of a person cannot be checked", "person", name, "error", err)
	}
	if !in {
		c = caller{}
	}
	return c, revision, match && known
}

func (d *Desk) compare(verifier, pin string) (bool, error) {
	if d.checked != nil {
		d.checked(verifier)
	}
	return trust.CheckPassword(verifier, pin)
}

// sealedPIN is the newest PIN of a person in the policy; nil without one.
func sealedPIN(s *policy.Snapshot, p *osd.Person) *policy.Sealed {
	var newest *policy.Sealed
	for i := range s.Sealed {
		one := &s.Sealed[i]
		if one.Kind == policy.SealedPIN && one.Object == p.ID && (newest == nil || one.Revision > newest.Revision) {
			newest = one
		}
	}
	return newest
}

func (d *Desk) verifier(c caller) (verifier string, revision int64, ok bool) {
	e := d.Evaluator()
	if e == nil || d.Unseal == nil {
		return "", 0, false
	}
	sealed := sealedPIN(e.Snapshot(), c.person)
	if sealed == nil {
		return "", 0, false
	}
	raw, err := d.Unseal(*sealed)
	if err != nil {
		d.Log.Error("the PIN of a person cannot be opened", "person", c.person.Name, "error", err)
		return "", 0, false
	}
	return string(raw), sealed.Revision, true
}

// bySession finds who a token is, by the policy in force. A session ends when
// that no longer lets the person in, or has another PIN of his.
func (d *Desk) bySession(token string, touch bool) (caller, *failure) {
	ended := func() (caller, *failure) {
		return caller{}, fail(api.CodeUnauthorized, "", "the session has ended, or never was").remedy("sign in again")
	}
	s, ok := d.sessions.find(token, touch)
	if !ok {
		return ended()
	}
	c, in := d.callerNamed(s.name)
	if in && c.person.ID == s.id {
		if pin := sealedPIN(d.Evaluator().Snapshot(), c.person); pin != nil && pin.Revision == s.revision {
			return c, nil
		}
	}
	d.sessions.close(token)
	return ended()
}

// byCertificate finds who a client certificate is. The TLS layer has checked the
// chain; here the leaf must be that of a person, signed by the site itself: a
// box's intermediate signs for nobody's name.
func (d *Desk) byCertificate(cert *x509.Certificate, path string) (caller, *failure) {
	if d.Now().After(cert.NotAfter) { // it was good at the handshake; the connection lived longer
		return caller{}, fail(api.CodeUnauthorized, path, "the certificate ended at %s", cert.NotAfter.UTC().Format(time.RFC3339))
	}
	self := d.Self()
	ca, err := self.Anchor.Certificate()
	if err != nil {
		return caller{}, d.internal("read the anchor", err)
	}
	if len(cert.DNSNames) == 1 && cert.CheckSignatureFrom(ca) == nil {
		if name, site, ok := trust.ParsePersonName(cert.DNSNames[0]); ok && site == self.Site {
			c, in := d.callerNamed(name)
			switch {
			case in && d.listed(c, cert):
				return c, nil
			case in:
				return caller{}, fail(api.CodeUnauthorized, name, "the certificate was revoked, or policy does not know it yet").remedy("sign in with a PIN, or get a new one: bootward person certificate %s", name)
			}
			return caller{}, fail(api.CodeForbidden, name, "may do nothing at this box")
		}
	}
	return caller{}, fail(api.CodeForbidden, path, "the certificate is not that of a person")
}

// listed says whether policy holds a certificate as good: one that was revoked at
// the site is not in it any more.
func (d *Desk) listed(c caller, cert *x509.Certificate) bool {
	sum := sha256.Sum256(cert.Raw)
	return slices.Contains(d.Evaluator().Snapshot().Certificates[c.person.Name], hex.EncodeToString(sum[:]))
}
