package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/lab/console"
	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/lab/osimage"
	"github.com/bootward/bootward/osd/status"
)

// Deployment is what came of one target.
type Deployment struct {
	Target      Target
	Machine     *machine.Machine
	config      machine.Config
	Messages    []status.Message
	Took        time.Duration // from power-on to the report from inside
	Differences []osimage.Difference
	Compared    int // entries of the source tree
}

// deployDeadline is how long a deployment may take on the reference host.
const deployDeadline = 12 * time.Minute

// trouble is what no console should show.
var trouble = regexp.MustCompile(`Kernel panic|end Kernel panic|IO-APIC \+ timer doesn't work`)

// Start switches on a machine with a new disk and no boot medium. The disk is blank
// unless the target says otherwise.
func (l *Lab) Start(ctx context.Context, t Target) (*Deployment, error) {
	t.NIC, t.Bus = cmp.Or(t.NIC, machine.VirtIO), cmp.Or(t.Bus, machine.VirtIO)
	l.show.Stage(fmt.Sprintf("Target %s (%s, %s)", t.Name, t.Firmware, t.NIC))
	dir := filepath.Join(l.options.Dir, t.Name)
	tap := "t" + strings.ReplaceAll(t.MAC, ":", "")
	if err := l.segment.Tap(ctx, tap); err != nil {
		return nil, err
	}
	c := machine.Config{
		Name: t.Name, Dir: dir, Namespace: l.segment.Namespace(), Accel: l.accel, UUID: t.UUID,
		Firmware: t.Firmware, BootOrder: cmp.Or(t.BootOrder, l.options.BootOrder), MemoryMiB: 1536, CPUs: 2,
		Disks: []machine.Disk{{Path: filepath.Join(dir, "disk.img"), Format: machine.Raw, Bus: t.Bus}},
		// A UEFI machine with QEMU's ROM would boot by iPXE; without it OVMF
		// boots by its own PXE, as real machines do.
		NICs:   []machine.NIC{{Tap: tap, MAC: t.MAC, Model: t.NIC, NoROM: t.Firmware != machine.BIOS && t.NIC == machine.VirtIO}},
		Serial: cmp.Or(t.Serial, "SN-"+t.Name), TPM: t.TPM, Display: t.Display, Product: "Ward PC",
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	if err := l.newDisk(ctx, c.Disks[0].Path, t); err != nil {
		return nil, err
	}
	m, err := machine.Start(l.running, c, l.log)
	if err != nil {
		return nil, err
	}
	return &Deployment{Target: t, Machine: m, config: c}, nil
}

// Again switches a deployed machine on from its own disk.
func (l *Lab) Again(d *Deployment) (err error) {
	d.Machine, err = machine.Start(l.running, d.config, l.log)
	return err
}

// Deploy lets a target boot from the network and waits until its installed
// system has reported. The machine is left running.
func (l *Lab) Deploy(ctx context.Context, t Target) (*Deployment, error) {
	d, err := l.Start(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := l.Follow(ctx, d); err != nil {
		return nil, errors.Join(err, l.SwitchOff(d.Machine))
	}
	return d, nil
}

// Follow waits until a target's installed system has reported.
func (l *Lab) Follow(ctx context.Context, d *Deployment) error {
	ctx, cancel := context.WithTimeout(ctx, l.factor.Scale(deployDeadline))
	defer cancel()
	stop := l.echo(ctx, d.Machine, ours)
	defer stop()
	return l.watch(ctx, d)
}

// progress is how far the agent's console says that the image is applied.
var progress = regexp.MustCompile(`([0-9]+) of ([0-9]+) MiB`)

// watch follows a deployment at the site until its job has ended.
func (l *Lab) watch(ctx context.Context, d *Deployment) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		if line, err := d.Machine.WaitSerial(ctx, 0, trouble); err == nil {
			cancel(fmt.Errorf("machine %s: %s", d.Target.Name, line.Text))
		}
	}()
	err := l.eventually(ctx, deployDeadline, d.Target.Name+" reports that its sequence has ended", func(ctx context.Context) (bool, error) {
		select {
		case <-d.Machine.Done():
			return false, fmt.Errorf("machine %s: it is off; see %s", d.Target.Name, filepath.Join(d.Machine.Dir(), "serial.log"))
		default:
		}
		if m := progress.FindStringSubmatch(d.Machine.Unfinished()); m != nil {
			l.show.Progress(megabytes(m[1]), megabytes(m[2]), console.Bytes)
		}
		return l.news(ctx, d), nil
	})
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	d.Took = time.Since(d.Machine.PowerOn())
	return l.judge(d)
}

