// Package tpm proves that a machine holds the TPM 2.0 it names, by its endorsement key: the one key of a TPM that
// stays the same for its life, also when it is cleared. The verifier encrypts a secret to that key
// (TPM 2.0 Library, part 1, chapter 24, "Credential Protection"); only the TPM opens it, and what it opened answers
// for the public key that the machine claims with. No certificate of a maker is looked at: which key belongs to
// which machine, a person has said once.
//
// It never uses the owner hierarchy, changes nothing that stays in a TPM, and trusts nothing of what is measured:
// it says which hardware speaks, not which software.
package tpm

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"

	"github.com/google/go-tpm/tpm2"
)

// Sizes, in bytes.
const (
	// SecretSize is that of the secret of a challenge.
	SecretSize = 32
	// nameSize is that of a name: the algorithm and a SHA-256.
	nameSize = 2 + sha256.Size
	// maxKey is that of a public key of 2048 bits in PKIX, and more.
	maxKey = 512
)

// Challenge is a secret that only one TPM can open, and only while it holds the
// object of one name. Both members are what TPM2_ActivateCredential takes, without
// their sizes.
type Challenge struct {
	Credential []byte `json:"credential"`
	Secret     []byte `json:"secret"`
}

// digest is how Digest writes a key.
var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// IsDigest says whether a text can be the digest of an endorsement key.
func IsDigest(s string) bool { return digest.MatchString(s) }

// Digest names an endorsement key: the SHA-256 of its PKIX form, in hexadecimal. Keys are those of the templates L-1
// (RSA 2048) and L-2 (ECC P-256) of the TCG EK Credential Profile.
func Digest(pkix []byte) (string, error) {
	if _, err := template(pkix); err != nil {
		return "", err
	}
	sum := sha256.Sum256(pkix)
	return hex.EncodeToString(sum[:]), nil
}

// NewChallenge encrypts a secret for the TPM with an endorsement key in PKIX form,
// to be opened while it holds the object of a name.
func NewChallenge(pkix, name, secret []byte) (*Challenge, error) {
	public, err := template(pkix)
	if err != nil {
		return nil, err
	}
	if len(name) != nameSize || binary.BigEndian.Uint16(name) != uint16(tpm2.TPMAlgSHA256) {
		return nil, fmt.Errorf("name of a TPM's object: %d bytes, want that of SHA-256, %d bytes", len(name), nameSize)
	}
	key, err := tpm2.ImportEncapsulationKey(public)
	if err != nil {
		return nil, fmt.Errorf("endorsement key: %w", err)
	}
	var c Challenge
	if c.Credential, c.Secret, err = tpm2.CreateCredential(rand.Reader, key, name, secret); err != nil {
		return nil, fmt.Errorf("challenge a TPM: %w", err)
	}
	return &c, nil
}

// Proof answers a challenge for the public key that a machine claims with: whoever
// passes it on under another key has proven nothing.
func Proof(secret []byte, client *ecdsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(client)
	if err != nil {
		return nil, fmt.Errorf("proof of a TPM: %w", err)
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("bootward.tpm.v1"))
	mac.Write(der)
	return mac.Sum(nil), nil
}

// template is the public area of an endorsement key: only the key itself is taken
// from whoever shows it. Another form of the same key would have another digest.
func template(pkix []byte) (*tpm2.TPMTPublic, error) {
	if len(pkix) > maxKey {
		return nil, fmt.Errorf("endorsement key of %d bytes, at most %d are taken", len(pkix), maxKey)
	}
	parsed, err := x509.ParsePKIXPublicKey(pkix)
	if err != nil {
		return nil, fmt.Errorf("endorsement key: %w", err)
	}
	if again, err := x509.MarshalPKIXPublicKey(parsed); err != nil || string(again) != string(pkix) {
		return nil, errors.New("endorsement key: it is not in its shortest form (DER)")
	}
	return area(parsed)
}

func area(key crypto.PublicKey) (*tpm2.TPMTPublic, error) {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		point, err := k.ECDH()
		if err != nil || point.Curve() != ecdh.P256() {
			return nil, errors.New("endorsement key: an elliptic curve other than P-256")
		}
		t := tpm2.ECCEKTemplate
		x, y := point.Bytes()[1:33], point.Bytes()[33:]
		t.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{X: tpm2.TPM2BECCParameter{Buffer: x}, Y: tpm2.TPM2BECCParameter{Buffer: y}})
		return &t, nil
	case *rsa.PublicKey:
		if k.N.BitLen() != 2048 || k.E != 65537 {
			return nil, fmt.Errorf("endorsement key: RSA of %d bits with exponent %d, want 2048 and 65537", k.N.BitLen(), k.E)
		}
		t := tpm2.RSAEKTemplate
		t.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgRSA, &tpm2.TPM2BPublicKeyRSA{Buffer: k.N.Bytes()})
		return &t, nil
	}
	return nil, fmt.Errorf("endorsement key: a %T, want RSA or ECDSA", key)
}
