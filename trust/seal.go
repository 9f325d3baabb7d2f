package trust

import (
	"crypto/hpke"
	"encoding/pem"
	"errors"
	"fmt"
)

// Sealing is HPKE (RFC 9180, base mode) with one suite: the hybrid KEM of
// X25519 and ML-KEM-768, HKDF-SHA256, AES-256-GCM. What is sealed lies on disks
// and in backups for years, so the key agreement must outlive the next kind of
// computer. context binds a sealed value to what it is for: one that is moved to
// another place cannot be opened there.

// maxSecret is the longest value that is sealed, in bytes.
const maxSecret = 64 << 10

// SealingKey opens what was sealed to its public half.
type SealingKey struct{ key hpke.PrivateKey }

// NewSealingKey makes a key at random.
func NewSealingKey() (*SealingKey, error) {
	key, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	return &SealingKey{key}, nil
}

// ParseSealingKey reads what Bytes wrote.
func ParseSealingKey(raw []byte) (*SealingKey, error) {
	key, err := hpke.MLKEM768X25519().NewPrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	return &SealingKey{key}, nil
}

// Bytes is the private key, for a file of mode 0600.
func (k *SealingKey) Bytes() ([]byte, error) { return k.key.Bytes() }

// sealingPEM is the PEM type of files with a sealing key: the seed of the KEM
// (X-Wing, 32 bytes), for which PKCS #8 has no name yet.
const sealingPEM = "BOOTWARD SEALING KEY"

// PEM is the private key as text, for a file of mode 0600.
func (k *SealingKey) PEM() ([]byte, error) {
	raw, err := k.Bytes()
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: sealingPEM, Bytes: raw}), nil
}

// ParseSealingPEM reads what PEM wrote.
func ParseSealingPEM(text []byte) (*SealingKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != sealingPEM {
		return nil, fmt.Errorf("sealing key: not PEM of type %s", sealingPEM)
	}
	return ParseSealingKey(block.Bytes)
}

// Public is the public key, which anybody may know.
func (k *SealingKey) Public() []byte { return k.key.PublicKey().Bytes() }

// Open opens a value that was sealed to this key for the same context.
func (k *SealingKey) Open(context string, sealed []byte) ([]byte, error) {
	if len(sealed) > 2*maxSecret {
		return nil, fmt.Errorf("sealed value: %d bytes, at most %d are taken", len(sealed), 2*maxSecret)
	}
	secret, err := hpke.Open(k.key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(context), sealed)
	if err != nil {
		return nil, errors.New("sealed value: it is damaged, was sealed to another key, or for another purpose")
	}
	return secret, nil
}

// Seal seals a secret to a public key for a context. Two calls never give the
// same bytes.
func Seal(public []byte, context string, secret []byte) ([]byte, error) {
	if len(secret) > maxSecret {
		return nil, fmt.Errorf("seal: a secret of %d bytes, at most %d are taken", len(secret), maxSecret)
	}
	key, err := hpke.MLKEM768X25519().NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("seal: public key: %w", err)
	}
	sealed, err := hpke.Seal(key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(context), secret)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// CheckSealingKey says whether bytes are a public key that Seal takes.
func CheckSealingKey(public []byte) error {
	if _, err := hpke.MLKEM768X25519().NewPublicKey(public); err != nil {
		return fmt.Errorf("sealing key: %w", err)
	}
	return nil
}
