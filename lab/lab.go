// Package lab is a whole site in emulation: a central site, a ward with a
// plain DHCP server, a box that boots its own firmware, and targets with blank
// disks. It serves `bootward lab`, which is also the isolated test that the
// guide asks for before a real machine is touched (§6.1), and the system tests.
//
// It starts the real programs and speaks to them as an administrator does,
// through the command line. It touches no network of the host (package
// segment) and leaves no process behind (package process). It needs root.
package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/bootward/bootward/lab/console"
	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/lab/osimage"
	"github.com/bootward/bootward/lab/process"
	"github.com/bootward/bootward/lab/segment"
)

// marker is a file that says that a directory is a lab's, and may be emptied.
const marker = ".bootward-lab"

// Lab is an emulated site with a ward. Its methods are for one goroutine.
type Lab struct {
	options Options
	show    *console.Display
	log     *slog.Logger
	logFile *os.File
	accel   string
	factor  machine.Factor
	segment *segment.Segment
	image   osimage.Result
	site    *process.Process
	box     *machine.Machine
	boxMAC  string // of its network card
	// stop ends whatever was started with running.
	running context.Context
	stop    context.CancelFunc
}

// Open prepares a run: an empty directory, the network, the measure of how
// slow this host is. Close it. Everything ends with ctx.
func Open(ctx context.Context, o Options) (*Lab, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("lab: needs root to make network namespaces and mount disk images; run it with sudo")
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	if o, err = o.withDefaults(program); err != nil {
		return nil, err
	}
	if err := emptyDir(o.Dir); err != nil {
		return nil, err
	}
	l := &Lab{options: o, boxMAC: "52:54:00:77:00:01", show: console.New(o.Out, modeOf(o), time.Now)}
	if l.logFile, err = os.Create(filepath.Join(o.Dir, "lab.log")); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	l.log = slog.New(slog.NewTextHandler(l.logFile, nil))
	l.running, l.stop = context.WithCancel(ctx)
	go func() { _ = l.show.Run(l.running) }() // ends with running; drawing has no error to tell
	if err := l.prepare(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func modeOf(o Options) console.Mode {
	if f, ok := o.Out.(*os.File); ok {
		return console.ModeFor(f, o.JSON)
	}
	if o.JSON {
		return console.JSON
	}
	return console.Plain
}

func (l *Lab) prepare(ctx context.Context) (err error) {
	l.show.Stage("Measure this host")
	l.accel = machine.ChooseAccel(ctx, l.log)
	var took time.Duration
	if l.factor, took, err = machine.Calibrate(ctx, l.accel, l.log); err != nil {
		return err
	}
	l.show.Note(fmt.Sprintf("%s emulation; the calibration boot took %.1f s, deadlines are stretched by %.1f", l.accel, took.Seconds(), float64(l.factor)))
	l.segment, err = segment.Open(l.running, segment.Config{Name: l.options.Name, DHCPOptions: l.options.DHCPOptions}, l.log)
	if err != nil || l.options.BoxPXE == OnlyDHCP {
		return err
	}
	_, err = l.segment.StartDHCP(l.running, filepath.Join(l.options.Dir, "dhcp"))
	return err
}

// Close switches everything off and removes the network. The directory stays.
func (l *Lab) Close() error {
	l.stop()
	var errs []error
	// The run's context has ended; what is left needs a moment of its own.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if l.box != nil {
		l.box.Kill()
		errs = append(errs, ignoreKilled(l.box.Wait(ctx)))
	}
	if l.site != nil {
		l.site.Kill()
		<-l.site.Done()
	}
	if l.segment != nil {
		errs = append(errs, l.segment.Close())
	}
	return errors.Join(append(errs, l.logFile.Close())...)
}

// ignoreKilled drops the error of a machine that we switched off ourselves.
func ignoreKilled(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// emptyDir makes a directory for a run, or empties one of an earlier run. A
// directory that is no lab's is refused.
func emptyDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("lab: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, marker)); err != nil && len(entries) > 0 {
		return fmt.Errorf("lab: %s is not empty and no directory of a lab: give another with --dir", dir)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("lab: empty %s: %w", dir, err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, marker), []byte("A run of bootward lab; the next one empties it.\n"), 0o644)
}
