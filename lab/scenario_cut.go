package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/bootward/bootward/osd/status"
)

// cutLine deploys a machine from its first packet to its last step while the
// line to the site is dead, and mends it.
func cutLine(ctx context.Context, p *play) error {
	p.show.Stage("Cut the line")
	from := len(p.box.Serial())
	if err := p.CutLine(ctx); err != nil {
		return err
	}
	target := Ward()[0]
	d, err := p.start(ctx, target)
	if err != nil {
		return err
	}
	ended := fmt.Sprintf(`msg=status.*computer=%s .*id=%d`, target.Name, status.SequenceCompleted)
	if err := p.boxSays(ctx, from, ended, deployDeadline); err != nil {
		return fmt.Errorf("the deployment did not end while the line was cut: %w", err)
	}
	if err := p.boxSays(ctx, from, `site +not reached`, 3*time.Minute); err != nil {
		return err
	}
	p.holds("%s was deployed to its last step while the box could not reach its site", target.Name)
	early, err := query[[]status.Message](ctx, p.Lab, "status", "messages", "--computer", target.Name)
	if err != nil {
		return err
	}
	if len(early) > 0 {
		return fmt.Errorf("scenario %s: the line is cut, and %d messages of %s are at the site", p.scenario.Name, len(early), target.Name)
	}
	p.holds("the site has heard nothing of it")
	p.show.Stage("Mend the line")
	if err := p.MendLine(ctx); err != nil {
		return err
	}
	if err := p.arrives(ctx, d); err != nil {
		return err
	}
	if err := p.verified(ctx, d); err != nil {
		return err
	}
	return p.nothingTwice(ctx, d)
}

// nothingTwice looks at the messages again, when all else has been sent.
func (p *play) nothingTwice(ctx context.Context, d *Deployment) error {
	messages, err := query[[]status.Message](ctx, p.Lab, "status", "messages", "--computer", d.Target.Name)
	if err != nil {
		return err
	}
	if err := Delivered(messages); err != nil || len(messages) != len(d.Messages) {
		return fmt.Errorf("scenario %s: %d messages of %s came, and now there are %d: %w", p.scenario.Name, len(d.Messages), d.Target.Name, len(messages), err)
	}
	return nil
}
