package lab

import (
	"context"
	"fmt"
	"time"
)

// newSystem deploys the UEFI machine of the ward.
func newSystem(ctx context.Context, p *play) error {
	d, err := p.start(ctx, Ward()[0])
	if err != nil {
		return err
	}
	if err := p.arrives(ctx, d); err != nil {
		return err
	}
	return p.verified(ctx, d)
}

// arrives waits until the installed system of a machine has reported, and holds
// that each message came once and in order.
func (p *play) arrives(ctx context.Context, d *Deployment) error {
	if err := p.awaitJob(ctx, d); err != nil {
		return err
	}
	if err := Delivered(d.Messages); err != nil {
		return fmt.Errorf("scenario %s: %s: %w", p.scenario.Name, d.Target.Name, err)
	}
	p.holds("%s reported from inside its installed system; %d messages arrived, each once and in order", d.Target.Name, len(d.Messages))
	return nil
}

// awaitJob is Follow without the echo of the console, which start shows.
func (p *play) awaitJob(ctx context.Context, d *Deployment) error {
	ctx, cancel := context.WithTimeout(ctx, p.factor.Scale(deployDeadline))
	defer cancel()
	return p.watch(ctx, d)
}

// verified holds that a disk is that of the source of its image.
func (p *play) verified(ctx context.Context, d *Deployment) error {
	if err := p.Verify(ctx, d); err != nil {
		return err
	}
	p.holds("the disk of %s is that of the image's source: %d entries", d.Target.Name, d.Compared)
	return nil
}

// installs waits until a machine begins to write the image.
func (p *play) installs(ctx context.Context, d *Deployment, from int) error {
	if _, err := p.WaitConsole(ctx, d.Machine, from, `step [0-9]+ of [0-9]+: Apply Operating System`, 6*time.Minute); err != nil {
		return err
	}
	touched, err := d.Touched()
	if err == nil && !touched {
		err = fmt.Errorf("scenario %s: %s was partitioned, and its disk counts as untouched: that check is blind", p.scenario.Name, d.Target.Name)
	}
	if err != nil {
		return err
	}
	p.holds("%s is being deployed: its disk is partitioned and Apply Operating System has begun", d.Target.Name)
	return nil
}
