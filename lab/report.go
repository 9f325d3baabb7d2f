package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/term"

	"github.com/bootward/bootward/lab/console"
	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/osd/status"
)

// Report prints the timeline of every deployment, the status report of the
// guide's figure 10 for each, and where to look further.
func (l *Lab) Report(ctx context.Context, w io.Writer, deployments []*Deployment) error {
	var rows []console.Row
	for _, d := range deployments {
		entries, err := query[[]status.Entry](ctx, l, "status", "timeline", d.Target.Name, "--mac", d.Target.MAC)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if at := e.Time.Sub(d.Machine.PowerOn()); at > 0 {
				rows = append(rows, console.Row{At: at, Machine: fmt.Sprintf("%s (%s)", d.Target.Name, d.Target.Firmware), Event: e.Text})
			}
		}
	}
	fmt.Fprintln(w, "\nTimeline, seconds since power-on")
	if err := console.Timeline(w, rows); err != nil {
		return err
	}
	for _, d := range deployments {
		out, err := l.CLI(ctx, "status", "report", d.Target.Name, "--width", strconv.Itoa(width(w)))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s", out)
	}
	return nil
}

// width is the columns of a terminal, and enough for every column elsewhere.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			return columns
		}
	}
	return 160
}

// Places prints where logs, transcripts and commands lie.
func (l *Lab) Places(w io.Writer, names []string) {
	fmt.Fprintf(w, "\nLogs: %s\nSite: %s\n", filepath.Join(l.options.Dir, "lab.log"), filepath.Join(l.options.Dir, "site.log"))
	for _, name := range names {
		dir := filepath.Join(l.options.Dir, name)
		fmt.Fprintf(w, "%-10s console %s, as bytes serial.raw, exact command %s\n", name, filepath.Join(dir, "serial.log"), filepath.Join(dir, "qemu.sh"))
	}
}

// Run does the main job from nothing: image, site, box, and every target, one
// after the other. It returns nil only if each installed system has reported
// from inside and its disk is that of the source.
func Run(ctx context.Context, o Options) (err error) {
	begun := time.Now()
	l, err := Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	deployments, err := l.chain(ctx)
	l.show.Done(err)
	names := []string{boxName}
	for _, t := range l.options.Targets {
		names = append(names, t.Name)
	}
	if err == nil && !o.JSON {
		err = l.Report(ctx, o.Out, deployments)
	}
	if !o.JSON {
		l.Places(o.Out, names)
		fmt.Fprintf(o.Out, "%d of %d targets deployed in %.0f s%s\n", len(deployments), len(l.options.Targets), time.Since(begun).Seconds(), l.cold())
	}
	if err == nil && (o.Keep || o.Attach != "") {
		return l.keep(ctx, deployments)
	}
	return err
}

// cold says how long the work took from its very beginning, and what it would
// have taken without the operating system image in the cache.
func (l *Lab) cold() string {
	if l.options.Since.IsZero() {
		return ""
	}
	whole := time.Since(l.options.Since)
	text := fmt.Sprintf("; %.0f s with packages, programs and kit", whole.Seconds())
	if l.image.Cached {
		text += fmt.Sprintf("; %.0f s had the operating system image not been in the cache", (whole + l.image.Took).Seconds())
	}
	return text
}

// keep switches the deployed machines on again, from their own disks, and
// leaves everything running.
func (l *Lab) keep(ctx context.Context, deployments []*Deployment) error {
	names := []string{boxName}
	for _, d := range deployments {
		if err := l.Again(d); err != nil {
			return err
		}
		names = append(names, d.Target.Name)
	}
	return l.stay(ctx, names)
}

// stay leaves the machines running until the context ends, or until the person
// at the attached console leaves it.
func (l *Lab) stay(ctx context.Context, names []string) error {
	if name := l.options.Attach; name != "" {
		if !slices.Contains(names, name) {
			return fmt.Errorf("lab: there is no machine %q to attach to: give one of %v", name, names)
		}
		return machine.Attach(ctx, filepath.Join(l.options.Dir, name), l.options.In, l.options.Out)
	}
	fmt.Fprintf(l.options.Out, "Running: %v. A console: bootward lab attach NAME --dir %s. Ctrl-C ends all.\n", names, l.options.Dir)
	<-ctx.Done()
	return nil
}

func (l *Lab) chain(ctx context.Context) ([]*Deployment, error) {
	for _, step := range []func(context.Context) error{l.Image, l.Site, l.BuildFirmware, l.StartBox} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if _, err := l.WaitBox(ctx); err != nil {
		return nil, err
	}
	var done []*Deployment
	for _, t := range l.options.Targets {
		d, err := l.Deploy(ctx, t)
		if err != nil {
			return done, err
		}
		if err := l.Verify(ctx, d); err != nil {
			return done, err
		}
		done = append(done, d)
	}
	return done, nil
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return nil
}
