package managementpoint

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"reflect"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
)

// approvalLife is how long a machine waits for a person under one code.
const approvalLife = 15 * time.Minute

// drawCodes is how often a nonce is drawn until its code is none that another
// machine shows: of six digits and few machines the first nearly always is not.
const drawCodes = 16

// consent is what stands behind a claim besides labels.
type consent struct {
	// who approved the machine; empty if nobody was asked.
	who string
	// tpm is the digest of the endorsement key that a person approved with the
	// machine, and that its computer does not have yet.
	tpm string
	// pending is set while nobody has decided: nothing is opened.
	pending *api.Pending
}

// byPassword stands for the person who approved a machine by the PXE password.
const byPassword = "a person at the machine who knew the PXE password"

// consent finds out whether a person has to agree to a claim, and whether one
// did. A key that waits gets the same nonce again until somebody decided.
func (p *Point) consent(ctx context.Context, v Verdict, o policy.Offer, c claimant) (consent, *api.Error) {
	mine, asked, err := p.Store.ApprovalByKey(ctx, fingerprint(c.key), p.Now())
	if err != nil {
		return consent{}, internal(err)
	}
	sealed := sealedPassword(p.Policy())
	passed := sealed != nil && p.passes(c.Ticket, v.Machine, sealed)
	why := v.Approval(&o, policy.Proof{Password: passed, TPM: c.tpm})
	switch {
	case why == "" && v.Approval(&o, policy.Proof{TPM: c.tpm}) != "":
		return consent{who: byPassword}, nil
	case why == "" && v.ProvenTPM(c.tpm):
		return consent{who: byTPM}, nil
	case why == "":
		return consent{}, nil
	}
	want, refused := p.wanted(ctx, v, o, c, why)
	switch {
	case refused != nil:
		return consent{}, refused
	case asked:
		by, refused := p.decided(mine, want)
		if by.who != "" && v.Expected().TPM != c.tpm {
			by.tpm = c.tpm
		}
		return by, refused
	}
	by, refused := p.ask(ctx, v, want, c.key)
	if refused == nil && v.ForeignTPM(c.tpm) {
		p.warnTPM(ctx, v, c.Identity, "it waits for a person")
	}
	return by, refused
}

// unlocked refuses what a person chooses without the PXE password, before anything
// else is told of it. A key that waits gave its ticket when it began to: for what it
// waits for, and for nothing else.
func (p *Point) unlocked(ctx context.Context, v Verdict, o policy.Offer, c claimant) *api.Error {
	sealed := sealedPassword(p.Policy())
	if sealed == nil || o.Mandatory || p.passes(c.Ticket, v.Machine, sealed) {
		return nil
	}
	mine, asked, err := p.Store.ApprovalByKey(ctx, fingerprint(c.key), p.Now())
	switch {
	case err != nil:
		return internal(err)
	case asked && mine.Advertisement == o.Advertisement.Name && v.Approval(&o, policy.Proof{TPM: c.tpm}) != "":
		return nil
	}
	return api.Errorf(api.CodeRefused, o.Advertisement.ID, "what a person chooses needs the PXE password of this box").
		WithRemedy("start the machine again and type the password")
}

// wanted is what a person is shown of a claim.
func (p *Point) wanted(ctx context.Context, v Verdict, o policy.Offer, c claimant, why string) (api.PendingApproval, *api.Error) {
	name, err := p.jobName(ctx, p.Evaluator(), v, o, c.Identity, c.Name)
	if err != nil {
		return api.PendingApproval{}, nameError(v, o, err)
	}
	id := c.Identity
	id.Inventory = nil // the labels are what a person compares
	if c.Replaces != "" {
		why += ", and it is to take the place of computer " + p.Evaluator().Computer(c.Replaces).Name // checkTyped has found it
	}
	return api.PendingApproval{Computer: name, Known: !v.Stranger(), Identity: id, Advertisement: o.Advertisement.Name, PlaceOf: c.Replaces,
		Sequence: o.Sequence.Name, Version: o.Sequence.Digest, Destructive: o.Sequence.Destructive, TPM: c.tpm, TPMWas: v.Expected().TPM, Why: why}, nil
}

