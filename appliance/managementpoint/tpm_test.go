package managementpoint

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/internal/swtpm"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust/tpm"
)

// withTPM gives a machine a TPM that is not ours.
func (m *waiter) withTPM(d *tpm.Device) *waiter {
	m.tpm, m.named = d, api.TPM{Key: d.Key, Name: d.Name}
	return m
}

func newTPM(t *testing.T) *tpm.Device {
	d, err := tpm.Use(swtpm.Start(t)())
	fatal(t, err)
	t.Cleanup(func() { fatal(t, d.Close()) })
	return d
}

// proves claims, answers the challenge, and claims again: what comes of it.
func (m *waiter) proves() (api.Claimed, *api.Error) {
	m.r.t.Helper()
	c, failed := m.claim()
	if failed != nil || c.Challenge == nil || c.Job != "" || c.Pending != nil {
		m.r.t.Fatalf("claim with a TPM: %+v, %v, want a challenge and nothing else", c, failed)
	}
	proof, err := m.tpm.Prove(*c.Challenge, &m.key.PublicKey)
	fatal(m.r.t, err)
	m.named.Proof = proof
	return m.claim()
}

// joining lets computer C9 have a sequence with secrets, and one without approval.
func (r *rig) joining() *Point {
	p, _ := r.strangers()
	secret := osd.Advertisement{Meta: osd.Meta{ID: "A6", Name: "Join"}, Collection: osd.AllSystems, Sequence: "Join", Rerun: osd.RerunAlways, AvailableTo: []string{osd.ToBootMediaAndPXE}}
	open := secret
	open.ID, open.Name, open.Approval = "A7", "Join without asking", osd.ApprovalNone
	r.policy.Advertisements = append(r.policy.Advertisements, secret, open)
	r.policy.Sequences = append(r.policy.Sequences, policy.Sequence{ID: "S6", Name: "Join", Digest: "f", BootImage: "B1", Secrets: []string{"join"}})
	r.policy.Sealed = []policy.Sealed{{Kind: policy.SealedSecret, Object: "CEN1", Name: "join", Revision: 1}}
	r.policy.Computers = append(r.policy.Computers, osd.Computer{Meta: osd.Meta{ID: "C9", Name: "guest"}, MACs: []string{strangerMAC}})
	return p
}

// shownTPM is a TPM, its digest, and what the machine of computer C9 that has it shows.
func shownTPM(t *testing.T) (d *tpm.Device, digest string, id api.Identity) {
	t.Helper()
	d = newTPM(t)
	digest, err := tpm.Digest(d.Key)
	fatal(t, err)
	return d, digest, guest(strangerMAC, "", "S1")
}

// pins gives computer C9 a TPM, as the site does.
func (r *rig) pins(digest string) {
	r.change(func(s *policy.Snapshot) {
		i := slices.IndexFunc(s.Computers, func(c osd.Computer) bool { return c.ID == "C9" })
		s.Computers = slices.Clone(s.Computers)
		s.Computers[i].TPM = digest
	})
}

// TestTPM: who approves a machine approves its TPM; from then on the TPM stands in
// for the person, also where the sequence uses secrets. Whoever shows the labels
// without that TPM waits for a person, whatever the advertisement says, and an alarm
// tells of him.
func TestTPM(t *testing.T) {
	r := newRig(t)
	p := r.joining()
	d, digest, id := shownTPM(t)

	m := r.waiter(p, "A6", id).withTPM(d)
	if c, failed := m.proves(); failed != nil || c.Pending == nil {
		t.Fatalf("first claim: %+v, %v, want that it waits", c, failed)
	}
	all, err := p.Pending(t.Context())
	fatal(t, err)
	if len(all) != 1 || all[0].TPM != digest {
		t.Errorf("who approves is shown %+v, want TPM %s", all, digest)
	}
	if _, failed := p.DecideCode(t.Context(), m.waits(), store.Approve, "ann"); failed != nil {
		t.Fatal(failed)
	}
	end := func(c api.Claimed, failed *api.Error, who string) {
		t.Helper()
		if failed != nil || c.Job == "" {
			t.Fatalf("claim: %+v, %v, want a job", c, failed)
		}
		j, err := r.store.Job(t.Context(), c.Job)
		fatal(t, err)
		if j.Approved != who || (p.trusted(j) == nil) != (who != "") {
			t.Errorf("the job is approved by %q, want %q; secrets: %v", j.Approved, who, p.trusted(j))
		}
		r.ends(p, j, status.SequenceFailed)
	}
	c, failed := m.claim()
	end(c, failed, "ann")
	if told := r.discovered(); len(told) != 1 || told[0].TPM != digest || told[0].Computer != "C9" {
		t.Errorf("the site hears %+v, want the TPM of C9", told)
	}

	r.pins(digest)
	c, failed = r.waiter(p, "A6", id).withTPM(d).proves()
	end(c, failed, byTPM)
	c, failed = r.waiter(p, "A7", id).withTPM(d).proves()
	end(c, failed, byTPM)
	if told := r.discovered(); told[len(told)-1].TPM != "" {
		t.Error("the site is told of a TPM that it knows")
	}
	if got := r.alarms(); len(got) != 0 {
		t.Errorf("alarms: %q", got)
	}

	clone := r.waiter(p, "A7", id)
	cloned := clone.waits()
	if got := r.alarms(); len(got) != 1 || !strings.Contains(got[0], "does not prove the TPM") {
		t.Errorf("alarms: %q, want one about the TPM", got)
	}
	if _, failed := p.DecideCode(t.Context(), cloned, store.Deny, "ann"); failed != nil {
		t.Fatal(failed)
	}
	other := r.waiter(p, "A7", id).withTPM(newTPM(t))
	if c, failed = other.proves(); failed != nil || c.Pending == nil || !strings.Contains(c.Pending.Why, "another one") {
		t.Errorf("another TPM: %+v, %v", c, failed)
	}
	if _, failed := p.DecideCode(t.Context(), other.waits(), store.Approve, "ann"); failed != nil {
		t.Fatal(failed)
	}
	c, failed = other.claim()
	end(c, failed, "ann")
	if told := r.discovered(); told[len(told)-1].TPM == "" || told[len(told)-1].TPM == digest {
		t.Error("the site is not told of the TPM that was approved anew")
	}
}

