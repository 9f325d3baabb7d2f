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
)

// keepOutput is how much of a command's output is kept, in bytes, from its end.
const keepOutput = 64 << 10

// Commands implements step.Commands.
type Commands struct{}

// Run implements step.Commands: the command runs in a process group of its own,
// all of which is killed when ctx ends.
func (Commands) Run(ctx context.Context, command, dir string, variables map[string]string) (int, string, string, error) {
	shell := "/bin/sh"
	if _, err := os.Stat(shell); err != nil {
		shell = "/bin/gosh" // u-root's
	}
	var mu sync.Mutex
	var stdout, all tail
	cmd := exec.CommandContext(ctx, shell, "-c", command)
	cmd.Dir = dir
	cmd.Env = os.Environ()
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		cmd.Env = append(cmd.Env, name+"="+variables[name])
	}
	cmd.Env = append(cmd.Env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/bbin", "LC_ALL=C.UTF-8")
	cmd.Stdout = &tee{&mu, []*tail{&stdout, &all}}
	cmd.Stderr = &tee{&mu, []*tail{&all}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	mu.Lock()
	defer mu.Unlock()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return -1, stdout.String(), all.String(), fmt.Errorf("run command line: it was ended: %w", ctx.Err())
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode(), stdout.String(), all.String(), nil
	case err != nil:
		return -1, stdout.String(), all.String(), fmt.Errorf("run command line: %w", err)
	}
	return 0, stdout.String(), all.String(), nil
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
