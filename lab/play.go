package lab

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bootward/bootward/lab/machine"
)

// play is a scenario that runs: its lab, its machines, and what it has found to
// hold. Its methods are for one goroutine.
type play struct {
	*Lab
	scenario  Scenario
	documents []Document
	machines  []*Deployment
	begun     time.Time
	held      []finding
	echoes    sync.WaitGroup
}

// finding is something that was found to hold.
type finding struct {
	text string
	at   time.Duration // since the run began
}

// run makes the ward, lets the scenario happen and looks at it. Whatever it
// left is shown until its end.
func (p *play) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer p.echoes.Wait()
	defer cancel()
	if p.documents, err = p.scenario.Documents(); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{p.Image, p.Site, p.objects, p.BuildFirmware, p.StartBox} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if _, err := p.WaitBox(ctx); err != nil {
		return err
	}
	return p.scenario.run(ctx, p)
}

// objects puts the first file of the scenario in place, before the box is there.
func (p *play) objects(ctx context.Context) error {
	if len(p.documents) == 0 {
		return nil
	}
	p.show.Stage("Objects of " + p.scenario.Name)
	_, err := p.Apply(ctx, p.documents[0].Name, p.documents[0].YAML)
	return err
}

// holds records that something was looked at and is as it must be.
func (p *play) holds(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	p.held = append(p.held, finding{text, time.Since(p.begun)})
	p.show.Check(text)
}

// start switches a machine on, and shows what it says to the end of the run.
func (p *play) start(ctx context.Context, t Target) (*Deployment, error) {
	d, err := p.Start(ctx, t)
	if err != nil {
		return nil, err
	}
	p.machines = append(p.machines, d)
	p.follow(ctx, d.Machine)
	return d, nil
}

// again switches a machine of the scenario on anew, and shows what it says.
func (p *play) again(ctx context.Context, d *Deployment) error {
	d.Machine.Kill()
	if err := p.Again(d); err != nil {
		return err
	}
	p.follow(ctx, d.Machine)
	return nil
}

// follow shows what a machine's console says of Bootward, and its steps, until
// ctx ends.
func (p *play) follow(ctx context.Context, m *machine.Machine) {
	stop := p.echo(ctx, m, steps)
	p.echoes.Go(func() {
		select {
		case <-ctx.Done():
		case <-m.Done():
		}
		stop()
	})
}

// boxSays waits for a line of the box's console, from line number from on.
func (p *play) boxSays(ctx context.Context, from int, pattern string, deadline time.Duration) error {
	_, err := p.WaitConsole(ctx, p.box, from, pattern, deadline)
	return err
}

// unwritten holds that no block of the disks was written.
func (p *play) unwritten(all ...*Deployment) error {
	for _, d := range all {
		touched, err := d.Touched()
		if err != nil {
			return err
		}
		if touched {
			return fmt.Errorf("scenario %s: something was written to the disk of %s", p.scenario.Name, d.Target.Name)
		}
		p.holds("no block of the disk of %s was written", d.Target.Name)
	}
	return nil
}

// names lists the box and the machines of the scenario.
func (p *play) names() []string {
	names := []string{boxName}
	for _, d := range p.machines {
		names = append(names, d.Target.Name)
	}
	return names
}

// keep leaves what runs as it is, and switches on again what was compared.
func (p *play) keep(ctx context.Context) error {
	names := []string{boxName}
	for _, d := range p.machines {
		if d.Compared > 0 {
			if err := p.Again(d); err != nil {
				return err
			}
		}
		select {
		case <-d.Machine.Done(): // the scenario has switched it off
		default:
			names = append(names, d.Target.Name)
		}
	}
	return p.stay(ctx, names)
}
