package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/osd/status"
)

// twinGUID switches two machines on that show the same GUID. Both are answered,
// since neither has a job; the one that claims first has the grant. The other
// one only asks, so the job goes on: had it claimed, both would be stopped.
func twinGUID(ctx context.Context, p *play) error {
	const guid = "4c4c4544-0042-3510-8052-b4c04f4d3232" // of the scenario's file
	from := len(p.box.Serial())
	first, err := p.start(ctx, Target{Name: "twin-a", Firmware: machine.BIOS, MAC: "52:54:00:77:00:31", UUID: guid})
	if err != nil {
		return err
	}
	second, err := p.start(ctx, Target{Name: "twin-b", Firmware: machine.BIOS, MAC: "52:54:00:77:00:32", UUID: guid})
	if err != nil {
		return err
	}
	if err := p.meet(ctx, first, second); err != nil {
		return err
	}
	if err := p.boxSays(ctx, from, `msg="job opened".*computer=dialysis-1`, 3*time.Minute); err != nil {
		return err
	}
	p.holds("%s claimed first: it has the grant of dialysis-1", first.Target.Name)
	p.show.Stage("The second one asks")
	if err := second.Machine.Resume(ctx); err != nil {
		return err
	}
	if err := p.alarm(ctx, from, second); err != nil {
		return err
	}
	if err := p.installs(ctx, first, 0); err != nil {
		return err
	}
	if err := p.unwritten(second); err != nil {
		return err
	}
	return p.oneJob(ctx)
}

// meet lets two machines start their boot images, whichever is faster, and then
// lets the first one go on alone.
func (p *play) meet(ctx context.Context, first, second *Deployment) error {
	p.show.Stage("Both boot from the network")
	for _, d := range []*Deployment{first, second} {
		if _, err := p.WaitConsole(ctx, d.Machine, 0, `bootward-init: `, 4*time.Minute); err != nil {
			return err
		}
		if err := d.Machine.Pause(ctx); err != nil {
			return err
		}
	}
	p.holds("both machines were answered and stand in their boot images; none has a job yet")
	return first.Machine.Resume(ctx)
}

// alarm holds that the second machine is refused, on its own screen too, and
// that box and site say so.
func (p *play) alarm(ctx context.Context, from int, second *Deployment) error {
	if err := p.boxSays(ctx, from, `ALARM +ALARM: a second machine asks as dialysis-1`, 3*time.Minute); err != nil {
		return err
	}
	p.holds("the box's console raises an ALARM: a second machine asks as dialysis-1")
	line, err := p.WaitConsole(ctx, second.Machine, 0, `no deployment: .*a job runs under the labels`, time.Minute)
	if err != nil {
		return err
	}
	p.holds("%s was refused: it is other hardware", second.Target.Name)
	if _, err := p.WaitConsole(ctx, second.Machine, line.N, GaveUp, 3*time.Minute); err != nil {
		return err
	}
	p.holds("%s started again, and got nothing from the network", second.Target.Name)
	return p.eventually(ctx, time.Minute, "the site has the alarm", func(ctx context.Context) (bool, error) {
		entries, err := query[[]status.Entry](ctx, p.Lab, "status", "timeline", second.Target.Name, "--mac", second.Target.MAC)
		if err != nil {
			return false, nil // nothing of it has come yet
		}
		return slices.ContainsFunc(entries, func(e status.Entry) bool { return strings.Contains(e.Text, "ALARM") }), nil
	})
}

// oneJob holds that the alarm stopped nobody, and that there is one job.
func (p *play) oneJob(ctx context.Context) error {
	jobs, err := query[[]api.JobState](ctx, p.Lab, "status", "jobs")
	if err != nil {
		return err
	}
	if len(jobs) != 1 || jobs[0].State != "running" {
		return errors.Join(fmt.Errorf("scenario %s: want one job, running; there are %d", p.scenario.Name, len(jobs)), fmt.Errorf("%+v", jobs))
	}
	p.holds("there is one job of dialysis-1, and it runs: a question stops nobody")
	return nil
}
