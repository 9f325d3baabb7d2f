package trust

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of a verifier: argon2id (RFC 9106) with the parameters that OWASP's
// password storage sheet gives for machines with little memory. A box checks
// one password at a time.
const (
	argonMemory  = 19 << 10 // KiB
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
)

// NewVerifier makes what is kept of a password or a PIN, in the PHC notation:
// $argon2id$v=19$m=19456,t=2,p=1$salt$key.
func NewVerifier(password string) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, encode(salt), encode(key))
}

// CheckPassword says whether a password is that of a verifier. It takes as long
// for a wrong one as for the right one; a verifier that cannot be read is an
// error.
func CheckPassword(verifier, password string) (bool, error) {
	parts := strings.Split(verifier, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false, errors.New("password verifier: not of the form $argon2id$v=19$…")
	}
	var memory, time uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); err != nil {
		return false, fmt.Errorf("password verifier: parameters %q: %w", parts[3], err)
	}
	// What a verifier costs is bounded: one may come from a damaged file.
	if memory < 8 || memory > 256<<10 || time < 1 || time > 16 || threads < 1 || threads > 8 {
		return false, fmt.Errorf("password verifier: parameters %q are out of bounds", parts[3])
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err := errors.Join(err1, err2); err != nil || len(salt) < 8 || len(want) < 16 || len(want) > 64 {
		return false, errors.New("password verifier: salt or key is damaged")
	}
	got := argon2.IDKey([]byte(password), salt, time, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
