package lab

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/bootward/bootward/lab/machine"
)

// diskBoots is what the disks of the scenario say when they boot.
const diskBoots = "The disk of this machine boots"

// gaveUp is what a firmware shows to which nobody offered a boot image, and cancelled
// what one shows that was sent on: EDK2's words, and those of the script for iPXE.
var (
	gaveUp    = regexp.MustCompile(`PXE-E16|Nothing to boot`)
	cancelled = regexp.MustCompile(`PXE-E21: Remote boot cancelled|Bootward: next boot device`)
)

// networkFirst is a ward in which machines ask the network first and must reach their
// disks: whatever policy says, and when nobody comes to their screens.
func networkFirst(ctx context.Context, p *play) error {
	if err := p.pin(ctx); err != nil {
		return err
	}
	uefi, uefiTook, err := p.silent(ctx, Target{Name: "radiology-1", Firmware: machine.UEFI, MAC: "52:54:00:77:00:71"})
	if err != nil {
		return err
	}
	bios, biosTook, err := p.silent(ctx, Target{Name: "radiology-2", Firmware: machine.BIOS, MAC: "52:54:00:77:00:72"})
	if err != nil {
		return err
	}
	p.show.Stage("Policy says abort")
	if _, err := p.reaches(ctx, p.documents[1]); err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return p.abort(ctx, uefi, uefiTook) },
		func() error { return p.abort(ctx, bios, biosTook) },
		func() error { return p.pressed(ctx, uefi) },
		func() error { return p.notPressed(ctx, uefi) },
		func() error { return p.once(ctx, bios) },
		func() error { return p.cleared(ctx, bios) },
		func() error { return p.unwritten(uefi, bios) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// silent switches a machine on for which there is nothing, and returns how long it
// takes to its disk when the box does not answer.
func (p *play) silent(ctx context.Context, t Target) (*Deployment, time.Duration, error) {
	t.BootOrder, t.Boots = machine.NetworkFirst, diskBoots
	d, err := p.start(ctx, t)
	if err != nil {
		return nil, 0, err
	}
	line, err := p.WaitConsole(ctx, d.Machine, 0, gaveUp.String(), 4*time.Minute)
	if err != nil {
		return nil, 0, err
	}
	line, err = p.toDisk(ctx, d, line.N)
	d.Machine.Kill()
	return d, line.At, err
}

// toDisk waits until the disk of a machine says that it boots.
func (p *play) toDisk(ctx context.Context, d *Deployment, from int) (machine.Line, error) {
	line, err := p.WaitConsole(ctx, d.Machine, from, diskBoots, 4*time.Minute)
	if err != nil {
		return line, fmt.Errorf("%s does not reach its disk: %w", d.Target.Name, err)
	}
	return line, nil
}

// abort switches the same machine on when policy sends it to its next device.
func (p *play) abort(ctx context.Context, d *Deployment, silent time.Duration) error {
	from := len(p.box.Serial())
	line, err := p.passes(ctx, d, from, "nothing is offered")
	if err != nil {
		return err
	}
	d.Machine.Kill()
	said := func(re *regexp.Regexp) bool {
		return slices.ContainsFunc(d.Machine.Serial(), func(l machine.Line) bool { return re.MatchString(l.Text) })
	}
	if !said(cancelled) || said(gaveUp) {
		return fmt.Errorf("scenario %s: the firmware of %s does not say that it was sent on", p.scenario.Name, d.Target.Name)
	}
	p.holds("%s (%s), for which there is nothing, is at its disk %.1f s after power-on when the box sends it on, and after %.1f s when the box is silent",
		d.Target.Name, d.Target.Firmware, line.At.Seconds(), silent.Seconds())
	return nil
}

// passes switches a machine on that the box sends on to its disk, and holds that the
// box's console, from line number from on, says why.
func (p *play) passes(ctx context.Context, d *Deployment, from int, why string) (machine.Line, error) {
	if err := p.again(ctx, d); err != nil {
		return machine.Line{}, err
	}
	line, err := p.toDisk(ctx, d, 0)
	if err != nil {
		return line, err
	}
	return line, p.boxSays(ctx, from, sentOn(d, why), time.Minute)
}

// sentOn matches the line of the box's console that says that a machine was sent to
// its next boot device, and why.
func sentOn(d *Deployment, why string) string {
	return "mac=" + d.Target.MAC + ".*outcome=offered.*" + why + ".*next boot device"
}
