package managementpoint

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
)

// claim opens a job for the first key that asks, or gives the same key its own
// job again. Where a person has to agree, the key waits until one did.
func (p *Point) claim(ctx context.Context, c api.Claim, from string) (api.Claimed, *api.Error) {
	key, err := trust.ParseCSR(c.CSR)
	if err != nil {
		return api.Claimed{}, api.Errorf(api.CodeInvalid, "csr", "%v", err)
	}
	print := fingerprint(key)
	p.claims.Lock()
	defer p.claims.Unlock()
	if own, ok, err := p.Store.JobByKey(ctx, print); err != nil {
		return api.Claimed{}, internal(err)
	} else if ok {
		return p.claimAgain(own, c)
	}
	proven, challenge, refused := p.proven(c, key)
	if refused != nil || challenge != nil {
		return api.Claimed{Challenge: challenge}, refused
	}
	v, err := p.Decide(ctx, at(machine(c.Identity), c.Where, c.Event))
	if err != nil {
		return api.Claimed{}, internal(err)
	}
	v.withoutAgentless()
	if v.Open != nil && !v.Superseded && v.ForeignTPM(proven) {
		return api.Claimed{}, p.warnForeign(ctx, v, c.Identity)
	}
	if v.Open != nil && !v.Superseded {
		why := differs(v.Open.Identity, c.Identity)
		if why == "" {
			why = "it came with another key"
		}
		return api.Claimed{}, p.halt(ctx, *v.Open, c.Identity, why)
	}
	p.warnConflict(ctx, v, c.Identity)
	stopped, err := p.NoteWants(ctx, v, c.Identity.MACs[0])
	if err != nil {
		return api.Claimed{}, internal(err)
	}
	offer, by, refused := p.judge(ctx, v, claimant{c, key, proven}, stopped)
	if refused != nil {
		p.flight(ctx, status.FlightEvent{Client: c.Identity.MACs[0], What: "refused", Text: "claim refused: " + refused.Detail + ": " + full(v)})
		return api.Claimed{}, refused
	}
	if by.pending != nil {
		return api.Claimed{Pending: by.pending}, nil
	}
	return p.open(ctx, v, offer, c, by, print, from)
}

// claimant is who claims: what it asks for, its key, and the digest of the
// endorsement key that it has proven, if it did.
type claimant struct {
	api.Claim
	key *ecdsa.PublicKey
	tpm string
}

// judge finds the offer that is claimed and what stands behind the claim, or says
// why there is no job. While a person is waited for, nothing is counted that
// could stop the box: anybody can ask.
func (p *Point) judge(ctx context.Context, v Verdict, c claimant, stopped string) (policy.Offer, consent, *api.Error) {
	shown := v
	p.lock(&shown, c.Ticket)
	offer, refused := choose(v, c.Claim, tell(shown))
	if refused == nil {
		refused = p.unlocked(ctx, v, offer, c)
	}
	if refused == nil {
		refused = p.checkTyped(ctx, v, offer, c.Claim)
	}
	if refused == nil {
		refused = p.often(ctx, v)
	}
	if refused == nil && stopped != "" { // nobody is to compare a code in vain
		refused = p.interlock(ctx, offer, stopped, c.Identity.MACs[0])
	}
	if refused != nil {
		return offer, consent{}, refused
	}
	by, refused := p.consent(ctx, v, offer, c)
	if refused == nil && by.pending == nil {
		refused = p.interlock(ctx, offer, stopped, c.Identity.MACs[0])
	}
	return offer, by, refused
}

// claimAgain answers a key that has a job: an answer was lost on the way.
func (p *Point) claimAgain(own store.Job, c api.Claim) (api.Claimed, *api.Error) {
	if own.State != store.JobOpen || own.Document.Advertisement != c.Advertisement {
		return api.Claimed{}, api.Errorf(api.CodeConflict, own.ID, "this key belongs to job %s of advertisement %s, which is %s; a new run needs a new key",
			own.ID, own.Document.Advertisement, own.State)
	}
	return p.certify(own.ID, c.CSR)
}

// choose finds the offer that is claimed, or says why there is none: why is what
// whoever claims may hear.
func choose(v Verdict, c api.Claim, why []string) (policy.Offer, *api.Error) {
	for _, o := range v.Offers {
		if o.Advertisement.ID != c.Advertisement {
			continue
		}
		if !o.Mandatory && !c.Person {
			return o, api.Errorf(api.CodeRefused, c.Advertisement, "the advertisement is available, not mandatory: a person at the machine must choose it")
		}
		return o, nil
	}
	return policy.Offer{}, api.Errorf(api.CodeRefused, c.Advertisement, "it is not offered to this machine: %s", strings.Join(why, "; "))
}

