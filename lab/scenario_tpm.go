package lab

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
)

// The objects of scenarios/tpm.
const (
	pharmacy     = "pharmacy-1"
	pharmacyGUID = "4c4c4544-0042-3510-8052-b4c04f4d3333"
	joinsOnce    = "Pharmacy joins"
	joinsAgain   = "Pharmacy joins again"
	looksAt      = "Pharmacy is looked at"
)

// knownTPM is a machine that was approved once by its code: after that its TPM
// stands for it, also where secrets are used. One with the same labels and another TPM
// waits, and gets no secret.
func knownTPM(ctx context.Context, p *play) error {
	if err := p.secret(ctx, "join-password", "correct horse"); err != nil {
		return err
	}
	d, err := p.start(ctx, Target{Name: pharmacy, Firmware: machine.UEFI, MAC: "52:54:00:77:00:61", UUID: pharmacyGUID, TPM: true})
	if err != nil {
		return err
	}
	if err := p.approved(ctx, d); err != nil {
		return err
	}
	digest, err := p.learnsTPM(ctx)
	if err != nil {
		return err
	}
	if err := p.provesItself(ctx, d); err != nil {
		return err
	}
	return p.otherTPM(ctx, d, digest)
}

// secret sets the value of a secret, as an administrator does.
func (p *play) secret(ctx context.Context, name, value string) error {
	file, err := p.keepFile(name+".txt", value)
	if err != nil {
		return err
	}
	_, err = p.CLI(ctx, "secret", "set", name, "--file", file)
	return err
}

// approved lets an administrator approve the machine by the code on its screen, and
// waits until its sequence has used the secret.
func (p *play) approved(ctx context.Context, d *Deployment) error {
	line, err := p.WaitConsole(ctx, d.Machine, 0, approvalCode.String(), 5*time.Minute)
	if err != nil {
		return fmt.Errorf("the screen of %s shows no approval code: %w", pharmacy, err)
	}
	p.holds("the sequence uses a secret and nobody knows the TPM: the machine waits for approval")
	if _, err := p.CLI(ctx, "computer", "approve", codeIn(line.Text), "--yes"); err != nil {
		return err
	}
	return p.usesSecret(ctx, joinsOnce, 1)
}

// usesSecret waits until a run of a sequence has ended well, and holds how often the
// secret was released in all.
func (p *play) usesSecret(ctx context.Context, advertisement string, released int) error {
	err := p.eventually(ctx, 4*time.Minute, advertisement+" is done", func(ctx context.Context) (bool, error) {
		messages, err := query[[]status.Message](ctx, p.Lab, "status", "messages", "--computer", pharmacy, "--advertisement", advertisement)
		if err != nil || len(messages) == 0 || !messages[len(messages)-1].ID.Final() {
			return false, nil // the site may be asked again
		}
		if last := messages[len(messages)-1]; last.ID != status.SequenceCompleted {
			return false, fmt.Errorf("scenario %s: %s ended with message %d: %s", p.scenario.Name, advertisement, last.ID, last.Output)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	return p.released(ctx, released)
}

// released holds how often the secret was released, by the audit log.
func (p *play) released(ctx context.Context, want int) error {
	n := 0
	err := p.eventually(ctx, time.Minute, fmt.Sprintf("the audit log tells of %d releases", want), func(ctx context.Context) (bool, error) {
		entries, err := query[[]api.AuditEntry](ctx, p.Lab, "site", "audit")
		n = 0
		for _, e := range entries {
			if e.What == "secret-released" {
				n++
			}
		}
		return n >= want, err
	})
	if err == nil && n > want {
		err = fmt.Errorf("scenario %s: the secret was released %d times, want %d", p.scenario.Name, n, want)
	}
	if err == nil {
		p.holds("the secret was released %d times in all", n)
	}
	return err
}

// learnsTPM waits until the site knows the TPM that was approved with the machine.
func (p *play) learnsTPM(ctx context.Context) (digest string, err error) {
	err = p.eventually(ctx, time.Minute, "the site knows the TPM", func(ctx context.Context) (bool, error) {
		c, err := query[osd.Computer](ctx, p.Lab, "computer", "show", pharmacy)
		digest = c.TPM
		return digest != "", err
	})
	if err == nil {
		p.holds("the site knows the TPM that was approved with %s", pharmacy)
	}
	return digest, err
}

// provesItself switches the machine on again: nobody is asked.
func (p *play) provesItself(ctx context.Context, d *Deployment) error {
	p.show.Stage("The same machine, and nobody there")
	d.Machine.Kill()
	if _, err := p.Apply(ctx, p.documents[1].Name, p.documents[1].YAML); err != nil {
		return err
	}
	from := len(p.box.Serial())
	if err := p.Again(d); err != nil {
		return err
	}
	p.follow(ctx, d.Machine)
	if err := p.boxSays(ctx, from, `msg="job opened".*computer=`+pharmacy+`.*approved by its TPM`, 5*time.Minute); err != nil {
		return err
	}
	if err := p.usesSecret(ctx, joinsAgain, 2); err != nil {
		return err
	}
	for _, l := range d.Machine.Serial() {
		if strings.Contains(l.Text, "WAITS FOR APPROVAL") {
			return fmt.Errorf("scenario %s: the machine asked for approval: %s", p.scenario.Name, l.Text)
		}
	}
	p.holds("its TPM stood for it: the job opened without a person, and the secret was released to it")
	d.Machine.Kill()
	return nil
}

// otherTPM switches on a machine with the same labels and another TPM, for an
// advertisement that asks nobody.
func (p *play) otherTPM(ctx context.Context, d *Deployment, digest string) error {
	p.show.Stage("A machine with the same labels and another TPM")
	if _, err := p.Apply(ctx, p.documents[2].Name, p.documents[2].YAML); err != nil {
		return err
	}
	from := len(p.box.Serial())
	clone, err := p.start(ctx, Target{Name: "clone", Firmware: machine.UEFI, MAC: d.Target.MAC, UUID: pharmacyGUID, Serial: "SN-" + pharmacy, TPM: true})
	if err != nil {
		return err
	}
	if err := p.boxSays(ctx, from, `ALARM +ALARM: a machine claims as `+pharmacy+` and does not prove the TPM`, 5*time.Minute); err != nil {
		return err
	}
	p.holds("the box's console raises an ALARM: the machine does not prove the TPM of %s", pharmacy)
	if _, err := p.WaitConsole(ctx, clone.Machine, 0, `Why: .*its TPM is another one`, time.Minute); err != nil {
		return err
	}
	p.holds("it waits for a person, although %q asks nobody", looksAt)
	if err := p.released(ctx, 2); err != nil {
		return err
	}
	c, err := query[osd.Computer](ctx, p.Lab, "computer", "show", pharmacy)
	if err == nil && c.TPM != digest {
		err = fmt.Errorf("scenario %s: the TPM of %s is another one now", p.scenario.Name, pharmacy)
	}
	if err != nil {
		return err
	}
	return p.unwritten(clone)
}
