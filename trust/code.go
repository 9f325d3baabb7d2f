package trust

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"fmt"
)

// NonceSize is the length of the nonce of an approval code, in bytes.
const NonceSize = 32

// ApprovalCode is the code that a person compares at the target and at the box or
// the site: six digits over both keys and a nonce. The box chooses the nonce
// after it has seen the client's key, so nobody can look for a key whose code is
// that of another machine.
func ApprovalCode(box, client *ecdsa.PublicKey, nonce []byte) (string, error) {
	if len(nonce) != NonceSize {
		return "", fmt.Errorf("approval code: a nonce of %d bytes, want %d", len(nonce), NonceSize)
	}
	h := sha256.New()
	h.Write([]byte("bootward.approval.v1"))
	for _, key := range []*ecdsa.PublicKey{box, client} {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return "", fmt.Errorf("approval code: %w", err)
		}
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(der))))
		h.Write(der)
	}
	h.Write(nonce)
	n := binary.BigEndian.Uint64(h.Sum(nil)) % 1_000_000
	return fmt.Sprintf("%03d-%03d", n/1000, n%1000), nil
}

// NormalizeCode reads a code as people type it: with or without a hyphen or
// spaces. It is empty for what is no code.
func NormalizeCode(typed string) string {
	digits := make([]byte, 0, 6)
	for i := 0; i < len(typed); i++ {
		switch c := typed[i]; {
		case c >= '0' && c <= '9':
			digits = append(digits, c)
		case c == '-' || c == ' ':
		default:
			return ""
		}
	}
	if len(digits) != 6 {
		return ""
	}
	return string(digits[:3]) + "-" + string(digits[3:])
}
