package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// shellProgram is there in boot images with u-root's tools.
const shellProgram = "/bbin/gosh"

// leaderUse is the command of this program that leads the session of a shell.
const leaderUse = "lead-session"

// shellPatience is how long a shell that is to end may take.
const shellPatience = 5 * time.Second

// session runs a program on a terminal, which is the one of its session: Ctrl-C reaches what it runs. This
// program leads the session. When the leader of a session ends, Linux hangs the terminal up for all that have it
// open, unless the leader has given it back before; a shell does not.
func session(ctx context.Context, tty *os.File, program string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, leaderUse, program)
	cmd.Dir, cmd.Env = "/", append(os.Environ(), "PATH=/bbin:/bin:/sbin:/usr/bin:/usr/sbin", "TERM=vt100")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * shellPatience
	return cmd.Run()
}

func leaderCommand() *cobra.Command {
	return &cobra.Command{
		Use: leaderUse + " PROGRAM", Short: "Lead the session of a shell on the terminal at the standard input", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return lead(cmd.Context(), args[0]) },
	}
}

// lead runs a program in the foreground of the terminal, and gives the terminal back. How the program ended
// is its own affair. ctx ends with SIGTERM.
func lead(ctx context.Context, program string) error {
	// Caught, not ignored: that would be handed down. To give the terminal back sends SIGHUP to its foreground.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGTTOU, syscall.SIGTTIN, syscall.SIGQUIT)
	cmd := exec.CommandContext(ctx, program)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Foreground: true, Ctty: 0}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGHUP) }
	cmd.WaitDelay = shellPatience
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) || ctx.Err() != nil {
		err = nil
	}
	if e := unix.IoctlSetInt(0, unix.TIOCNOTTY, 0); e != nil {
		err = errors.Join(err, fmt.Errorf("give the terminal back: %w", e))
	}
	return err
}
