package agent

import (
	"bytes"
	"crypto/ecdsa"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/swtpm"
	"github.com/bootward/bootward/trust/tpm"
)

// TestTPMAnswers: the agent proves its TPM to a box that asks, keeps the proof while
// it waits for approval, answers anew when the box forgot its challenge, and claims
// without a TPM where there is none, or where the box takes no proof.
func TestTPMAnswers(t *testing.T) {
	start := swtpm.Start(t)
	use := func() (*tpm.Device, error) { return tpm.Use(start()) }
	secret := bytes.Repeat([]byte{1}, tpm.SecretSize)
	for _, tt := range []struct {
		name   string
		open   func() (*tpm.Device, error)
		forget int  // claims after which the box wants another proof
		deaf   bool // the box takes no proof
		proven bool // of the last claim
		claims int
	}{
		{name: "proves", open: use, proven: true, claims: 4},
		{name: "the box started again", open: use, forget: 3, proven: true, claims: 4},
		{name: "no TPM", open: func() (*tpm.Device, error) { return nil, fs.ErrNotExist }, claims: 4},
		{name: "a TPM that fails", open: func() (*tpm.Device, error) { return nil, errors.New("lockout") }, claims: 4},
		{name: "not looked for", claims: 4},
		{name: "a box that takes no proof", open: use, deaf: true, claims: 2 + maxChallenges},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newAsking(t)
			b.answer = func(n int, _ *ecdsa.PublicKey) (*api.Pending, *api.Error) {
				if n < tt.claims {
					return b.pending(b.auth.Certificate.PublicKey), nil
				}
				return nil, nil
			}
			b.challenge = func(c api.Claim, key *ecdsa.PublicKey) *tpm.Challenge {
				if c.TPM == nil {
					return nil
				}
				want, err := tpm.Proof(secret, key)
				if err == nil && bytes.Equal(want, c.TPM.Proof) && !tt.deaf && len(b.claims) != tt.forget {
					return nil
				}
				asked, failed := tpm.NewChallenge(c.TPM.Key, c.TPM.Name, secret)
				if err := errors.Join(err, failed); err != nil {
					t.Error(err)
				}
				return asked
			}
			s := b.newSession(&bytes.Buffer{})
			s.conf.TPM, s.pollPause = tt.open, time.Millisecond
			if err := s.claim(t.Context(), api.Offer{Advertisement: "A1"}, true); err != nil {
				t.Fatal(err)
			}
			last := b.claims[len(b.claims)-1]
			if len(b.claims) != tt.claims || (last.TPM != nil && len(last.TPM.Proof) > 0) != tt.proven || last.TPM != nil != tt.proven {
				t.Errorf("%d claims, want %d; the last one: %+v", len(b.claims), tt.claims, last.TPM)
			}
		})
	}
}
