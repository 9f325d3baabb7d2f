package lab

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/status"
)

// The objects of scenarios/running-client.
const (
	lookedAfter   = "Ward 7 is looked after"
	lookAfterStep = "Say who runs it"
)

// runningClient deploys a machine whose agent stays, and lets it run what is
// advertised to running clients.
func runningClient(ctx context.Context, p *play) error {
	from := len(p.box.Serial())
	target := Ward()[0]
	d, err := p.start(ctx, target)
	if err != nil {
		return err
	}
	opened := fmt.Sprintf(`msg="job opened".*computer=%s advertisement="%s"`, target.Name, lookedAfter)
	line, err := p.WaitConsole(ctx, p.box, from, opened, deployDeadline)
	if err != nil {
		return fmt.Errorf("the client of %s did not ask for what it is to run: %w", target.Name, err)
	}
	deployed := fmt.Sprintf(`msg=status.*computer=%s .*id=%d`, target.Name, status.SequenceCompleted)
	for _, l := range p.box.Serial()[from:line.N] {
		if strings.Contains(l.Text, "job opened") {
			p.holds("the machine was deployed first: %s", l.Text[max(strings.Index(l.Text, "advertisement="), 0):])
		}
	}
	if err := p.boxSays(ctx, line.N, deployed, 3*time.Minute); err != nil {
		return fmt.Errorf("the client of %s did not report the end: %w", target.Name, err)
	}
	return p.eventually(ctx, time.Minute, "the site hears of it", func(ctx context.Context) (bool, error) {
		return p.ranInside(ctx, d)
	})
}

// ranInside says whether the site knows that the sequence ran in the installed
// system, and what its command said there.
func (p *play) ranInside(ctx context.Context, d *Deployment) (bool, error) {
	messages, err := query[[]status.Message](ctx, p.Lab, "status", "messages", "--computer", d.Target.Name, "--advertisement", lookedAfter)
	if err != nil || len(messages) == 0 || !messages[len(messages)-1].ID.Final() {
		return false, nil // the site may be asked again
	}
	for _, m := range messages {
		if m.Stage != status.StageInstalledSystem {
			return false, fmt.Errorf("scenario %s: message %d is of stage %q", p.scenario.Name, m.Number, m.Stage)
		}
		if m.Action == lookAfterStep && m.ID == status.ActionCompleted {
			if want := "root\n" + d.Target.Name; strings.TrimSpace(m.Output) != want {
				return false, fmt.Errorf("scenario %s: the command said %q, want %q", p.scenario.Name, m.Output, want)
			}
			p.holds("the client ran %q in the installed system of %s, once it was up, and reported it", lookedAfter, d.Target.Name)
			return true, nil
		}
	}
	return false, fmt.Errorf("scenario %s: %s has ended without its step", p.scenario.Name, lookedAfter)
}