// open starts the job and uses the grant, in one transaction.
func (p *Point) open(ctx context.Context, v Verdict, o policy.Offer, c api.Claim, by consent, key, from string) (api.Claimed, *api.Error) {
	s, now := p.Policy(), p.Now().UTC()
	e := p.Evaluator()
	name, err := p.jobName(ctx, e, v, o, c.Identity, c.Name)
	if err != nil {
		return api.Claimed{}, nameError(v, o, err)
	}
	j := store.Job{ID: newJobID(), Machine: v.Machine, Name: name, Client: c.Identity.MACs[0], Addresses: []string{from},
		Sequence: o.Sequence.Name, Key: key, Identity: c.Identity, Opened: now, Approved: by.who, TPM: by.tpm, TPMWas: v.Expected().TPM}
	j.Document = api.Job{Format: 1, ID: j.ID, Computer: j.Name, Advertisement: o.Advertisement.ID, AdvertName: o.Advertisement.Name,
		Sequence: o.Sequence, Variables: e.Variables(&v.Decision), Content: contentOf(s, withListed(e, o.Sequence, &v.Decision)), ClientAgent: s.Settings.ClientAgent, Opened: now, NextNumber: 1}
	withOptions(&j.Document, s, &o.Advertisement)
	how := "mandatory"
	if !o.Mandatory {
		j.Document.PersonGranted = o.Sequence.Destructive
		how = "chosen by a person at the machine"
	}
	p.becomesKnown(&j, v, c, s)
	if o.Grant != nil {
		j.Grant, j.Document.Grant = o.Grant.ID, o.Grant.Envelope
		how += ", grant " + o.Grant.ID + " by " + o.Grant.IssuedBy
	}
	if by.who != "" {
		how += ", approved by " + by.who
	}
	replaces := ""
	if v.Open != nil {
		replaces = v.Open.ID
	}
	// First the certificate: a grant is not spent on a job that cannot begin.
	claimed, failed := p.certify(j.ID, c.CSR)
	if failed != nil {
		return api.Claimed{}, failed
	}
	text := fmt.Sprintf("%s: %s, %s (%s)", j.Name, o.Advertisement.Name, o.Sequence.Name, how)
	err = p.Store.OpenJob(ctx, j, replaces,
		status.FlightEvent{Time: now, Client: j.Client, Job: j.ID, What: "claim", Text: identityText(c.Identity)},
		status.FlightEvent{Time: now, Client: j.Client, Job: j.ID, What: "job-started", Text: text})
	switch {
	case errors.Is(err, store.ErrGrantUsed), errors.Is(err, store.ErrOpen):
		return api.Claimed{}, api.Errorf(api.CodeConflict, c.Advertisement, "%v", err)
	case errors.Is(err, store.ErrTooManyKnown):
		return api.Claimed{}, api.Errorf(api.CodeTooMany, "", "%v", err).WithRemedy("connect the box to its site, or import the machine there")
	case err != nil:
		return api.Claimed{}, internal(err)
	}
	p.Log.Info("job opened", "job", j.ID, "computer", j.Name, "advertisement", o.Advertisement.Name, "sequence", o.Sequence.Name, "how", how)
	return claimed, nil
}

// certify makes a certificate for a job's key.
func (p *Point) certify(job string, csr []byte) (api.Claimed, *api.Error) {
	chain, notAfter, err := p.Self().Authority.Job(csr, job, p.Now(), trust.MaxJobLife)
	if err != nil {
		return api.Claimed{}, internal(err)
	}
	return api.Claimed{Job: job, Certificate: string(chain), NotAfter: notAfter}, nil
}

