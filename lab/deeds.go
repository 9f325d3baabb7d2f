package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/lab/segment"
	"github.com/bootward/bootward/osd/status"
)

// Apply puts the objects of a YAML text in place, as an administrator does, and
// returns the plan. The file stays in the folder of the run, to be read.
func (l *Lab) Apply(ctx context.Context, name, yaml string) (plan string, err error) {
	file, err := l.keepFile(name, yaml)
	if err != nil {
		return "", err
	}
	out, err := l.CLI(ctx, "apply", "-f", file, "--accept-missing")
	if err != nil {
		return "", err
	}
	l.noteLines(out)
	return string(out), nil
}

// ApplyRefused holds that the site refuses a YAML text, and returns its words.
func (l *Lab) ApplyRefused(ctx context.Context, name, yaml string) (words string, err error) {
	file, err := l.keepFile(name, yaml)
	if err != nil {
		return "", err
	}
	_, err = l.CLI(ctx, "apply", "-f", file, "--accept-missing")
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "", fmt.Errorf("bootward apply -f %s: it was taken, and must be refused", name)
	case !errors.As(err, &exit) || exit.ExitCode() != refused:
		return "", fmt.Errorf("want it refused with exit code %d: %w", refused, err)
	}
	for line := range lines(exit.Stderr) {
		l.show.Note(line)
	}
	return string(exit.Stderr), nil
}

// refused is the exit code of `bootward` for what policy or safety forbids.
const refused = 3

func (l *Lab) keepFile(name, text string) (string, error) {
	file := filepath.Join(l.options.Dir, name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	return file, nil
}

// CutLine takes the line between ward and site away: packets are lost without a
// word. MendLine gives it back.
func (l *Lab) CutLine(ctx context.Context) error { return l.segment.Cut(ctx) }

// MendLine ends CutLine.
func (l *Lab) MendLine(ctx context.Context) error { return l.segment.Restore(ctx) }

// Delivered holds that the messages of a job arrived at the site each once and
// in order.
func Delivered(messages []status.Message) error {
	if len(messages) == 0 {
		return errors.New("no message arrived")
	}
	for i, m := range messages {
		if m.Job != messages[0].Job {
			return fmt.Errorf("message %d is of job %s, the one before of %s: the machine ran more than once", m.Number, m.Job, messages[0].Job)
		}
		if m.Number != uint64(i+1) {
			return fmt.Errorf("message %d of job %s has number %d: one is lost, counted twice or out of order", i+1, m.Job, m.Number)
		}
	}
	return nil
}

// Sent lists the lines of the box's console, from line number from on, that say
// that it offered or sent something to a machine that boots.
func (l *Lab) Sent(from int) []string {
	var all []string
	for _, line := range l.box.Serial()[from:] {
		if strings.Contains(line.Text, "outcome=offered") || strings.Contains(line.Text, "tftp transfer") || strings.Contains(line.Text, "boot file") {
			all = append(all, line.Text)
		}
	}
	return all
}

// GaveUp is what a firmware shows that has nothing to boot.
const GaveUp = `Nothing to boot|No more network devices|No bootable device|Shell>`

// Say is a prompt of a machine, and what a person answers.
type Say struct{ Prompt, Answer string }

// f12 is what a terminal sends for F12.
const f12 = "\x1b[24~"

// Consent is how a person at a machine takes the first sequence that is offered,
// and lets it erase the disk. F12 is asked for by iPXE before it loads the boot image,
// else by the agent.
func Consent() []Say {
	return []Say{{"Press F12 for network service boot", f12}, {"Number, or nothing", "1\r"}, {"Does this machine replace another", "\r"}, {"Type YES to go on", "YES\r"}}
}

// Converse is a person at the serial console of a machine: each prompt is waited
// for, at most the deadline, and answered.
func (l *Lab) Converse(ctx context.Context, m *machine.Machine, deadline time.Duration, all ...Say) error {
	return l.converse(ctx, m, 0, deadline, all...)
}

// converse is Converse from line number from on.
func (l *Lab) converse(ctx context.Context, m *machine.Machine, from int, deadline time.Duration, all ...Say) error {
	for _, s := range all {
		line, err := l.WaitConsole(ctx, m, from, s.Prompt, deadline)
		if err != nil {
			return err
		}
		l.show.Note(fmt.Sprintf("%s asks %q: a person types %q", m.Name(), s.Prompt, s.Answer))
		if err := m.Type(s.Answer); err != nil {
			return err
		}
		from = line.N
	}
	return nil
}

// Capture records every packet of the segment in a file, until it is stopped, the
// lab is closed, or ctx ends.
func (l *Lab) Capture(ctx context.Context, file string) (*segment.Capture, error) {
	return l.segment.Capture(ctx, file)
}
