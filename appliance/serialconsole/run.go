package serialconsole

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How often a block may be printed: soon after a change of what matters, and
// seldom while only figures move.
const (
	soonest = time.Second
	moving  = 10 * time.Second
)

// Console prints states, and hands on what is typed. Its fields are set before
// Run and not changed after.
type Console struct {
	Out   io.Writer // a *Screen if the log goes there too
	State func(context.Context) State
	// Changed returns a channel that is closed at the next change.
	Changed func() <-chan struct{}
	// Uptime is how long ago the power came on.
	Uptime func() (time.Duration, error)
	// Keys are those of a terminal, and Input takes the lines that they make; nil:
	// nothing is read.
	Keys  <-chan byte
	Input Interpreter
}

// printed is what stands on the console.
type printed struct {
	lines   []string
	matters string
	at      time.Time
	ready   bool // it was said
}

// Run prints a block after each change until ctx ends, and once the line
// "bootward: ready after N.N s". While somebody types a line, blocks are held
// back. Changes that come together make one block; now and then it looks without
// one.
func (c *Console) Run(ctx context.Context) error {
	screen, ok := c.Out.(*Screen)
	if !ok {
		screen = NewScreen(c.Out)
	}
	keys, typing := c.Keys, &keyboard{screen: screen, input: c.Input}
	if c.Input == nil {
		keys = nil
	}
	var shown printed
	look, idle := time.NewTimer(0), time.NewTicker(lookEvery)
	defer look.Stop()
	defer idle.Stop()
	var changed <-chan struct{}
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			changed = nil
			look.Reset(soonest)
		case <-look.C:
			if typing.busy() {
				look.Reset(soonest)
				break
			}
			changed = c.Changed()
			look.Reset(time.Minute)
			err = c.look(ctx, screen, &shown)
		case k, ok := <-keys:
			if !ok {
				keys = nil
				break
			}
			err = typing.press(ctx, k)
		case <-idle.C:
			err = typing.look()
		}
		if err != nil {
			return fmt.Errorf("console: %w", err)
		}
	}
}

// look prints what is new.
func (c *Console) look(ctx context.Context, screen io.Writer, shown *printed) error {
	s := c.State(ctx)
	lines := Render(s)
	if m := essence(s); m != shown.matters || time.Since(shown.at) >= moving && !slices.Equal(lines, shown.lines) {
		if err := write(screen, lines); err != nil {
			return err
		}
		shown.lines, shown.matters, shown.at = lines, m, time.Now()
	}
	if !s.Ready || shown.ready {
		return nil
	}
	shown.ready = true
	up, err := c.Uptime()
	if err != nil {
		return err
	}
	return write(screen, []string{fmt.Sprintf("bootward: ready after %.1f s", up.Seconds())})
}

func write(out io.Writer, lines []string) error {
	_, err := io.WriteString(out, strings.Join(lines, "\n")+"\n")
	return err
}

// essence is what makes a new block worth printing at once: everything but
// figures that move all the time.
func essence(s State) string {
	s.Content.Held, s.Content.Rate, s.Content.Left = 0, 0, 0
	s.Waiting, s.PolicyAge = 0, 0
	s.Jobs = slices.Clone(s.Jobs)
	for i := range s.Jobs {
		s.Jobs[i].Percent = 0
	}
	return fmt.Sprintf("%+v", s)
}

// Uptime reads /proc/uptime (proc(5)): the first number counts seconds since
// the kernel started.
func Uptime() (time.Duration, error) {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, fmt.Errorf("uptime: %w", err)
	}
	first, _, _ := strings.Cut(string(text), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0, fmt.Errorf("uptime: %w", err)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}
