package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/osd"
)

// unknownApproval is a machine that nobody imported: a person at it chooses, an
// administrator compares the code and approves. A second one is denied.
func unknownApproval(ctx context.Context, p *play) error {
	d, code, err := p.asksForApproval(ctx, Target{Name: "stranger-1", Firmware: machine.BIOS, MAC: "52:54:00:77:00:41"})
	if err != nil {
		return err
	}
	p.show.Stage("An administrator approves")
	from := len(d.Machine.Serial())
	if _, err := p.CLI(ctx, "computer", "approve", code, "--yes"); err != nil {
		return err
	}
	p.holds("an administrator approved code %s", code)
	if err := p.installs(ctx, d, from); err != nil {
		return err
	}
	if err := p.becomesKnown(ctx, d); err != nil {
		return err
	}
	d.Machine.Kill()
	return p.denied(ctx)
}

// denied is a machine whose code nobody knows.
func (p *play) denied(ctx context.Context) error {
	d, code, err := p.asksForApproval(ctx, Target{Name: "stranger-2", Firmware: machine.UEFI, MAC: "52:54:00:77:00:42"})
	if err != nil {
		return err
	}
	p.show.Stage("An administrator denies")
	from := len(d.Machine.Serial())
	if _, err := p.CLI(ctx, "computer", "deny", code); err != nil {
		return err
	}
	if _, err := p.WaitConsole(ctx, d.Machine, from, `no deployment: `, 2*time.Minute); err != nil {
		return err
	}
	d.Machine.Kill()
	p.holds("an administrator denied code %s: %s got no job", code, d.Target.Name)
	return p.unwritten(d)
}

var approvalCode = regexp.MustCompile(`(?i)\bcode\b.*?\b([0-9]{3}-[0-9]{3})\b|\b([0-9]{3}-[0-9]{3})\b.*\bcode\b`)

// asksForApproval lets a person choose at an unknown machine, and holds that it
// waits for approval with an untouched disk. It returns the code of its screen,
// which is the one that the site shows.
func (p *play) asksForApproval(ctx context.Context, t Target) (*Deployment, string, error) {
	d, err := p.start(ctx, t)
	if err != nil {
		return nil, "", err
	}
	p.show.Stage("A person at " + t.Name + " chooses")
	if err := p.Converse(ctx, d.Machine, 4*time.Minute, Consent()...); err != nil {
		return nil, "", err
	}
	line, err := p.WaitConsole(ctx, d.Machine, 0, approvalCode.String(), 2*time.Minute)
	if err != nil {
		return nil, "", fmt.Errorf("the screen of %s shows no approval code: %w", t.Name, err)
	}
	code := codeIn(line.Text)
	p.holds("the screen of %s shows code %s and waits", t.Name, code)
	if err := p.pends(ctx, t, code); err != nil {
		return nil, "", err
	}
	return d, code, p.unwritten(d)
}

func codeIn(line string) string {
	m := approvalCode.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	return m[1] + m[2] // one of them is empty
}

// pends holds that the site shows the machine with the same code.
func (p *play) pends(ctx context.Context, t Target, code string) error {
	var shown []api.BoxPending
	err := p.eventually(ctx, time.Minute, "the site shows who waits for approval", func(ctx context.Context) (bool, error) {
		all, err := query[[]api.BoxPending](ctx, p.Lab, "computer", "pending")
		shown = slices.DeleteFunc(all, func(b api.BoxPending) bool { return !slices.Contains(b.Identity.MACs, t.MAC) })
		return len(shown) > 0, err
	})
	if err != nil {
		return err
	}
	if len(shown) != 1 || shown[0].Code != code {
		return errors.Join(fmt.Errorf("scenario %s: %s shows code %s, and the site something else", p.scenario.Name, t.Name, code), fmt.Errorf("%+v", shown))
	}
	p.holds("`bootward computer pending` shows the same code with %s", t.MAC)
	return nil
}

// becomesKnown waits until the site lists the machine among its computers.
func (p *play) becomesKnown(ctx context.Context, d *Deployment) error {
	name := ""
	err := p.eventually(ctx, 2*time.Minute, d.Target.Name+" is a computer that the site knows", func(ctx context.Context) (bool, error) {
		all, err := query[api.ObjectList](ctx, p.Lab, "computer", "list")
		if err != nil {
			return false, err
		}
		for _, raw := range all.Objects {
			var c osd.Computer
			if err := json.Unmarshal(raw, &c); err != nil {
				return false, fmt.Errorf("computer list: %w", err)
			}
			if slices.ContainsFunc(c.MACs, func(m string) bool { return strings.EqualFold(m, d.Target.MAC) }) {
				name = c.Name
			}
		}
		return name != "", nil
	})
	if err != nil {
		return err
	}
	p.holds("the machine is computer %s at the site now", name)
	return nil
}
