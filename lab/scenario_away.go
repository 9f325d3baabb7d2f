package lab

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/status"
)

// What the agent says of a box that does not answer, that is back, and that is elsewhere.
const (
	boxWaited    = `the box does not give its content; waiting, nothing is lost`
	boxBack      = `the box is back after`
	boxElsewhere = `box ` + boxName + ` is at ([0-9.]+) now`
	tomsPIN      = "739184"
)

// boxAway takes the box away from a machine to which an image is being applied: its cable, then its
// power, and it comes back with another address while the line to the site is cut.
func boxAway(ctx context.Context, p *play) error {
	pin, err := p.keepFile("tom.pin", tomsPIN+"\n")
	if err != nil {
		return err
	}
	if _, err := p.CLI(ctx, "person", "pin", "tom", "--file", pin); err != nil {
		return err
	}
	target := Ward()[0]
	atSite, err := p.Watch(ctx, p.segment.SiteNamespace(), "watch-site.json", "status", "report", target.Name)
	if err != nil {
		return err
	}
	defer atSite.Stop()
	d, err := p.start(ctx, target)
	if err != nil {
		return err
	}
	if err := p.installs(ctx, d, 0); err != nil {
		return err
	}
	line, err := p.WaitConsole(ctx, d.Machine, 0, `[1-9][0-9]% of [0-9]+ MiB`, 4*time.Minute)
	if err != nil {
		return err
	}
	if line.N, err = p.withoutCable(ctx, d, line.N); err != nil {
		return err
	}
	heard, address, err := p.elsewhere(ctx, d, line.N)
	if err != nil {
		return err
	}
	if err := p.endsAtTheBox(ctx, d, heard, address, pin); err != nil {
		return err
	}
	if err := p.heardOfIt(ctx, d, atSite); err != nil {
		return err
	}
	log, err := p.cliIn(ctx, p.segment.Namespace(), "--box", address, "--as", "tom", "--pin-file", pin, "status", "log", target.Name)
	if err != nil {
		return err
	}
	for _, want := range []string{boxWaited, boxBack, "the box has another address"} {
		if !strings.Contains(string(log), want) {
			return fmt.Errorf("scenario %s: the log of %s does not say %q", p.scenario.Name, target.Name, want)
		}
	}
	p.holds("the log of the machine, at the box, says that it waited, and where the box is")
	return p.verified(ctx, d)
}

// withoutCable takes the cable of the box until the machine says that it waits.
func (p *play) withoutCable(ctx context.Context, d *Deployment, from int) (line int, err error) {
	p.show.Stage("The box's cable")
	if err := p.segment.Unplug(ctx, "box"); err != nil {
		return 0, err
	}
	begun := time.Now()
	waits, err := p.WaitConsole(ctx, d.Machine, from, boxWaited, 4*time.Minute)
	if err = errors.Join(err, p.segment.Plug(ctx, "box")); err != nil {
		return 0, err
	}
	p.holds("%.0f s after the box's cable was taken the console of %s says that it waits", time.Since(begun).Seconds(), d.Target.Name)
	back, err := p.WaitConsole(ctx, d.Machine, waits.N, boxBack+` [0-9hms]+; going on`, 3*time.Minute)
	if err == nil {
		p.holds("with its cable again it goes on: %s", wordsOf(back.Text, boxBack))
	}
	return back.N, err
}

// wordsOf is a line of a console from a text on.
func wordsOf(line, from string) string {
	return strings.TrimSpace(line[max(strings.Index(line, from), 0):])
}

