package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// How the child is treated.
const (
	graceful    = 10 * time.Second // between SIGTERM and SIGKILL
	firstDelay  = time.Second      // before the first restart
	longest     = time.Minute      // between restarts
	healthyTime = 2 * time.Minute  // after running that long the delay starts anew
)

// restartDelay is the pause before restart number n (from 1) in a row: doubling, at most a minute, and between half
// and the whole of it, so that a ward full of boxes does not move in step. random is from [0, 1).
func restartDelay(n int, random float64) time.Duration {
	d := longest
	if n < 7 {
		d = min(longest, firstDelay<<(n-1))
	}
	return d/2 + time.Duration(float64(d/2)*random)
}

// runBox brings up storage and seed, and keeps bootwardd running until ctx ends.
func (i *Init) runBox(ctx context.Context, m *machine, shell bool) error {
	if err := setHostname("bootward"); err != nil {
		i.Log.Warn("host name", "error", err)
	}
	if err := i.mountStorage(ctx, m); err != nil {
		return err
	}
	used, err := placeSeed(DataDir, SeedDir, ConfigFile, TokenFile)
	if err != nil {
		i.Log.Error("configuration", "error", err)
	} else {
		i.Log.Info("configuration", "from", used)
	}
	for n := 1; ; n++ {
		started := time.Now()
		code, err := i.child(ctx, keyboard(shell), "/bin/bootwardd", "serve")
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(started) > healthyTime {
			n = 1
		}
		delay := restartDelay(n, rand.Float64())
		i.Log.Error("bootwardd ended", "code", code, "error", err, "again in", delay)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(delay):
		}
	}
}

// runTarget runs the agent once. An error is one to be read on the console.
func (i *Init) runTarget(ctx context.Context) error {
	if err := setHostname("bootward-target"); err != nil {
		i.Log.Warn("host name", "error", err)
	}
	code, err := i.child(ctx, os.Stdin, "/bin/bootward-agent", "boot")
	if err == nil && code != 0 {
		err = fmt.Errorf("bootward-agent ended with %d", code)
	}
	return err
}

// child runs a program on the console, with a keyboard or nil, to its end; when ctx ends it gets SIGTERM, and SIGKILL
// if it does not follow.
func (i *Init) child(ctx context.Context, in io.Reader, program string, args ...string) (int, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = graceful
	cmd.Env, cmd.Dir = environment(), "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, os.Stdout, os.Stderr
	wait, err := i.processes.start(cmd)
	if err != nil {
		return -1, fmt.Errorf("start %s: %w", program, err)
	}
	i.Log.Info("started " + program + " " + seconds(sinceBoot()) + " after the kernel")
	code, err := wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return code, err
}

// keyboard is that of the console, or nothing where a support shell reads it: two
// readers would get every other key.
func keyboard(shell bool) io.Reader {
	if shell {
		return nil
	}
	return os.Stdin
}

// shell keeps a support shell on the console, in a session of its own so that ctrl-C works.
func (i *Init) shell(ctx context.Context) {
	for ctx.Err() == nil {
		console, err := os.OpenFile(consoleDevice(), os.O_RDWR, 0)
		if err != nil {
			i.Log.Warn("no support shell", "error", err)
			return
		}
		cmd := exec.CommandContext(ctx, "/bbin/gosh")
		cmd.Env, cmd.Dir = environment(), "/root"
		cmd.Stdin, cmd.Stdout, cmd.Stderr = console, console, console
		cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
		wait, err := i.processes.start(cmd)
		if err == nil {
			_, err = wait()
		}
		console.Close()
		i.Log.Info("support shell ended", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(firstDelay):
		}
	}
}

// consoleDevice is the terminal behind /dev/console: the last one that the kernel lists.
func consoleDevice() string {
	raw, err := os.ReadFile("/sys/class/tty/console/active")
	if err != nil {
		return "/dev/console"
	}
	return lastConsole(string(raw))
}
