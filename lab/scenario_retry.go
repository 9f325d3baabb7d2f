package lab

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/osd/status"
)

// clinic is the machine of scenarios/retry.
const clinic = "clinic-1"

// retried has a deployment fail twice: an administrator lets it go on, and then a person at the
// machine.
func retried(ctx context.Context, p *play) error {
	d, err := p.start(ctx, Target{Name: clinic, Firmware: machine.UEFI, MAC: "52:54:00:77:00:a1"})
	if err != nil {
		return err
	}
	line, err := p.fails(ctx, d, 0, "Prepare", 7)
	if err != nil {
		return err
	}
	if err := p.unwritten(d); err != nil {
		return err
	}
	if _, err := p.CLI(ctx, "computer", "retry", clinic); err != nil {
		return err
	}
	goes, err := p.WaitConsole(ctx, d.Machine, line, `going on at step 2: lab wants it`, 3*time.Minute)
	if err != nil {
		return err
	}
	p.holds("an administrator lets %s go on at the step that failed", clinic)
	if line, err = p.fails(ctx, d, goes.N, "Complete", 9); err != nil { // the page of before was drawn more than once
		return err
	}
	if err := d.Machine.Type("r"); err != nil {
		return err
	}
	if _, err := p.WaitConsole(ctx, d.Machine, line, `going on at step 5: a person at the machine wants it`, time.Minute); err != nil {
		return err
	}
	p.holds("a person at %s lets it go on once more", clinic)
	if err := p.eventually(ctx, time.Minute, "the site hears of it", func(ctx context.Context) (bool, error) {
		messages, err := query[[]status.Message](ctx, p.Lab, "status", "messages", "--computer", clinic)
		return err == nil && count(messages, status.SequenceStarted) == 3, err
	}); err != nil {
		return err
	}
	if err := p.arrives(ctx, d); err != nil {
		return err
	}
	if n := count(d.Messages, status.SequenceFailed); n != 2 {
		return fmt.Errorf("scenario %s: %d messages say that it failed, want 2", p.scenario.Name, n)
	}
	return p.verified(ctx, d)
}

// fails waits until the screen of a machine shows that a step failed, and the site knows it. It
// returns the line of the console.
func (p *play) fails(ctx context.Context, d *Deployment, from int, action string, code int) (line int, err error) {
	shown, err := p.WaitConsole(ctx, d.Machine, from, `THE TASK SEQUENCE FAILED`, 8*time.Minute)
	if err != nil {
		return 0, err
	}
	err = p.eventually(ctx, time.Minute, "the site knows that "+action+" failed", func(ctx context.Context) (bool, error) {
		messages, err := query[[]status.Message](ctx, p.Lab, "status", "messages", "--computer", d.Target.Name)
		if err != nil || len(messages) == 0 {
			return false, err
		}
		last := messages[len(messages)-1]
		return last.ID == status.SequenceFailed && last.ExitCode == code && strings.Contains(fmt.Sprint(messages), action), nil
	})
	if err == nil {
		p.holds("%s failed with exit code %d: the screen says so, and the site", action, code)
	}
	return shown.N, err
}
