package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// NewKey makes a key for a certificate: ECDSA on P-256.
func NewKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("new key: %w", err)
	}
	return key, nil
}

// MarshalKey gives a private key, ECDSA or ed25519, as PEM of type PRIVATE
// KEY (PKCS #8, RFC 5958). Whoever stores it sees to mode 0600.
func MarshalKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("marshal key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParseKey reads a key for certificates that MarshalKey wrote.
func ParseKey(text []byte) (*ecdsa.PrivateKey, error) {
	key, err := parsePKCS8(text)
	if err != nil {
		return nil, err
	}
	if k, ok := key.(*ecdsa.PrivateKey); ok && k.Curve == elliptic.P256() {
		return k, nil
	}
	return nil, fmt.Errorf("key: it is a %T, want ECDSA on P-256", key)
}

// ParseSigningKey reads an ed25519 key that MarshalKey wrote.
func ParseSigningKey(text []byte) (ed25519.PrivateKey, error) {
	key, err := parsePKCS8(text)
	if err != nil {
		return nil, err
	}
	if k, ok := key.(ed25519.PrivateKey); ok {
		return k, nil
	}
	return nil, fmt.Errorf("signing key: it is a %T, want ed25519", key)
}

func parsePKCS8(text []byte) (any, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("key: not PEM of type PRIVATE KEY")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return key, nil
}

// NewCSR makes a certificate request (PKCS #10, RFC 2986) in DER that proves
// possession of the key. It asks for no names: the authority gives them.
func NewCSR(key crypto.Signer) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	return der, nil
}

// ParseCSR checks a request's signature and the kind of its key, and returns
// the key. Names and extensions that it asks for are ignored.
func ParseCSR(der []byte) (*ecdsa.PublicKey, error) {
	if len(der) > maxCSR {
		return nil, fmt.Errorf("certificate request: %d bytes, at most %d are taken", len(der), maxCSR)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	return checkPublic(csr.PublicKey)
}

const maxCSR = 8 << 10

func checkPublic(pub crypto.PublicKey) (*ecdsa.PublicKey, error) {
	if k, ok := pub.(*ecdsa.PublicKey); ok && k.Curve == elliptic.P256() {
		return k, nil
	}
	return nil, fmt.Errorf("certificate: the key is a %T, want ECDSA on P-256", pub)
}
