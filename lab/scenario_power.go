package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/osd/status"
)

// The objects of scenarios/power-cuts.
const (
	laboratory = "laboratory-1"
	labIsSetUp = "Laboratory is set up"
	labRounds  = "Laboratory makes its rounds"
)

// powerCuts takes the power of a machine while its image is applied, and three times in its
// installed system.
func powerCuts(ctx context.Context, p *play) error {
	if err := p.roundsContent(ctx); err != nil {
		return err
	}
	if _, err := p.Apply(ctx, p.documents[1].Name, p.documents[1].YAML); err != nil {
		return err
	}
	if err := p.ready(ctx, labIsSetUp); err != nil {
		return err
	}
	d, err := p.start(ctx, Target{Name: laboratory, Firmware: machine.UEFI, MAC: "52:54:00:77:00:b1"})
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context, *Deployment) error{p.cutInTheImage, p.cutOnce, p.cutAgain, p.laboratoryEnds, p.clientRounds} {
		if err := step(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// roundsContent imports the package; its second program loses its power the first time.
func (p *play) roundsContent(ctx context.Context) error {
	dir := filepath.Join(p.options.Dir, "rounds")
	const second = "if [ ! -e /root/second ]; then echo >/root/second; sync; echo CUT NOW: second >/dev/console; sleep 900; fi\necho second >>/root/ran\n"
	if err := writeAll(filepath.Join(dir, "second.sh"), second); err != nil {
		return err
	}
	_, err := p.CLI(ctx, "package", "import", dir, "--name", "Rounds", "--quiet")
	return err
}

// cutInTheImage cuts the power while the image is applied. The box lets nothing erase the machine
// once more before an administrator says so.
func (p *play) cutInTheImage(ctx context.Context, d *Deployment) error {
	if err := p.installs(ctx, d, 0); err != nil {
		return err
	}
	if _, err := p.WaitConsole(ctx, d.Machine, 0, `[1-9][0-9]% of [0-9]+ MiB`, 4*time.Minute); err != nil {
		return err
	}
	p.show.Stage("Power cut while the image is applied")
	from := len(p.box.Serial())
	if err := p.again(ctx, d); err != nil {
		return err
	}
	if err := p.boxSays(ctx, from, "mac="+d.Target.MAC+` .*outcome=silent.*`+labIsSetUp+`: job [0-9a-z]+ is still running`, 5*time.Minute); err != nil {
		return err
	}
	p.holds("power was cut while the image was applied: switched on again, the machine gets nothing, and the box says why")
	if _, err := p.CLI(ctx, "advertisement", "grant", labIsSetUp, "--machines", "1"); err != nil {
		return err
	}
	if err := p.ready(ctx, labIsSetUp); err != nil {
		return err
	}
	from = len(p.box.Serial())
	if err := p.again(ctx, d); err != nil {
		return err
	}
	if err := p.boxSays(ctx, from, jobOpened.String()+".*computer="+laboratory, 5*time.Minute); err != nil {
		return err
	}
	p.holds("an administrator grants the run once more: it begins anew, from its first step")
	return nil
}

// powerCut waits until a step asks for it, cuts the power, and switches the machine on again.
func (p *play) powerCut(ctx context.Context, d *Deployment, step string, deadline time.Duration) error {
	if _, err := p.WaitConsole(ctx, d.Machine, 0, "CUT NOW: "+step, deadline); err != nil {
		return err
	}
	p.show.Stage("Power cut: " + step)
	return p.again(ctx, d)
}

// cutOnce cuts the power in a step that does not say that it may run again.
func (p *play) cutOnce(ctx context.Context, d *Deployment) error {
	if err := p.powerCut(ctx, d, "once", deployDeadline); err != nil {
		return err
	}
	shown, err := p.WaitConsole(ctx, d.Machine, 0, `THE TASK SEQUENCE FAILED`, 4*time.Minute)
	if err != nil {
		return err
	}
	for _, want := range []string{`Step: +[0-9]+ Once`, `the machine stopped while this step was running`, `bootward computer retry ` + laboratory} {
		if _, err := p.WaitConsole(ctx, d.Machine, shown.N, want, 10*time.Second); err != nil {
			return err
		}
	}
	if err := p.lastMessage(ctx, d, status.SequenceFailed); err != nil {
		return err
	}
	p.holds("power was cut in a step that is not rerunnable: the console names step, reason and what to do, and the site knows")
	if _, err := p.CLI(ctx, "computer", "retry", laboratory); err != nil {
		return err
	}
	if _, err := p.WaitConsole(ctx, d.Machine, shown.N, `going on at step [0-9]+: lab wants it`, 3*time.Minute); err != nil {
		return err
	}
	p.holds("an administrator lets it go on in the installed system, at that step")
	return nil
}

// lastMessage waits until the newest message of the machine's newest deployment is this.
func (p *play) lastMessage(ctx context.Context, d *Deployment, id status.MessageID) error {
	return p.eventually(ctx, 5*time.Minute, "the site has message "+strconv.Itoa(int(id)), func(ctx context.Context) (bool, error) {
		all, err := query[[]status.Message](ctx, p.Lab, "status", "messages", "--computer", laboratory, "--advertisement", labIsSetUp)
		if err != nil || len(all) == 0 {
			return false, err
		}
		d.Messages = nil
		for _, m := range all { // the first job lost its power in the boot image
			if m.Job == all[len(all)-1].Job {
				d.Messages = append(d.Messages, m)
			}
		}
		return d.Messages[len(d.Messages)-1].ID == id, nil
	})
}

// cutAgain cuts the power in a step that may run again, and between two programs of a list.
func (p *play) cutAgain(ctx context.Context, d *Deployment) error {
	if err := p.powerCut(ctx, d, "again", 4*time.Minute); err != nil {
		return err
	}
	return p.powerCut(ctx, d, "second", 4*time.Minute)
}

// laboratoryEnds holds how the deployment ended, and what its steps said.
func (p *play) laboratoryEnds(ctx context.Context, d *Deployment) error {
	if err := p.lastMessage(ctx, d, status.SequenceCompleted); err != nil {
		return err
	}
	if err := Delivered(d.Messages); err != nil {
		return fmt.Errorf("scenario %s: %w", p.scenario.Name, err)
	}
	p.holds("the deployment is complete; %d messages, each once and in order", len(d.Messages))
	for _, want := range []struct {
		action string
		id     status.MessageID
		text   string
	}{
		{"Hang", status.ActionFailed, "longer than its time limit of 5s"},
		{"Nothing is left", status.ActionCompleted, "none"},
		{"A gigabyte", status.ActionCompleted, "the end of it"},
		{"What it took", status.ActionCompleted, "VmHWM"},
		{"Once", status.ActionCompleted, "once more"},
		{"Again", status.ActionCompleted, "ran again"},
		{"What ran", status.ActionCompleted, "first\nsecond\nthird"},
	} {
		if err := p.said(d, want.action, want.id, want.text); err != nil {
			return err
		}
	}
	return p.bounded(d)
}

// took is what the agent and its log took: KiB at most, and bytes.
var took = regexp.MustCompile(`VmHWM:\s+([0-9]+) kB\s+log ([0-9]+)`)

// bounded holds that a gigabyte of output took little memory, log and time.
func (p *play) bounded(d *Deployment) error {
	var before, last time.Time
	var memory, log int
	for _, m := range d.Messages {
		switch m.Action {
		case "Nothing is left":
			before = m.Time
		case "A gigabyte":
			last = m.Time
			if len(m.Output) > status.MaxOutput {
				return fmt.Errorf("scenario %s: a message carries %d bytes of output", p.scenario.Name, len(m.Output))
			}
		case "What it took":
			if f := took.FindStringSubmatch(m.Output); f != nil {
				memory, _ = strconv.Atoi(f[1]) // the pattern has digits alone
				log, _ = strconv.Atoi(f[2])
			}
		}
	}
	seconds := last.Sub(before)
	if memory == 0 || memory > 128<<10 || log == 0 || log > 1<<20 || seconds > p.factor.Scale(time.Minute) {
		return fmt.Errorf("scenario %s: a gigabyte of output took %s, the agent %d KiB of memory at most, its log %d bytes", p.scenario.Name, seconds, memory, log)
	}
	p.holds("a gigabyte of output took %.0f s, the agent %d MiB of memory at most, its log %d KiB", seconds.Seconds(), memory>>10, log>>10)
	return nil
}

// clientRounds waits until the running client has run the list, whose programs ran before.
func (p *play) clientRounds(ctx context.Context, d *Deployment) error {
	return p.eventually(ctx, 5*time.Minute, "the client has made its rounds", func(ctx context.Context) (bool, error) {
		all, err := query[[]status.Message](ctx, p.Lab, "status", "messages", "--computer", laboratory, "--advertisement", labRounds)
		if err != nil || len(all) == 0 || !all[len(all)-1].ID.Final() {
			return false, err
		}
		text := ""
		for _, m := range all {
			text += m.Output
		}
		for _, program := range []string{"First", "Second", "Third"} {
			if want := fmt.Sprintf("program %q: exit code 0", program); !strings.Contains(text, want) {
				return false, fmt.Errorf("scenario %s: the client did not say %q: %s", p.scenario.Name, want, text)
			}
		}
		p.holds("the running client of %s ran the three programs of the list", d.Target.Name)
		return true, nil
	})
}
