package trust

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// The types of signed payloads. A signature covers the type, so that a
// manifest cannot be replayed as policy.
const (
	TypeTrust    = "bootward.trust.v1"
	TypePolicy   = "bootward.policy.v1"
	TypeGrant    = "bootward.grant.v1"
	TypeManifest = "bootward.manifest.v1"
)

// MaxEnvelope is the largest envelope that Open takes, in bytes.
const MaxEnvelope = 64 << 20

// maxSignatures bounds the work that a hostile envelope can ask for.
const maxSignatures = 16

// Envelope is a signed payload in the form of DSSE v1
// (github.com/secure-systems-lab/dsse, envelope.md): payload and signatures
// are in base64, and the signature covers the type as well as the payload.
type Envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     []byte      `json:"payload"`
	Signatures  []Signature `json:"signatures"`
}

// Signature is one signature of an envelope.
type Signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// ErrSignature is what Open returns when no signature of a known key fits.
var ErrSignature = errors.New("no valid signature of a trusted key")

// KeyID names an ed25519 public key: the first 16 bytes of its SHA-256, in
// hexadecimal.
func KeyID(pub ed25519.PublicKey) string {
	sum := sha256.Sum256(pub)
	return hex.EncodeToString(sum[:16])
}

// Sign puts a payload into an envelope of the type, signed with the key.
func Sign(payloadType string, payload []byte, key ed25519.PrivateKey) Envelope {
	return Envelope{
		PayloadType: payloadType,
		Payload:     payload,
		Signatures: []Signature{{
			KeyID: KeyID(key.Public().(ed25519.PublicKey)),
			Sig:   ed25519.Sign(key, preAuthEncoding(payloadType, payload)),
		}},
	}
}

// Open checks that raw is an envelope of the wanted type with a signature of
// one of the keys, and returns its payload. Nothing of the payload is looked
// at before the signature is known to be good. A signature by an unknown key
// does no harm beside a good one, so that keys can be changed.
func Open(raw []byte, wantType string, keys []ed25519.PublicKey) ([]byte, error) {
	if len(raw) > MaxEnvelope {
		return nil, fmt.Errorf("envelope: %d bytes, at most %d are taken", len(raw), MaxEnvelope)
	}
	var e Envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	if e.PayloadType != wantType {
		return nil, fmt.Errorf("envelope: type is %q, want %q", e.PayloadType, wantType)
	}
	if len(e.Signatures) > maxSignatures {
		return nil, fmt.Errorf("envelope: %d signatures, at most %d are taken", len(e.Signatures), maxSignatures)
	}
	message := preAuthEncoding(e.PayloadType, e.Payload)
	for _, s := range e.Signatures {
		for _, k := range keys {
			if len(k) == ed25519.PublicKeySize && s.KeyID == KeyID(k) && ed25519.Verify(k, message, s.Sig) {
				return e.Payload, nil
			}
		}
	}
	return nil, fmt.Errorf("envelope of type %s: %w", wantType, ErrSignature)
}

// preAuthEncoding is PAE of DSSE v1 (protocol.md).
func preAuthEncoding(payloadType string, payload []byte) []byte {
	head := fmt.Sprintf("DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload))
	return append([]byte(head), payload...)
}
