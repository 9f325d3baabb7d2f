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

	"github.com/bootward/bootward/internal/supervisor"
)

// How often a block may be printed: soon after a change of what matters, and
// seldom while only figures move.
const (
	soonest = time.Second
	moving  = 10 * time.Second
)

// Console prints states. Its fields are set before Run and not changed after.
type Console struct {
	Out   io.Writer
	State func(context.Context) State
	// Changed returns a channel that is closed at the next change.
	Changed func() <-chan struct{}
	// Uptime is how long ago the power came on.
	Uptime func() (time.Duration, error)
}

// Run prints a block after each change until ctx ends, and once the line
// "bootward: ready after N.N s".
func (c *Console) Run(ctx context.Context) error {
	var shown []string
	var matters string
	var last time.Time
	ready := false
	for ctx.Err() == nil {
		changed := c.Changed()
		s := c.State(ctx)
		lines := Render(s)
		if m := essence(s); m != matters || time.Since(last) >= moving && !slices.Equal(lines, shown) {
			if err := c.print(lines); err != nil {
				return err
			}
			shown, matters, last = lines, m, time.Now()
		}
		if s.Ready && !ready {
			ready = true
			if err := c.announce(); err != nil {
				return err
			}
		}
		if !wait(ctx, changed) {
			return nil
		}
	}
	return nil
}

// wait returns after a change, but not at once, so that changes that come
// together make one block; and now and then without one.
func wait(ctx context.Context, changed <-chan struct{}) bool {
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return supervisor.Sleep(ctx, soonest)
}

func (c *Console) print(lines []string) error {
	if _, err := io.WriteString(c.Out, strings.Join(lines, "\n")+"\n"); err != nil {
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

func (c *Console) announce() error {
	up, err := c.Uptime()
	if err != nil {
		return err
	}
	return c.print([]string{fmt.Sprintf("bootward: ready after %.1f s", up.Seconds())})
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
