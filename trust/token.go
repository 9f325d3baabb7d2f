package trust

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// NewToken makes a one-time enrolment token, one line of printable ASCII:
//
//	bw1.<fingerprint of the anchor>.<32 random bytes, base64url>
//
// The box learns from it which anchor to believe, the site whether to believe
// the box. The site keeps only TokenHash of it.
func NewToken(anchorFingerprint string) (string, error) {
	if !isFingerprint(anchorFingerprint) {
		return "", fmt.Errorf("enrolment token: fingerprint %q: want 32 hexadecimal digits", anchorFingerprint)
	}
	var secret [tokenSecret]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return "", fmt.Errorf("enrolment token: %w", err)
	}
	return tokenPrefix + anchorFingerprint + "." + base64.RawURLEncoding.EncodeToString(secret[:]), nil
}

const (
	tokenPrefix = "bw1."
	tokenSecret = 32
)

// ParseToken gives the fingerprint of the anchor that a token names. The text
// may have white space around it, as files have.
func ParseToken(token string) (fingerprint string, err error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(token), tokenPrefix)
	fingerprint, secret, dot := strings.Cut(rest, ".")
	if !ok || !dot || !isFingerprint(fingerprint) {
		return "", errors.New("enrolment token: not of the form bw1.<fingerprint>.<secret>; copy the whole line")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	if err != nil || len(raw) != tokenSecret {
		return "", errors.New("enrolment token: the secret is damaged; copy the whole line")
	}
	return fingerprint, nil
}

// TokenHash is what the site keeps of a token: SHA-256 in hexadecimal. The
// secret is random and long, so no salt and no slow hash are needed.
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return hex.EncodeToString(sum[:])
}

func isFingerprint(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 16 && s == strings.ToLower(s)
}
