package managementpoint

import (
	"context"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/trust/tpm"
)

// byTPM stands for the person who approved a computer whose TPM is known.
const byTPM = "its TPM, which the site knows"

// challenges are the secrets that TPMs are asked for: made anew from one key rather
// than remembered, since anybody can claim. The zero value is ready; it is used with
// claims locked.
type challenges struct{ key []byte }

// secret is that of one claim: of its key, the TPM that it names and the object in it.
func (c *challenges) secret(key *ecdsa.PublicKey, t *api.TPM) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	if c.key == nil {
		c.key = make([]byte, sha256.Size)
		rand.Read(c.key)
	}
	mac := hmac.New(sha256.New, c.key)
	for _, part := range [][]byte{der, t.Key, t.Name} {
		sum := sha256.Sum256(part)
		mac.Write(sum[:])
	}
	return mac.Sum(nil), nil
}

// proven is the digest of the endorsement key of the machine that claims, empty when
// it names no TPM. Until it has shown that it holds the TPM there is a challenge: a
// claim that lost its proof, because the box started again, is challenged anew.
func (p *Point) proven(c api.Claim, key *ecdsa.PublicKey) (digest string, challenge *tpm.Challenge, refused *api.Error) {
	if c.TPM == nil {
		return "", nil, nil
	}
	digest, err := tpm.Digest(c.TPM.Key)
	if err != nil {
		return "", nil, api.Errorf(api.CodeInvalid, "tpm", "%v", err)
	}
	secret, err := p.challenges.secret(key, c.TPM)
	if err != nil {
		return "", nil, internal(err)
	}
	want, err := tpm.Proof(secret, key)
	if err != nil {
		return "", nil, internal(err)
	}
	if len(c.TPM.Proof) > 0 && hmac.Equal(want, c.TPM.Proof) {
		return digest, nil, nil
	}
	if challenge, err = tpm.NewChallenge(c.TPM.Key, c.TPM.Name, secret); err != nil {
		return "", nil, api.Errorf(api.CodeInvalid, "tpm", "%v", err)
	}
	return "", challenge, nil
}

// warnTPM raises an alarm for a machine that shows the labels of a computer, and
// not the TPM that the site knows of it. What the machine says of itself is in the log
// alone: alarms that are alike are shown once.
func (p *Point) warnTPM(ctx context.Context, v Verdict, id api.Identity, what string) {
	p.Log.Warn("a machine shows the labels of a computer, and not its TPM", "computer", v.Computer.Name, "machine", identityText(id), "what", what)
	p.raise(ctx, id.MACs[0], "", "ALARM: a machine claims as "+v.Computer.Name+" and does not prove the TPM that the site knows of it: "+what)
}

// warnForeign refuses a machine that claims while a job runs, under the labels of a
// computer whose TPM it does not have: unlike two that only show labels, it stops
// nobody.
func (p *Point) warnForeign(ctx context.Context, v Verdict, id api.Identity) *api.Error {
	p.warnTPM(ctx, v, id, "it was refused while job "+v.Open.ID+" runs")
	return api.Errorf(api.CodeConflict, "", "a job runs under the labels of this machine, and it does not prove the TPM that the site knows").
		WithRemedy("find the machine; if its board was replaced: bootward computer replace")
}
