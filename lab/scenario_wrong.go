package lab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/lab/machine"
)

// wrongAdvertisement is an administrator's mistake: one machine was confirmed,
// then the collection grew to every machine there is. The site refuses the
// mistakes that it can see; the box stops at the one that it cannot.
func wrongAdvertisement(ctx context.Context, p *play) error {
	if err := p.siteRefuses(ctx); err != nil {
		return err
	}
	from := len(p.box.Serial())
	if err := p.grow(ctx); err != nil {
		return err
	}
	for _, t := range []Target{
		{Name: "endoscopy-2", Firmware: machine.BIOS, MAC: "52:54:00:77:00:22"},
		{Name: "endoscopy-3", Firmware: machine.UEFI, MAC: "52:54:00:77:00:23"},
	} {
		if _, err := p.start(ctx, t); err != nil {
			return err
		}
	}
	if err := p.stops(ctx, from); err != nil {
		return err
	}
	granted, err := p.start(ctx, Target{Name: "endoscopy-1", Firmware: machine.BIOS, MAC: "52:54:00:77:00:21"})
	if err != nil {
		return err
	}
	if err := p.getsNothing(ctx, granted, from); err != nil {
		return err
	}
	for _, d := range p.machines {
		d.Machine.Kill()
	}
	if err := p.unwritten(p.machines...); err != nil {
		return err
	}
	return p.resume(ctx, granted)
}

// getsNothing holds that the machine with the grant, which asks after the stop,
// gets as little as the others.
func (p *play) getsNothing(ctx context.Context, granted *Deployment, from int) error {
	if err := p.boxSays(ctx, from, "mac="+granted.Target.MAC+".*outcome=silent.*interlock has stopped the box", 2*time.Minute); err != nil {
		return err
	}
	// The firmware gives up by itself: until then nothing may have come.
	if _, err := p.WaitConsole(ctx, granted.Machine, 0, GaveUp, 4*time.Minute); err != nil {
		return err
	}
	p.holds("%s has a grant, asked after the stop and got nothing either", granted.Target.Name)
	if sent := p.Sent(from); len(sent) > 0 {
		return fmt.Errorf("scenario %s: the box sent something: %s", p.scenario.Name, sent[0])
	}
	p.holds("the box sent no boot file to any of the three")
	return nil
}

// siteRefuses holds that an advertisement to everybody needs a number that a
// person types.
func (p *play) siteRefuses(ctx context.Context) error {
	p.show.Stage("An advertisement to All Systems")
	words, err := p.ApplyRefused(ctx, p.documents[1].Name, p.documents[1].YAML)
	if err != nil {
		return err
	}
	if !strings.Contains(words, "the number must be typed") {
		return fmt.Errorf("scenario %s: it was refused for another reason: %s", p.scenario.Name, words)
	}
	p.holds("the site refuses a mandatory advertisement to All Systems whose number nobody typed (exit code %d)", refused)
	return nil
}

// grow makes the collection that one machine was confirmed for hold everybody,
// and waits until the box knows.
func (p *play) grow(ctx context.Context) error {
	p.show.Stage("The collection grows from one machine to everybody")
	plan, err := p.reaches(ctx, p.documents[2])
	if err != nil {
		return err
	}
	if !strings.Contains(plan, "is confirmed for 1 machines, the collection now holds 5") {
		return fmt.Errorf("scenario %s: the plan does not say that the advertisement does not cover the collection any more: %s", p.scenario.Name, plan)
	}
	p.holds("the plan warns that one machine is confirmed and five are in the collection")
	return nil
}

// reaches puts a document in place, waits until the box has the policy that came of it,
// and returns the plan.
func (p *play) reaches(ctx context.Context, d Document) (plan string, err error) {
	was, err := p.checkIn(ctx)
	if err != nil {
		return "", err
	}
	if plan, err = p.Apply(ctx, d.Name, d.YAML); err != nil {
		return "", err
	}
	return plan, p.eventually(ctx, time.Minute, "the box has the policy of "+d.Name, func(ctx context.Context) (bool, error) {
		b, err := p.checkIn(ctx)
		return b.Number > was.Number, err
	})
}

// stops waits until the box has stopped, and holds that console and site say it.
func (p *play) stops(ctx context.Context, from int) error {
	p.show.Stage("The box counts who wants to be erased")
	if err := p.boxSays(ctx, from, `ALARM +STOPPED: no machine is erased`, 4*time.Minute); err != nil {
		return err
	}
	p.holds("the box has stopped: two machines want to be erased and one is confirmed; its console says STOPPED")
	err := p.eventually(ctx, time.Minute, "the site knows that the box has stopped", func(ctx context.Context) (bool, error) {
		b, err := p.checkIn(ctx)
		return b.Stopped != "", err
	})
	if err != nil {
		return err
	}
	out, err := p.CLI(ctx, "box", "list")
	if err != nil {
		return err
	}
	if !strings.Contains(string(out), "STOPPED by the wipe interlock") {
		return fmt.Errorf("scenario %s: box list does not say that the box has stopped:\n%s", p.scenario.Name, out)
	}
	p.holds("`bootward box list` says STOPPED, and why")
	return nil
}

// resume lets the box go on: the machine that was meant is deployed.
func (p *play) resume(ctx context.Context, granted *Deployment) error {
	p.show.Stage("A person looks at it and lets the box go on")
	from := len(p.box.Serial())
	if _, err := p.CLI(ctx, "box", "resume", boxName); err != nil {
		return err
	}
	if err := p.boxSays(ctx, from, `msg="order carried out".*kind=resume`, 2*time.Minute); err != nil {
		return err
	}
	if err := p.Again(granted); err != nil {
		return err
	}
	p.follow(ctx, granted.Machine)
	if err := p.boxSays(ctx, from, "mac="+granted.Target.MAC+".*outcome=offered", 4*time.Minute); err != nil {
		return err
	}
	p.holds("after `bootward box resume` the granted machine is answered")
	return p.installs(ctx, granted, 0)
}

// checkIn is what the box told the site last.
func (p *play) checkIn(ctx context.Context) (api.CheckIn, error) {
	boxes, err := query[[]api.BoxState](ctx, p.Lab, "box", "list")
	if err != nil {
		return api.CheckIn{}, err
	}
	for _, b := range boxes {
		if b.Name == boxName && b.CheckIn != nil {
			return *b.CheckIn, nil
		}
	}
	return api.CheckIn{}, errors.New("box " + boxName + ": it has not checked in")
}
