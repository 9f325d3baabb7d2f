package lab

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/bootward/bootward/lab/machine"
)

// Keys as a terminal sends them.
const (
	f2       = "\x1bOQ"
	f8       = "\x1b[19~"
	ctrlP    = "\x10" // Up
	ctrlN    = "\x0e" // Down
	ctrlU    = "\x15" // takes the line away
	onScreen = time.Minute
)

// wizardPages uses a machine by its own keyboard and screen while another is left alone; then a
// person goes through every page of the wizard at a third, from its network to a failure, a
// shell and a retry.
func wizardPages(ctx context.Context, p *play) error {
	p.show.Stage("A machine that is left alone")
	alone, err := p.start(ctx, Target{Name: "bedside-3", Firmware: machine.BIOS, MAC: "52:54:00:77:00:c3", BootOrder: machine.NetworkFirst, Boots: diskBoots})
	if err != nil {
		return err
	}
	defer alone.Machine.Kill()
	if err := p.atItsScreen(ctx); err != nil {
		return err
	}
	if err := p.leftAlone(ctx, alone); err != nil {
		return err
	}
	alone.Machine.Kill()
	d, err := p.start(ctx, Target{Name: "bedside-1", Firmware: machine.UEFI, MAC: "52:54:00:77:00:c1", Bus: machine.AHCI})
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context, *Deployment) error{p.setsNetwork, p.decides, p.breaks, p.repairs, p.arrives, p.verified} {
		if err := step(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// sees waits until a machine's serial line shows a text, a regular expression, and returns the screen.
func (p *play) sees(ctx context.Context, d *Deployment, text string, deadline time.Duration) (string, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return "", fmt.Errorf("scenario %s: %w", p.scenario.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, p.factor.Scale(deadline))
	defer cancel()
	return d.Machine.WaitScreen(ctx, re)
}

// page is what a person waits for on the screen, and types then.
type page struct{ shows, types string }

// pages goes through pages one after the other.
func (p *play) pages(ctx context.Context, d *Deployment, all ...page) error {
	for _, one := range all {
		if _, err := p.sees(ctx, d, one.shows, onScreen); err != nil {
			return err
		}
		p.show.Note(fmt.Sprintf("%s shows %q: a person types %q", d.Target.Name, one.shows, one.types))
		if err := d.Machine.Type(one.types); err != nil {
			return err
		}
	}
	return nil
}

const (
	leased = `eth0 .* cable connected  10\.77\.0\.1[0-9][0-9]/24` // by DHCP
	fixed  = `eth0 .* cable connected  10\.77\.0\.40/24`
)

// setsNetwork gives the machine an address that is wrong, and one that is right.
func (p *play) setsNetwork(ctx context.Context, d *Deployment) error {
	p.show.Stage("A person sets the network")
	if _, err := p.sees(ctx, d, `1  Anybody may have a bedside PC: Bedside PC  \(ERASES A DISK\)\s+For the beds`, 4*time.Minute); err != nil {
		return err
	}
	const refused = `the box does not answer with these settings`
	if err := p.pages(ctx, d, page{`F2 \(\^O\) network`, f2}, page{leased, "192.0.2.10/24\r\r\r"}, page{refused, ctrlP}); err != nil {
		return err
	}
	err := p.eventually(ctx, time.Minute, d.Target.Name+" has the address of before", func(context.Context) (bool, error) {
		return regexp.MustCompile(leased).MatchString(d.Machine.Screen()), d.Machine.Type(ctrlP) // each key shows the adapters as they are
	})
	if err != nil {
		return err
	}
	p.holds("F2: a wrong address was tried, refused and taken back: the adapter has its address by DHCP again")
	err = p.pages(ctx, d, page{leased, ctrlP + ctrlP + ctrlP + ctrlN + ctrlU + "10.77.0.40/24\r\r\r"},
		page{`Which task sequence(?s:.*)the network works: the box answers`, f2}, page{fixed, "\x1b"})
	if err == nil {
		p.holds("F2: a right address was tried: the box answers, and the adapter has it")
	}
	return err
}

// decides chooses, names, answers, and lets the disk be erased.
func (p *play) decides(ctx context.Context, d *Deployment) error {
	p.show.Stage("A person decides")
	err := p.pages(ctx, d, page{`Which task sequence`, "1\r"}, page{`What is this computer to be called`, d.Target.Name + "\r"},
		page{`Does it take the place of another`, "\r"}, page{`Question 1 of 3(?s:.*)2  Office`, "2\r"},
		page{`Question 2 of 3(?s:.*)In which bay`, "four\r"}, page{`does not have the form`, "4\r"},
		page{`Question 3 of 3(?s:.*)The answer is not shown`, "4711"}, page{`Answer: \*\*\*\*\n`, "\r"})
	if err != nil {
		return err
	}
	shown, err := p.sees(ctx, d, `(?s)Computer:  `+d.Target.Name+`\n.*Role = Office\n.*Bay = 4\n.*Pin = \*+\n.*ERASES ALL DATA on this disk:\n +disk 0: sda, [^\n]+ GiB, [^\n]*QEMU HARDDISK[^\n]*\n`, onScreen)
	if err != nil {
		return err
	}
	if err := p.unwritten(d); err != nil {
		return err
	}
	p.holds("the summary names the disk: %s", strings.TrimSpace(regexp.MustCompile(`disk 0: .*`).FindString(shown)))
	return p.pages(ctx, d, page{`Type YES to go on:`, "yes\r"}, page{`nothing was changed; type YES`, "YES\r"})
}

// breaks sees a step fail.
func (p *play) breaks(ctx context.Context, d *Deployment) error {
	for _, text := range []string{`THE TASK SEQUENCE FAILED`, `Step: +3 Get a license\nGroup: +Install\n`, `Exit code: 7 \(0x00000007\)`, `Cause: +the box, or a server, could not be reached`,
		`Remedy: +check cable`, `Output: (?s:.*)license server: connection refused`, `Log: +/run/bootward/job/smsts\.log`, `R try again .*S \(F8\) shell`} {
		if _, err := p.sees(ctx, d, text, 2*time.Minute); err != nil {
			return err
		}
	}
	p.holds("the failure shows step, exit code, cause, remedy, output, log and keys")
	return p.unwritten(d)
}

// repairs makes in a shell what the step needs, and lets the sequence go on.
func (p *play) repairs(ctx context.Context, d *Deployment) error {
	p.show.Stage("A person repairs it in a shell")
	err := p.pages(ctx, d, page{`THE TASK SEQUENCE FAILED`, f8}, page{"a shell; `exit` goes back", "grep Uid /proc/self/status\r"},
		page{`Uid:\s+0\s+0\s+0\s+0`, "grep license /run/bootward/job/smsts.log\r"}, page{`(?s)smsts\.log.*<!\[LOG\[`, "echo yes >/tmp/licensed\r"},
		page{`/tmp/licensed`, "exit\r"})
	if err != nil {
		return err
	}
	p.holds("F8 gives a shell of root, which reads the log and repairs what the step needs")
	// Behind the shell the page stands there anew; while it runs the page of before has scrolled.
	if err := p.pages(ctx, d, page{`\A[^\n]*site CEN[^\n]*\n-+\nTHE TASK SEQUENCE FAILED(?s:.*)R try again`, "r"}); err != nil {
		return err
	}
	if _, err := p.WaitConsole(ctx, d.Machine, 0, `going on at step 3: a person at the machine wants it`, time.Minute); err != nil {
		return err
	}
	if _, err := p.sees(ctx, d, `Step 5 of [0-9]+: Install > Apply Operating System\nThis step  \[[^\n]* of [0-9]+ MiB[^\n]*\nAll steps  \[`, 3*time.Minute); err != nil {
		return err
	}
	p.holds("R: the sequence goes on at the step that failed; steps, bytes and rate stand below the lines")
	return nil
}

// atItsScreen uses a machine by its own keyboard and screen. F10 leaves it as it was.
func (p *play) atItsScreen(ctx context.Context) error {
	p.show.Stage("A machine with screen and keyboard")
	d, err := p.start(ctx, Target{Name: "bedside-2", Firmware: machine.BIOS, MAC: "52:54:00:77:00:c2", Display: true, BootOrder: machine.NetworkFirst, Boots: diskBoots})
	if err != nil {
		return err
	}
	defer d.Machine.Kill()
	for _, one := range []page{
		{"Which task sequence shall this machine run?", "1"}, {"boot the disk: 1\n", "\r"}, {"What is this computer to be called?", "Bed-2"},
		{": Bed-2\n", "F2"}, {"Network settings\n", "\x1b"}, {"What is this computer to be called?", ""},
	} {
		if err := p.onBoth(ctx, d, one.shows); err != nil {
			return err
		}
		p.show.Note(fmt.Sprintf("the screen of %s shows %q: a person presses %q", d.Target.Name, one.shows, one.types))
		if err := d.Machine.Press(ctx, one.types); err != nil {
			return err
		}
	}
	p.holds("screen and serial line of %s show the same pages, and its keyboard works", d.Target.Name)
	if err := d.Machine.Press(ctx, "F10"); err != nil {
		return err
	}
	left, err := p.WaitConsole(ctx, d.Machine, 0, `nothing was changed; the machine boots its disk`, time.Minute)
	if err != nil {
		return err
	}
	if _, err := p.toDisk(ctx, d, left.N); err != nil {
		return err
	}
	p.holds("F10 at its keyboard: it boots its disk")
	return p.unwritten(d)
}

// onBoth waits until the machine's screen shows a text, and its serial line the same page.
func (p *play) onBoth(ctx context.Context, d *Deployment, text string) error {
	var shown, serial string
	err := p.eventually(ctx, 3*time.Minute, d.Target.Name+" shows "+text, func(ctx context.Context) (_ bool, err error) {
		serial = d.Machine.Screen()
		shown, err = d.Machine.Display(ctx)
		return strings.Contains(shown, text) && strings.TrimRight(shown, "\n") == strings.TrimRight(serial, "\n"), err
	})
	if err != nil {
		return fmt.Errorf("%w; its screen shows\n%s\nits serial line shows\n%s", err, shown, serial)
	}
	return nil
}

// leftAlone holds that a machine which shows the pages to nobody goes on to its disk.
func (p *play) leftAlone(ctx context.Context, d *Deployment) error {
	asked, err := p.WaitConsole(ctx, d.Machine, 0, `Which task sequence`, 4*time.Minute)
	if err != nil {
		return err
	}
	left, err := p.WaitConsole(ctx, d.Machine, asked.N, `nobody pressed a key for 1m0s`, 3*time.Minute)
	if err != nil {
		return err
	}
	if _, err := p.toDisk(ctx, d, left.N); err != nil {
		return err
	}
	p.holds("nobody pressed a key at %s: after %.0f s it went on to its disk", d.Target.Name, (left.At - asked.At).Seconds())
	return p.unwritten(d)
}
