// Package permit decides whether a job may erase a disk of this machine.
//
// A destructive step runs under a grant that this job claimed: signed by the
// site, for this version of the sequence, for this machine, not over; or because
// a person at the machine typed YES in this run to a summary that named the
// disk. Everything else is refused, and then no sector is written. Specification:
// docs/formats/policy.md and the security rules of the project.
package permit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/trust"
)

// Digest is the digest of a sequence's document as it was received: "sha256:"
// and 64 hexadecimal digits. White space between the tokens does not count.
func Digest(document json.RawMessage) (string, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, document); err != nil {
		return "", fmt.Errorf("task sequence: %w", err)
	}
	return content.Digest(b.Bytes()), nil
}

// Sequence reads the sequence of a job and checks that it is the version that
// the job names.
func Sequence(j *api.Job) (*sequence.Sequence, error) {
	got, err := Digest(j.Sequence.Document)
	if err != nil {
		return nil, err
	}
	if got != j.Sequence.Digest {
		return nil, fmt.Errorf("job %s: the task sequence has digest %s, the job names %s", j.ID, got, j.Sequence.Digest)
	}
	return sequence.Decode(j.Sequence.Document)
}

// Permit implements disk.Permit. The zero value allows nothing.
type Permit struct {
	grant *policy.Grant // nil when a person granted it
	disk  *disk.Disk    // the one that the person saw
	begun string        // device that was allowed while the grant was good
	now   func() time.Time
}

// FromGrant makes the permit of a job that claimed a grant. now must not be
// earlier than the last signed time.
func FromGrant(j *api.Job, anchor *trust.Anchor, machine api.Identity, now func() time.Time) (*Permit, error) {
	fail := func(format string, args ...any) (*Permit, error) {
		return nil, fmt.Errorf("job %s: no permit to erase a disk: %w", j.ID, fmt.Errorf(format, args...))
	}
	if len(j.Grant) == 0 {
		return fail("the job has no grant")
	}
	payload, err := trust.Open(j.Grant, trust.TypeGrant, anchor.Signing)
	if err != nil {
		return fail("grant: %w", err)
	}
	var g policy.Grant
	if err := json.Unmarshal(payload, &g); err != nil {
		return fail("grant: %w", err)
	}
	digest, err := Digest(j.Sequence.Document)
	if err != nil {
		return fail("%w", err)
	}
	switch {
	case g.ID == "":
		return fail("the grant has no ID")
	case g.Sequence != digest:
		return fail("grant %s is for version %s of a task sequence, the job runs %s", g.ID, g.Sequence, digest)
	case g.Advertisement != j.Advertisement:
		return fail("grant %s is for advertisement %s, the job runs %s", g.ID, g.Advertisement, j.Advertisement)
	}
	if err := fits(&g, machine); err != nil {
		return fail("%w", err)
	}
	p := &Permit{grant: &g, now: now}
	if err := p.open(); err != nil {
		return fail("%w", err)
	}
	return p, nil
}

// FromPerson makes the permit of a job that a person allowed at this machine:
// it covers the disk that the person saw, and no other.
func FromPerson(j *api.Job, seen disk.Disk, now func() time.Time) (*Permit, error) {
	if !j.PersonGranted {
		return nil, fmt.Errorf("job %s: no permit to erase a disk: the box does not let a person allow it", j.ID)
	}
	if why := seen.Excluded(); why != "" {
		return nil, fmt.Errorf("job %s: no permit to erase %s: %s", j.ID, seen.Name, why)
	}
	return &Permit{disk: &seen, now: now}, nil
}

// fits compares the labels of the grant with the machine: one must fit, and a
// GUID that both have must be the same.
func fits(g *policy.Grant, machine api.Identity) error {
	want, _ := osd.NormalizeGUID(g.SMBIOSGUID)
	have, _ := osd.NormalizeGUID(machine.SMBIOSGUID)
	if want != "" && have != "" && want != have {
		return fmt.Errorf("grant %s is for the machine with SMBIOS GUID %s, this one has %s", g.ID, want, have)
	}
	if want != "" && want == have {
		return nil
	}
	var macs []string
	for _, m := range machine.MACs {
		if n, err := osd.NormalizeMAC(m); err == nil {
			macs = append(macs, n)
		}
	}
	for _, m := range g.MACs {
		if n, err := osd.NormalizeMAC(m); err == nil && slices.Contains(macs, n) {
			return nil
		}
	}
	return fmt.Errorf("grant %s is for computer %s with MACs %q and SMBIOS GUID %q; this machine has %q and %q", g.ID, g.ComputerName, g.MACs, g.SMBIOSGUID, machine.MACs, machine.SMBIOSGUID)
}

func (p *Permit) open() error {
	if now := p.now(); !now.Before(p.grant.ExpiresAt) {
		return fmt.Errorf("grant %s ended at %s, it is %s now", p.grant.ID, p.grant.ExpiresAt.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// Allow implements disk.Permit. A disk that was erased while the grant was good
// may be finished after its end: a machine without a system helps nobody.
func (p *Permit) Allow(d disk.Disk) error {
	switch {
	case p == nil || p.grant == nil && p.disk == nil:
		return errors.New("there is neither a grant nor the consent of a person")
	case p.grant != nil && p.begun == d.Device():
		return nil
	case p.grant != nil:
		if err := p.open(); err != nil {
			return err
		}
		p.begun = d.Device()
	case d != *p.disk:
		return fmt.Errorf("a person allowed to erase %s, not %s", p.disk, d)
	}
	return nil
}

// Marked is a permit that has the box note the first write of the job before it
// allows it: from then on the grant is spent, also if the job fails.
type Marked struct {
	Permit disk.Permit
	// Mark returns when the box has noted it, or refuses.
	Mark   func(d disk.Disk) error
	marked bool
}

// Allow implements disk.Permit.
func (m *Marked) Allow(d disk.Disk) error {
	if err := m.Permit.Allow(d); err != nil || m.marked {
		return err
	}
	if err := m.Mark(d); err != nil {
		return fmt.Errorf("the box has not noted the first write to %s: %w", d, err)
	}
	m.marked = true
	return nil
}
