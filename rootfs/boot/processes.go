package boot

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// processes starts programs and collects the dead that were left to PID 1, without taking those that somebody waits
// for: the lock covers the gap between the start of a program and the note of its id.
type processes struct {
	mu   sync.Mutex
	ours map[int]bool
}

// start starts a program that the caller will Wait for by the returned function, which gives the exit code.
func (p *processes) start(cmd *exec.Cmd) (wait func() (int, error), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if p.ours == nil {
		p.ours = map[int]bool{}
	}
	pid := cmd.Process.Pid
	p.ours[pid] = true
	return func() (int, error) {
		err := cmd.Wait()
		p.mu.Lock()
		delete(p.ours, pid)
		p.mu.Unlock()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = nil
		}
		return cmd.ProcessState.ExitCode(), err
	}, nil
}

// output runs a program to its end and returns what it printed and its exit code.
func (p *processes) output(ctx context.Context, program string, args ...string) (string, int, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment(), &out, &out
	wait, err := p.start(cmd)
	if err != nil {
		return "", -1, err
	}
	code, err := wait()
	return strings.TrimSpace(out.String()), code, err
}

// environment is what programs started by PID 1 see.
func environment() []string {
	return []string{"PATH=/bin:/usr/sbin:/usr/bin:/sbin:/bbin", "HOME=/root", "TERM=linux", "TMPDIR=/tmp"}
}

// watch answers signals until the returned function is called: dead children are collected; SIGTERM, SIGINT
// (ctrl-alt-del) and SIGPWR call end.
func (p *processes) watch(end func()) (stop func()) {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGCHLD, unix.SIGTERM, unix.SIGINT, unix.SIGPWR)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				if s == unix.SIGCHLD {
					p.reap(os.DirFS("/proc"))
				} else {
					end()
				}
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(signals); close(done) }
}

// killAll ends what is left of all programs, so that nothing holds a disk, and waits a little for them.
func killAll() {
	_ = unix.Kill(-1, unix.SIGKILL) // PID 1 is not meant; none left is as good
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			if _, err := unix.Wait4(-1, nil, 0, nil); err != nil && !errors.Is(err, unix.EINTR) {
				return // no child is left
			}
		}
	}()
	select {
	case <-gone:
	case <-time.After(2 * time.Second):
	}
}

// reap waits for every dead child of ours that nobody else waits for.
func (p *processes) reap(proc fs.FS) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pid := range deadChildren(proc, os.Getpid()) {
		if !p.ours[pid] {
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil) // gone already is as good
		}
	}
}

// deadChildren lists the zombies whose parent is pid, from a tree like /proc.
func deadChildren(proc fs.FS, pid int) (dead []int) {
	entries, err := fs.ReadDir(proc, ".")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		raw, err := fs.ReadFile(proc, e.Name()+"/stat")
		if err != nil {
			continue
		}
		if state, parent, ok := parseStat(string(raw)); ok && state == "Z" && parent == pid {
			dead = append(dead, n)
		}
	}
	return dead
}

// parseStat reads state and parent from /proc/PID/stat; the name in brackets before them may hold anything.
func parseStat(stat string) (state string, parent int, ok bool) {
	end := strings.LastIndexByte(stat, ')')
	if end < 0 {
		return "", 0, false
	}
	f := strings.Fields(stat[end+1:])
	if len(f) < 2 {
		return "", 0, false
	}
	parent, err := strconv.Atoi(f[1])
	return f[0], parent, err == nil
}