func megabytes(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0 // shown only; a console may say anything
	}
	return n << 20
}

// news shows the messages that came since the last look, and says whether the
// job has ended. A site that is away for a while has none.
func (l *Lab) news(ctx context.Context, d *Deployment) (ended bool) {
	messages, err := query[[]status.Message](ctx, l, "status", "messages", "--computer", d.Target.Name)
	if err != nil || len(messages) == 0 {
		return false
	}
	for _, e := range status.Timeline(nil, messages[min(len(d.Messages), len(messages)):]) {
		l.show.Note(fmt.Sprintf("%s %6.1f s  %s", d.Target.Name, e.Time.Sub(d.Machine.PowerOn()).Seconds(), e.Text))
	}
	d.Messages = messages
	return messages[len(messages)-1].ID.Final()
}

// judge says whether the job ended well, and inside the installed system.
func (l *Lab) judge(d *Deployment) error {
	last := d.Messages[len(d.Messages)-1]
	if last.ID != status.SequenceCompleted || last.Stage != status.StageInstalledSystem {
		return fmt.Errorf("target %s: its last message is %d (%s), from %q, exit code %d: %s",
			d.Target.Name, last.ID, last.ID.Name(), last.Stage, last.ExitCode, last.Output)
	}
	l.show.Note(fmt.Sprintf("%s reported from inside its installed system, %.0f s after power-on", d.Target.Name, d.Took.Seconds()))
	return nil
}

// Verify switches a deployed machine off and holds its disk against the tree
// that was captured.
func (l *Lab) Verify(ctx context.Context, d *Deployment) (err error) {
	l.show.Stage("Compare " + d.Target.Name + " with the source of its image")
	if err := l.SwitchOff(d.Machine); err != nil {
		return err
	}
	d.Differences, d.Compared, err = compare(ctx, filepath.Join(d.Machine.Dir(), "disk.img"), l.image.Manifest, d.Target.Changes)
	if err != nil {
		return err
	}
	for i, x := range d.Differences {
		if i == 20 {
			l.show.Note(fmt.Sprintf("… and %d more", len(d.Differences)-i))
			break
		}
		l.show.Note("differs: " + x.String())
	}
	if n := len(d.Differences); n > 0 {
		return fmt.Errorf("target %s: %d of %d entries differ from the source", d.Target.Name, n, d.Compared)
	}
	l.show.Note(fmt.Sprintf("%d entries: owners, modes, contents, links and capabilities are those of the source", d.Compared))
	return nil
}

// SwitchOff asks a machine to shut down, so that its file systems are clean,
// and pulls the plug if it does not.
func (l *Lab) SwitchOff(m *machine.Machine) error {
	ctx, cancel := context.WithTimeout(l.running, l.factor.Scale(60*time.Second))
	defer cancel()
	if err := m.PowerDown(ctx); err == nil {
		if err := m.Wait(ctx); err == nil {
			return nil
		}
		l.log.Warn("machine did not shut down", "machine", m.Name())
	}
	m.Kill()
	kill, cancel := context.WithTimeout(context.WithoutCancel(l.running), 10*time.Second)
	defer cancel()
	return ignoreKilled(m.Wait(kill))
}