// TestTPMIsProven: nothing is opened, and nobody is asked, for a TPM that is named
// and not shown: not with the proof of another key, not with one of before the box
// started again, not with that of another TPM.
func TestTPMIsProven(t *testing.T) {
	r := newRig(t)
	p := r.joining()
	d, digest, id := shownTPM(t)
	r.pins(digest)
	challenged := func(name string, m *waiter) {
		t.Helper()
		if c, failed := m.claim(); failed != nil || c.Challenge == nil || c.Job != "" {
			t.Errorf("%s: %+v, %v, want another challenge", name, c, failed)
		}
		r.nothingOpened()
	}
	thief := r.waiter(p, "A7", id).withTPM(d)
	c, failed := thief.claim()
	if failed != nil || c.Challenge == nil {
		t.Fatal(c, failed)
	}
	proof, err := d.Prove(*c.Challenge, &r.waiter(p, "A7", id).key.PublicKey)
	fatal(t, err)
	thief.named.Proof = proof
	challenged("the proof is for another key", thief)
	thief.named.Proof = bytes.Repeat([]byte{0}, 32)
	challenged("made up", thief)

	late := r.waiter(p, "A7", id).withTPM(d)
	c, failed = late.claim()
	if failed != nil {
		t.Fatal(failed)
	}
	late.named.Proof, err = d.Prove(*c.Challenge, &late.key.PublicKey)
	fatal(t, err)
	p.challenges = challenges{} // the box starts again
	challenged("before the box started again", late)
	other := newTPM(t)
	late.named.Key = other.Key
	challenged("the TPM was changed in between", late)
	late.named.Key = []byte("x")
	late.refused(api.CodeInvalid, "endorsement key")
	late.named = api.TPM{Key: d.Key, Name: []byte("n")}
	late.refused(api.CodeInvalid, "name of a TPM's object")
}

func (m *waiter) asks() api.PendingApproval {
	m.r.t.Helper()
	code := m.waits()
	all, err := m.p.Pending(m.r.t.Context())
	fatal(m.r.t, err)
	return all[slices.IndexFunc(all, func(a api.PendingApproval) bool { return a.Code == code })]
}

// TestAnotherTPMStopsNobody: a machine with the labels of a computer, and not its
// TPM, neither ends the job of the right one nor takes its place while it waits;
// the right one takes the place of the wrong one.
func TestAnotherTPMStopsNobody(t *testing.T) {
	r := newRig(t)
	p := r.joining()
	d, digest, id := shownTPM(t)
	r.pins(digest)
	clone := r.waiter(p, "A7", id)
	if about := clone.asks(); !strings.HasPrefix(about.AboutTPM(), "NO TPM") {
		t.Errorf("who approves is told %q", about.AboutTPM())
	}
	c, failed := r.waiter(p, "A7", id).withTPM(d).proves()
	if failed != nil || c.Job == "" {
		t.Fatal(c, failed)
	}
	clone.refused(api.CodeConflict, "does not prove the TPM")
	j, err := r.store.Job(t.Context(), c.Job)
	fatal(t, err)
	if j.State != store.JobOpen {
		t.Errorf("the job of the right machine is %s: %s", j.State, j.Reason)
	}
	r.ends(p, j, status.SequenceFailed)

	r.change(func(s *policy.Snapshot) {
		s.Advertisements = slices.Clone(s.Advertisements)
		s.Advertisements[len(s.Advertisements)-2].Approval = osd.ApprovalRequired
	})
	wrong := r.waiter(p, "A6", id)
	wrong.waits()
	right := r.waiter(p, "A6", id).withTPM(d)
	if c, failed = right.proves(); failed != nil || c.Pending == nil {
		t.Fatal(c, failed)
	}
	wrong.refused(api.CodeConflict, "waits for approval already")
	if about := right.asks(); about.AboutTPM() != "the TPM that the site knows" {
		t.Errorf("who approves is told %q", about.AboutTPM())
	}
	r.pins("")
	other := r.waiter(p, "A6", id).withTPM(newTPM(t))
	if c, failed = other.proves(); failed == nil || failed.Code != api.CodeConflict {
		t.Errorf("another TPM while one waits: %+v, %v", c, failed)
	}
}

// TestTPMLearntMeanwhile: what was approved before the box heard of the computer's
// TPM is not what a person agreed to.
func TestTPMLearntMeanwhile(t *testing.T) {
	r := newRig(t)
	p := r.joining()
	_, digest, id := shownTPM(t)
	wrong := newTPM(t)
	m := r.waiter(p, "A6", id).withTPM(wrong)
	if c, failed := m.proves(); failed != nil || c.Pending == nil {
		t.Fatal(c, failed)
	}
	if _, failed := p.DecideCode(t.Context(), m.waits(), store.Approve, "ann"); failed != nil {
		t.Fatal(failed)
	}
	r.pins(digest)
	m.refused(api.CodeConflict, "approval of another machine")
	r.nothingOpened()
	if told := r.discovered(); len(told) != 0 {
		t.Errorf("the site is told %+v", told)
	}
}