// halt stops an open job because a second machine claims it too: which of the
// two is meant, nobody can tell from here. The second one is not told what the
// labels of the first are.
func (p *Point) halt(ctx context.Context, j store.Job, second api.Identity, why string) *api.Error {
	reason := fmt.Sprintf("ALARM: a second machine claimed job %s of %s: %s. Both are stopped; find the two machines, then grant the deployment again at the site", j.ID, j.Name, why)
	now := p.Now()
	err := p.Store.EndJob(ctx, j.ID, store.JobHalted, reason, now,
		status.FlightEvent{Time: now, Client: j.Client, Job: j.ID, What: "alarm", Text: reason},
		status.FlightEvent{Time: now, Client: second.MACs[0], Job: j.ID, What: "refused", Text: "second claimant: " + identityText(second)})
	if err != nil {
		return internal(err)
	}
	p.Log.Error("second claimant: both machines are stopped", "job", j.ID, "computer", j.Name, "why", why,
		"first", identityText(j.Identity), "second", identityText(second))
	p.setProgress(j.ID, nil)
	return api.Errorf(api.CodeConflict, "", "a second machine claims the job of this machine: both are stopped").
		WithRemedy("find the two machines, then grant the deployment again at the site")
}

// warnTwin raises an alarm for a machine that shows the labels of a running job
// but is other hardware, and refuses it.
func (p *Point) warnTwin(ctx context.Context, j store.Job, second api.Identity, why string) *api.Error {
	p.Log.Warn("a second machine shows the labels of a running job", "job", j.ID, "computer", j.Name, "why", why, "second", identityText(second))
	p.raise(ctx, second.MACs[0], j.ID, fmt.Sprintf("ALARM: a second machine asks as %s while job %s runs: %s (%s)", j.Name, j.ID, why, identityText(second)))
	return api.Errorf(api.CodeConflict, "", "a job runs under the labels of this machine, and this is other hardware").
		WithRemedy("find the two machines; if this one claims as well, both are stopped")
}

// warnConflict records a machine whose labels contradict each other.
func (p *Point) warnConflict(ctx context.Context, v Verdict, id api.Identity) {
	if v.Conflict != "" {
		p.Log.Warn("labels of a machine contradict each other", "why", v.Conflict, "machine", identityText(id))
		p.raise(ctx, id.MACs[0], "", v.Conflict+" ("+identityText(id)+")")
	}
}

// fingerprint is the SHA-256 of a public key in PKIX form, in hexadecimal.
func fingerprint(key *ecdsa.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "" // not for a key that trust took
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// newJobID makes 16 random characters that can stand in a DNS name.
func newJobID() string {
	b := make([]byte, 10)
	rand.Read(b)
	return strings.ToLower(base32.StdEncoding.EncodeToString(b))
}

func identityText(id api.Identity) string {
	text := []string{strings.TrimSpace(id.Manufacturer + " " + id.Model)}
	for _, label := range []struct{ name, value string }{
		{"serial", id.SerialNumber}, {"GUID", id.SMBIOSGUID}, {"MAC", strings.Join(id.MACs, " ")},
	} {
		if label.value != "" {
			text = append(text, label.name+" "+label.value)
		}
	}
	return strings.TrimPrefix(strings.Join(text, ", "), ", ")
}

// flight records an event; that it failed is logged only: a machine is not
// held up by it.
func (p *Point) flight(ctx context.Context, e status.FlightEvent) {
	e.Time = p.Now()
	if err := p.Store.Record(ctx, e); err != nil {
		p.Log.Warn("flight event not recorded", "what", e.What, "error", err)
	}
}

// abandonAfter is how long after a job's last sign of life its certificate has
// ended for sure.
const abandonAfter = trust.MaxJobLife + 15*time.Minute

// CloseAbandoned ends jobs of which nothing was heard since their certificate
// ended: they cannot come back.
func (p *Point) CloseAbandoned(ctx context.Context) error {
	jobs, err := p.Store.OpenJobs(ctx)
	if err != nil {
		return err
	}
	now := p.Now()
	for _, j := range jobs {
		if j.Seen.After(now) { // the clock was set back: its silence counts from now
			if err := p.Store.SeenJob(ctx, j.ID, now); err != nil {
				return err
			}
			continue
		}
		if now.Sub(j.Seen) < abandonAfter {
			continue
		}
		reason := "nothing was heard of the machine since " + j.Seen.UTC().Format(time.RFC3339)
		if err := p.Store.EndJob(ctx, j.ID, store.JobAbandoned, reason, now,
			status.FlightEvent{Time: now, Client: j.Client, Job: j.ID, What: "job-ended", Text: reason}); err != nil {
			return err
		}
		p.Log.Warn("job abandoned", "job", j.ID, "computer", j.Name, "seen", j.Seen)
		p.setProgress(j.ID, nil)
	}
	return nil
}
