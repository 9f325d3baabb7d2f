package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/bootward/bootward/agent/step"
)

// keepOutput is how much of a command's output is kept, in bytes, from its end.
const keepOutput = 64 << 10

// Commands implements step.Commands.
type Commands struct{}

// Run implements step.Commands: the command runs in a process group and, where there are any, in
// a control group of its own, all of which is killed when ctx ends. What a command that has ended
// left behind, such as a service, goes on.
func (Commands) Run(ctx context.Context, c step.Command) (int, string, string, error) {
	var mu sync.Mutex
	var stdout, all tail
	cmd, err := command(ctx, c)
	if err != nil {
		return -1, "", "", fmt.Errorf("run command line: %w", err)
	}
	cmd.Stdout = &tee{&mu, []*tail{&stdout, &all}}
	cmd.Stderr = &tee{&mu, []*tail{&all}}
	err = run(cmd)
	mu.Lock()
	defer mu.Unlock()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return -1, stdout.String(), all.String(), fmt.Errorf("run command line: it was ended: %w", ctx.Err())
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode(), stdout.String(), all.String(), nil
	case err != nil && !errors.Is(err, exec.ErrWaitDelay): // that: a service that it started holds its outputs
		return -1, stdout.String(), all.String(), fmt.Errorf("run command line: %w", err)
	}
	return 0, stdout.String(), all.String(), nil
}

// command is the process of a command line that has not begun.
func command(ctx context.Context, c step.Command) (*exec.Cmd, error) {
	shell := "/bin/sh"
	if _, err := os.Stat(shell); err != nil {
		shell = "/bin/gosh" // u-root's
	}
	cmd := exec.CommandContext(ctx, shell, "-c", c.Line)
	cmd.Dir = c.Dir
	cmd.Env = os.Environ()
	for _, name := range slices.Sorted(maps.Keys(c.Variables)) {
		cmd.Env = append(cmd.Env, name+"="+c.Variables[name])
	}
	cmd.Env = append(cmd.Env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/bbin", "LC_ALL=C.UTF-8")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	if c.RunAs == "" {
		return cmd, nil
	}
	return cmd, runAs(cmd, c.RunAs)
}

// run runs a process to its end; when its context ends, with all that it started.
func run(cmd *exec.Cmd) error {
	group, err := newControlGroup()
	if err == nil {
		defer group.close()
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, group.fd()
	}
	cmd.Cancel = func() error {
		return errors.Join(syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL), group.kill())
	}
	return cmd.Run()
}

// tail keeps the end of what is written.
type tail struct{ bytes.Buffer }

func (t *tail) add(p []byte) {
	t.Write(p)
	if over := t.Len() - keepOutput; over > 0 {
		t.Next(over)
	}
}

// tee writes to several tails under one lock.
type tee struct {
	mu *sync.Mutex
	to []*tail
}

func (t *tee) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.to {
		one.add(p)
	}
	return len(p), nil
}