// elsewhere cuts the line to the site and the box's power, and switches the box on with another
// address. It returns what the site has heard until then.
func (p *play) elsewhere(ctx context.Context, d *Deployment, from int) (heard int, address string, err error) {
	p.show.Stage("The box's power, and the line to the site")
	if err := p.CutLine(ctx); err != nil {
		return 0, "", err
	}
	if err := p.KillBox(ctx); err != nil {
		return 0, "", err
	}
	waits, err := p.WaitConsole(ctx, d.Machine, from, boxWaited, 4*time.Minute)
	if err != nil {
		return 0, "", err
	}
	p.holds("its box without power, %s waits again", d.Target.Name)
	messages, err := query[[]status.Message](ctx, p.Lab, "status", "messages", "--computer", d.Target.Name)
	if err != nil {
		return 0, "", err
	}
	p.ChangeCard("52:54:00:77:00:02")
	if err := p.StartBox(ctx); err != nil {
		return 0, "", err
	}
	if _, err := p.WaitBox(ctx); err != nil {
		return 0, "", err
	}
	moved, err := p.WaitConsole(ctx, d.Machine, waits.N, boxElsewhere, 4*time.Minute)
	if err != nil {
		return 0, "", fmt.Errorf("the box is back under another address, and the machine does not find it: %w", err)
	}
	back, err := p.WaitConsole(ctx, d.Machine, waits.N, boxBack+` [0-9hms]+; going on`, 3*time.Minute)
	if err != nil {
		return 0, "", err
	}
	p.holds("%s; %s", wordsOf(moved.Text, "box "), wordsOf(back.Text, boxBack))
	return len(messages), regexp.MustCompile(boxElsewhere).FindStringSubmatch(moved.Text)[1], nil
}

// endsAtTheBox holds that the deployment ends at a box that is cut off, and what is seen there.
func (p *play) endsAtTheBox(ctx context.Context, d *Deployment, heard int, address, pin string) error {
	at := []string{"--box", address, "--as", "tom", "--pin-file", pin, "status", "report", d.Target.Name}
	err := p.eventually(ctx, 2*time.Minute, "the cut-off box shows its report", func(ctx context.Context) (bool, error) {
		_, err := p.cliIn(ctx, p.segment.Namespace(), at...)
		if err != nil {
			p.log.Warn("report at the box", "error", err)
		}
		return err == nil, nil
	})
	if err != nil {
		return err
	}
	watch, err := p.Watch(ctx, p.segment.Namespace(), "watch-box.json", at...)
	if err != nil {
		return err
	}
	defer watch.Stop()
	ended := fmt.Sprintf(`msg=status.*computer=%s .*id=%d`, d.Target.Name, status.SequenceCompleted)
	if err := p.boxSays(ctx, 0, ended, deployDeadline); err != nil {
		return fmt.Errorf("the deployment did not end while the line was cut: %w", err)
	}
	var seen []status.Message
	err = p.eventually(ctx, 30*time.Second, "who watches at the box sees the end", func(context.Context) (bool, error) {
		seen, err = watch.Messages()
		return len(seen) > 0 && seen[len(seen)-1].ID.Final(), err
	})
	if err != nil {
		return err
	}
	if !slices.IsSortedFunc(seen, func(a, b status.Message) int { return int(a.Number) - int(b.Number) }) {
		return fmt.Errorf("scenario %s: what was watched at the box is not in order: %+v", p.scenario.Name, seen)
	}
	p.holds("who watched at the cut-off box saw %d messages in order, the last is %d (%s)", len(seen), seen[len(seen)-1].ID, seen[len(seen)-1].ID.Name())
	messages, err := query[[]status.Message](ctx, p.Lab, "status", "messages", "--computer", d.Target.Name)
	if err == nil && len(messages) != heard {
		err = fmt.Errorf("scenario %s: the line is cut, and the site has %d messages, before %d", p.scenario.Name, len(messages), heard)
	}
	if err == nil {
		p.holds("the site has the %d messages of before the cut", heard)
	}
	return err
}

// heardOfIt mends the line, and holds what the site got and what was watched there.
func (p *play) heardOfIt(ctx context.Context, d *Deployment, watch *Watch) error {
	p.show.Stage("Mend the line")
	if err := p.MendLine(ctx); err != nil {
		return err
	}
	if err := p.arrives(ctx, d); err != nil {
		return err
	}
	err := p.eventually(ctx, time.Minute, "who watches at the site sees the end", func(context.Context) (bool, error) {
		seen, err := watch.Messages()
		if err != nil || len(seen) == 0 || !seen[len(seen)-1].ID.Final() {
			return false, err
		}
		if len(seen) != len(d.Messages) {
			return false, fmt.Errorf("scenario %s: %d messages were watched at the site, it has %d", p.scenario.Name, len(seen), len(d.Messages))
		}
		return true, Delivered(seen)
	})
	if err != nil {
		return err
	}
	p.holds("who watched at the site saw each message once and in order")
	return nil
}
