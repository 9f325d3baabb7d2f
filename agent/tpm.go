package agent

import (
	"errors"
	"io/fs"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/trust/tpm"
)

// maxChallenges is how often a claim is challenged in a row: more means that the
// box takes no proof.
const maxChallenges = 4

// openTPM names the machine's TPM in a claim. Without one, and with one that cannot
// be used, the claim goes on without: the box asks a person where it needs to.
func (s *session) openTPM(claim *api.Claim) (*tpm.Device, func()) {
	open := s.conf.TPM
	if open == nil {
		return nil, func() {}
	}
	d, err := open()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.log.Info("the machine has no TPM 2.0", "component", "TSPXE")
		return nil, func() {}
	case err != nil:
		s.log.Warn("the TPM cannot be used; going on without", "component", "TSPXE", "error", err)
		return nil, func() {}
	}
	claim.TPM = &api.TPM{Key: d.Key, Name: d.Name}
	return d, func() {
		if err := d.Close(); err != nil {
			s.log.Warn("close the TPM", "component", "TSPXE", "error", err)
		}
	}
}

// prove answers the box's n-th challenge in a row. A TPM that fails now may answer the
// next one; a box that takes no proof, or a TPM that gives none, is left to a claim
// without.
func (s *session) prove(d *tpm.Device, claim *api.Claim, c *tpm.Challenge, n int) error {
	switch {
	case d == nil || claim.TPM == nil:
		return api.Errorf(api.CodeInvalid, "claim", "the box asks for a TPM that the claim does not name")
	case n > maxChallenges:
		s.log.Warn("no proof of the TPM is taken; going on without", "component", "TSPXE")
		claim.TPM = nil
		return nil
	}
	claim.TPM = &api.TPM{Key: d.Key, Name: d.Name}
	proof, err := d.Prove(*c, s.cred.Public())
	if err != nil {
		s.log.Warn("the TPM does not answer the box", "component", "TSPXE", "error", err)
		return nil
	}
	s.log.Info("the TPM has answered the box", "component", "TSPXE")
	claim.TPM.Proof = proof
	return nil
}