// decided is what became of a claim that waited. What was approved is this
// machine and this deployment: a key that now says something else is refused.
func (p *Point) decided(a store.Approval, want api.PendingApproval) (consent, *api.Error) {
	switch {
	case a.Computer != want.Computer || a.Known != want.Known || a.Advertisement != want.Advertisement || a.Sequence != want.Sequence ||
		a.Version != want.Version || a.PlaceOf != want.PlaceOf || a.TPM != want.TPM || a.TPMWas != want.TPMWas || a.Destructive != want.Destructive || !reflect.DeepEqual(a.Identity, want.Identity):
		return consent{}, api.Errorf(api.CodeConflict, a.ID, "this key waits for approval of another machine or of another deployment").WithRemedy("start the machine again")
	case a.Decision == store.Approve:
		return consent{who: a.Who}, nil
	case a.Decision == store.Deny: // who denied it may be told: a person stands there
		return consent{}, api.Errorf(api.CodeRefused, "", "%s denied the deployment (code %s)", a.Who, a.Code)
	}
	return p.waiting(a)
}

// ask keeps a claim that waits.
func (p *Point) ask(ctx context.Context, v Verdict, want api.PendingApproval, key *ecdsa.PublicKey) (consent, *api.Error) {
	a := store.Approval{PendingApproval: want, Key: fingerprint(key)}
	replaced, refused := p.rivals(ctx, v, want, a.Key)
	if refused != nil {
		return consent{}, refused
	}
	for _, r := range replaced {
		a.Replaces = append(a.Replaces, r.ID)
	}
	a.ID, a.AskedAt = newJobID(), p.Now().UTC()
	a.ExpiresAt = a.AskedAt.Add(approvalLife)
	switch err := p.draw(ctx, &a, key); {
	case errors.Is(err, store.ErrTooManyWait):
		return consent{}, api.Errorf(api.CodeTooMany, "", "too many machines wait for approval at this box").
			WithRemedy("approve or deny those that wait, or wait: each ends after %s", approvalLife)
	case err != nil:
		return consent{}, internal(err)
	}
	for _, r := range replaced {
		p.noteReplaced(r.Key)
	}
	p.Log.Info("a machine waits for approval", "code", a.Code, "computer", a.Computer, "advertisement", a.Advertisement, "why", a.Why)
	p.tellSite()
	return p.waiting(a)
}

// draw chooses the nonce, now that the key is known, until no other machine that
// waits has the same code, and keeps the claim.
func (p *Point) draw(ctx context.Context, a *store.Approval, key *ecdsa.PublicKey) error {
	for range drawCodes {
		a.Nonce = make([]byte, trust.NonceSize)
		rand.Read(a.Nonce)
		var err error
		if a.Code, err = trust.ApprovalCode(p.boxKey(), key, a.Nonce); err != nil {
			return err
		}
		e := status.FlightEvent{Time: a.AskedAt, Client: a.Identity.MACs[0], What: status.FlightWaits, Text: "waits for approval of " + a.Advertisement + ", code " + a.Code + ": " + a.Why}
		if err := p.Store.AskApproval(ctx, *a, e); !errors.Is(err, store.ErrSameCode) {
			return err
		}
	}
	return store.ErrSameCode
}

// waiting is the answer to a claim that waits.
func (p *Point) waiting(a store.Approval) (consent, *api.Error) {
	box, err := x509.MarshalPKIXPublicKey(p.boxKey())
	if err != nil {
		return consent{}, internal(err)
	}
	return consent{pending: &api.Pending{Nonce: a.Nonce, Box: box, Why: a.Why, ExpiresAt: a.ExpiresAt}}, nil
}

// boxKey is the key of the intermediate that signs jobs: targets know it from
// the certificate that this point shows.
func (p *Point) boxKey() *ecdsa.PublicKey {
	key, _ := p.Self().Authority.Certificate.PublicKey.(*ecdsa.PublicKey) // trust takes no other
	return key
}
