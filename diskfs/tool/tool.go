// Package tool runs foreign programs: mkfs.ext4, wimlib-imagex, grub-install and
// the like. It exists so that the packages which need such a program can be
// tested with a recorder in place of the program.
//
// It never goes through a shell, and it never looks at what a program prints
// beyond handing over its lines and keeping the last of them for the error.
package tool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// grace is how long a program may take to end after it was told to stop.
const grace = 5 * time.Second

// Command is one call of a program.
type Command struct {
	// Path is the program: an absolute path, or a name looked up in PATH. With
	// Root it is a path inside Root.
	Path string
	// Args are the arguments, without the program's own name.
	Args []string
	// Env is the whole environment, as KEY=value. Nothing is inherited but what
	// stands here; nil means a PATH of the usual system folders and LC_ALL=C.
	Env []string
	// Root, if not empty, is the folder that the program sees as its root.
	Root string
	// Input is what the program reads from its standard input: for secrets, which must
	// not stand among its arguments. Nothing shows it.
	Input []byte
	// Line, if not nil, gets every line of standard output and standard error
	// as it is printed; a carriage return ends a line too. Calls come one at a
	// time, from a goroutine of Run.
	Line func(line string)
}

// String gives the command as a person would type it; for logs, not for a shell.
func (c Command) String() string {
	s := strings.Join(append([]string{c.Path}, c.Args...), " ")
	if c.Root != "" {
		return "chroot " + c.Root + " " + s
	}
	return s
}

// Error says that a program ran and failed.
type Error struct {
	Command string // as typed
	Code    int    // exit status; -1 if a signal ended it
	Tail    string // the last lines it printed
}

func (e *Error) Error() string {
	if e.Tail == "" {
		return fmt.Sprintf("%s: exit status %d, no output", e.Command, e.Code)
	}
	return fmt.Sprintf("%s: exit status %d: %s", e.Command, e.Code, e.Tail)
}

// Code returns the exit status inside err, and false if err is not of a program
// that ran.
func Code(err error) (int, bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code, true
	}
	return 0, false
}

// Runner runs a command to its end. Implementations are safe for concurrent
// use. A non-zero exit status is an *Error; a cancelled context is the context's
// cause.
type Runner interface {
	Run(ctx context.Context, c Command) error
}

// Func lets a function serve as a Runner; used by tests.
type Func func(ctx context.Context, c Command) error

// Run calls f.
func (f Func) Run(ctx context.Context, c Command) error { return f(ctx, c) }

// Exec is the Runner that starts real processes. A cancelled context sends
// SIGTERM, and SIGKILL after five seconds.
type Exec struct{}

// Run starts c and waits for its end.
func (Exec) Run(ctx context.Context, c Command) error {
	path, err := locate(c)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, c.Args...)
	cmd.Env = environment(c.Env)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	if c.Input != nil {
		cmd.Stdin = bytes.NewReader(c.Input)
	}
	if c.Root != "" {
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.Root}
	}
	out := &lines{each: c.Line}
	cmd.Stdout, cmd.Stderr = io.Writer(out), io.Writer(out)
	err = cmd.Run()
	out.flush()
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", c, context.Cause(ctx))
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return &Error{Command: c.String(), Code: exit.ExitCode(), Tail: out.tail()}
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", c, err)
	}
	return nil
}

// locate finds the program. Inside another root the path is taken as it stands,
// because PATH there is not ours to search.
func locate(c Command) (string, error) {
	if c.Root != "" {
		if !filepath.IsAbs(c.Path) {
			return "", fmt.Errorf("run %s: a program inside another root needs an absolute path", c)
		}
		return c.Path, nil
	}
	path, err := exec.LookPath(c.Path)
	if err != nil {
		return "", fmt.Errorf("find program %s: %w", c.Path, err)
	}
	return path, nil
}

// environment is env, or the minimal default.
func environment(env []string) []string {
	if env != nil {
		return env
	}
	return DefaultEnv()
}

// DefaultEnv is the environment of a command that names none.
func DefaultEnv() []string {
	return []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/"}
}
