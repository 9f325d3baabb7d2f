package lab

import (
	"context"
	"fmt"
	"regexp"
	"time"
)

// once lets a mandatory run begin, and holds that it does not begin again.
func (p *play) once(ctx context.Context, d *Deployment) error {
	p.show.Stage("A mandatory run")
	if _, err := p.reaches(ctx, p.documents[3]); err != nil {
		return err
	}
	if err := p.runs(ctx, d, "by itself"); err != nil {
		return err
	}
	from := len(p.box.Serial())
	if _, err := p.passes(ctx, d, from, "nothing is offered"); err != nil {
		return err
	}
	for _, l := range p.box.Serial()[from:] {
		if jobOpened.MatchString(l.Text) {
			return fmt.Errorf("scenario %s: the run began again: %s", p.scenario.Name, l.Text)
		}
	}
	p.holds("switched on again, %s boots its disk: it ran once", d.Target.Name)
	return nil
}

var jobOpened = regexp.MustCompile(`msg="job opened"`)

// runs switches a machine on whose run begins by itself, and waits until it has ended
// and the machine is at its disk.
func (p *play) runs(ctx context.Context, d *Deployment, how string) error {
	from := len(p.box.Serial())
	if err := p.again(ctx, d); err != nil {
		return err
	}
	if err := p.boxSays(ctx, from, jobOpened.String()+".*computer="+d.Target.Name, 4*time.Minute); err != nil {
		return err
	}
	if _, err := p.toDisk(ctx, d, 0); err != nil {
		return err
	}
	p.holds("the run of %s began %s; when it had ended, the machine went on to its disk", d.Target.Name, how)
	return nil
}

// cleared clears the PXE mark, first at the site, then at the box: the run begins again
// each time.
func (p *play) cleared(ctx context.Context, d *Deployment) error {
	p.show.Stage("The PXE mark is cleared")
	from := len(p.box.Serial())
	if _, err := p.CLI(ctx, "computer", "clear-pxe", d.Target.Name); err != nil {
		return err
	}
	if err := p.boxSays(ctx, from, `msg="order carried out".*kind=clearPXE`, 2*time.Minute); err != nil {
		return err
	}
	if err := p.runs(ctx, d, "again after `bootward computer clear-pxe` at the site"); err != nil {
		return err
	}
	from = len(p.box.Serial())
	if err := p.box.Type("\r"); err != nil {
		return err
	}
	if err := p.converse(ctx, p.box, from, time.Minute, Say{`^> `, "sign in bob\r"}, Say{`PIN: `, bobsPIN + "\r"}, Say{`bob> `, "clear " + d.Target.Name + "\r"}); err != nil {
		return err
	}
	if err := p.boxSays(ctx, from, `msg="PXE marks cleared"`, time.Minute); err != nil {
		return err
	}
	return p.runs(ctx, d, "again after `clear` at the box's console")
}

// bobsPIN is how bob of the scenario signs in at the box.
const bobsPIN = "482913"

// pin gives bob his PIN; the box gets it with its next policy.
func (p *play) pin(ctx context.Context) error {
	file, err := p.keepFile("pin.txt", bobsPIN)
	if err != nil {
		return err
	}
	_, err = p.CLI(ctx, "person", "pin", "bob", "--file", file)
	return err
}
