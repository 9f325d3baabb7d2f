package tpm

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/bootward/bootward/internal/swtpm"
)

func open(t *testing.T, start func() transport.TPMCloser) *Device {
	t.Helper()
	d, err := Use(start())
	fatal(t, err)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func clientKey(t testing.TB) *ecdsa.PublicKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(t, err)
	return &k.PublicKey
}

// TestProof: a TPM that is not ours opens what was encrypted to it, and no other
// TPM does; the endorsement key is the same each time, and of each TPM another.
func TestProof(t *testing.T) {
	ours, theirs := swtpm.Start(t), swtpm.Start(t)
	d := open(t, ours)
	secret := bytes.Repeat([]byte{7}, SecretSize)
	c, err := NewChallenge(d.Key, d.Name, secret)
	fatal(t, err)
	client := clientKey(t)
	got, err := d.Prove(*c, client)
	fatal(t, err)
	want, err := Proof(secret, client)
	fatal(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("proof %x, want %x", got, want)
	}
	if other, err := Proof(secret, clientKey(t)); err != nil || bytes.Equal(got, other) {
		t.Errorf("the proof is good for another key too: %v", err)
	}
	first, err := Digest(d.Key)
	fatal(t, err)
	fatal(t, d.Close())
	d.bound, d.endorsement, d.tpm = loaded{}, loaded{}, closed{}
	if again := open(t, ours); !bytes.Equal(again.Key, d.Key) {
		t.Error("the endorsement key is another one when it is asked for again")
	}
	foreign := open(t, theirs)
	if second, err := Digest(foreign.Key); err != nil || second == first || !IsDigest(second) {
		t.Errorf("digest of another TPM: %s, %v", second, err)
	}
	foreign.Name = d.Name
	if p, err := foreign.Prove(*c, client); err == nil {
		t.Errorf("another TPM opened the challenge: %x", p)
	}
}

type closed struct{ transport.TPM }

func (closed) Close() error { return nil }

// TestBoundToTheObject: a TPM does not open a challenge that names an object which
// it does not hold.
func TestBoundToTheObject(t *testing.T) {
	d := open(t, swtpm.Start(t))
	name := bytes.Clone(d.Name)
	name[5]++
	c, err := NewChallenge(d.Key, name, make([]byte, SecretSize))
	fatal(t, err)
	if _, err := d.Prove(*c, clientKey(t)); err == nil {
		t.Error("the challenge was opened")
	}
}

// TestRSA: a TPM without elliptic curves proves itself by its RSA key.
func TestRSA(t *testing.T) {
	d := &Device{tpm: swtpm.Start(t)()}
	public, err := d.create(tpm2.TPMRHEndorsement, tpm2.RSAEKTemplate, &d.endorsement)
	fatal(t, err)
	_, err = d.create(tpm2.TPMRHNull, ephemeral(), &d.bound)
	fatal(t, err)
	t.Cleanup(func() { fatal(t, d.Close()) })
	key, err := tpm2.Pub(*public)
	fatal(t, err)
	pkix, err := x509.MarshalPKIXPublicKey(key)
	fatal(t, err)
	secret, client := bytes.Repeat([]byte{9}, SecretSize), clientKey(t)
	c, err := NewChallenge(pkix, d.bound.name.Buffer, secret)
	fatal(t, err)
	got, err := d.Prove(*c, client)
	fatal(t, err)
	if want, err := Proof(secret, client); err != nil || !bytes.Equal(got, want) {
		t.Errorf("proof %x, want %x: %v", got, want, err)
	}
}

// TestEndorsementPassword: a TPM whose endorsement hierarchy has a password says so,
// and does not prove itself.
func TestEndorsementPassword(t *testing.T) {
	start := swtpm.Start(t)
	raw := start()
	_, err := tpm2.HierarchyChangeAuth{AuthHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHEndorsement, Auth: tpm2.PasswordAuth(nil)}, NewAuth: tpm2.TPM2BAuth{Buffer: []byte("x")}}.Execute(raw)
	fatal(t, errors.Join(err, raw.Close()))
	if _, err := Use(start()); err == nil || !strings.Contains(err.Error(), "endorsement key") {
		t.Errorf("%v, want a failure about the endorsement key", err)
	}
}

func TestNoTPM(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "tpmrm0")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want that it does not exist", err)
	}
}

func TestWrongKeys(t *testing.T) {
	marshal := func(key any) []byte {
		b, err := x509.MarshalPKIXPublicKey(key)
		fatal(t, err)
		return b
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	fatal(t, err)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	fatal(t, err)
	good := marshal(clientKey(t))
	for name, key := range map[string][]byte{"nothing": nil, "no key": []byte("x"), "long": make([]byte, maxKey+1), "curve": marshal(&p384.PublicKey),
		"small": marshal(&small.PublicKey), "more behind it": append(bytes.Clone(good), 0)} {
		if d, err := Digest(key); err == nil {
			t.Errorf("%s: digest %s", name, d)
		}
	}
	for name, object := range map[string][]byte{"nothing": nil, "short": {0, 11}, "another algorithm": append([]byte{0, 12}, make([]byte, 32)...)} {
		if _, err := NewChallenge(good, object, make([]byte, SecretSize)); err == nil {
			t.Errorf("a challenge for %s", name)
		}
	}
}

func FuzzChallenge(f *testing.F) {
	key, err := x509.MarshalPKIXPublicKey(clientKey(f))
	fatal(f, err)
	name := append([]byte{0, 11}, make([]byte, 32)...)
	f.Add(key, name)
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, name []byte) {
		c, err := NewChallenge(key, name, make([]byte, SecretSize))
		if _, wrong := Digest(key); err == nil && (wrong != nil || len(c.Credential) == 0 || len(c.Secret) == 0) {
			t.Errorf("a challenge %+v for a key that is none: %v", c, wrong)
		}
	})
}
