// Package trusttest makes the keys of a site, and certificates, for tests. What
// fails ends the test.
package trusttest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/tls"
	"testing"
	"time"

	"github.com/bootward/bootward/trust"
)

// Site is the authority of site CEN, its keys, and the anchor that holds all of
// them.
type Site struct {
	CA            *trust.Authority
	Root, Signing ed25519.PrivateKey
	Anchor        *trust.Anchor
	RawAnchor     []byte
}

// New makes a site.
func New(t testing.TB, now time.Time) *Site {
	t.Helper()
	s := &Site{}
	var err error
	s.CA, err = trust.NewAuthority("CEN", now)
	fatal(t, err)
	_, s.Root, err = ed25519.GenerateKey(nil)
	fatal(t, err)
	_, s.Signing, err = ed25519.GenerateKey(nil)
	fatal(t, err)
	s.RawAnchor, err = trust.NewAnchor("CEN", s.Root, []ed25519.PublicKey{s.Signing.Public().(ed25519.PublicKey)}, s.CA.PEM(), now)
	fatal(t, err)
	s.Anchor, err = trust.ParseAnchor(s.RawAnchor)
	fatal(t, err)
	return s
}

// Key makes a key, and a request for a certificate of it.
func Key(t testing.TB) (key *ecdsa.PrivateKey, csr []byte) {
	t.Helper()
	key, err := trust.NewKey()
	fatal(t, err)
	csr, err = trust.NewCSR(key)
	fatal(t, err)
	return key, csr
}

// Box is the authority of a box that another one vouches for.
func Box(t testing.TB, ca *trust.Authority, name string, now time.Time) *trust.Authority {
	t.Helper()
	key, csr := Key(t)
	chain, err := ca.BoxIntermediate(csr, name, now)
	fatal(t, err)
	box, err := trust.ParseAuthority(chain, key)
	fatal(t, err)
	return box
}

// Pair is a chain of certificates with its key, as TLS wants it.
func Pair(t testing.TB, chain []byte, key *ecdsa.PrivateKey) *tls.Certificate {
	t.Helper()
	keyPEM, err := trust.MarshalKey(key)
	fatal(t, err)
	pair, err := trust.KeyPair(chain, keyPEM)
	fatal(t, err)
	return pair
}

// Job makes a certificate for the name of a job, good for an hour.
func Job(t testing.TB, by *trust.Authority, id string, at time.Time) (*tls.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, csr := Key(t)
	chain, _, err := by.Job(csr, id, at, time.Hour)
	fatal(t, err)
	return Pair(t, chain, key), key
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
