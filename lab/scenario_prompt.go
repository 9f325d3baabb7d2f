package lab

import (
	"context"
	"fmt"
	"time"
)

// pressed is a person who comes in time to a machine at which something can be chosen.
// Then the power is cut, so that the box does not hear that nobody chose.
func (p *play) pressed(ctx context.Context, d *Deployment) error {
	p.show.Stage("A person may choose, and comes in time")
	if _, err := p.reaches(ctx, p.documents[2]); err != nil {
		return err
	}
	if err := p.again(ctx, d); err != nil {
		return err
	}
	if err := p.Converse(ctx, d.Machine, 4*time.Minute, Consent()[0]); err != nil {
		return err
	}
	for _, text := range []string{`1  Reading room may have Debian 12: .*ERASES A DISK`, `Number, or nothing to boot the disk`} {
		if _, err := p.WaitConsole(ctx, d.Machine, 0, text, time.Minute); err != nil {
			return fmt.Errorf("a key was pressed, and the menu does not come: %w", err)
		}
	}
	p.holds("somebody pressed F12 at %s and got the menu", d.Target.Name)
	d.Machine.Kill()
	return p.unwritten(d)
}

// notPressed is the same machine when nobody comes.
func (p *play) notPressed(ctx context.Context, d *Deployment) error {
	p.show.Stage("A person may choose, and nobody comes")
	from := len(p.box.Serial())
	if err := p.again(ctx, d); err != nil {
		return err
	}
	asked, err := p.WaitConsole(ctx, d.Machine, 0, "Press F12 for network service boot", 4*time.Minute)
	if err != nil {
		return err
	}
	left, err := p.WaitConsole(ctx, d.Machine, asked.N, "nobody pressed a key", time.Minute)
	if err != nil {
		return err
	}
	disk, err := p.toDisk(ctx, d, left.N)
	if err != nil {
		return err
	}
	if err := p.boxSays(ctx, from, sentOn(d, "nobody came to its screen"), time.Minute); err != nil {
		return err
	}
	p.holds("nobody pressed F12 at %s: asked %.1f s after power-on, it went on after %.1f s more and was at its disk %.1f s later",
		d.Target.Name, asked.At.Seconds(), (left.At - asked.At).Seconds(), (disk.At - left.At).Seconds())
	d.Machine.Kill()
	return p.unwritten(d)
}
