// Package process runs the programs of the lab (emulators, a DHCP server, packet captures) so that none outlives it:
// each has its own process group, dies with its context, and is killed by the kernel when the lab itself is killed
// (prctl(2), PR_SET_PDEATHSIG). It refuses to restart anything: that is for the caller to decide.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Spec is one program to run.
type Spec struct {
	Name      string   // for errors and logs, such as "dnsmasq on ward"
	Namespace string   // network namespace as `ip netns` names it; empty: the caller's
	Args      []string // program and arguments
	Dir       string   // working directory; empty: the caller's
	Env       []string // environment; nil: the caller's
	Stdin     io.Reader
	Stdout    io.Writer
	Stderr    io.Writer
	Files     []*os.File // inherited, from file descriptor 3 on
}

// Argv returns the command line in full, with the entry into the namespace.
func (s Spec) Argv() []string {
	if s.Namespace == "" {
		return s.Args
	}
	return append([]string{"ip", "netns", "exec", s.Namespace}, s.Args...)
}

// Process is a running program. Its methods may be called from any goroutine.
type Process struct {
	name string
	pid  int
	done chan struct{}

	mu     sync.Mutex // guards reaped and killed
	reaped bool
	killed bool
	err    error // set before done is closed
}

// Start runs the program. When ctx ends, its whole process group is killed.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	if len(spec.Args) == 0 {
		return nil, fmt.Errorf("start %s: no command given", spec.Name)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	argv := spec.Argv()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = spec.Dir, spec.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = spec.Stdin, spec.Stdout, spec.Stderr
	cmd.ExtraFiles = spec.Files
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 2 * time.Second

	p := &Process{name: spec.Name, done: make(chan struct{})}
	started := make(chan error, 1)
	go p.run(cmd, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	stop := context.AfterFunc(ctx, p.Kill)
	go func() {
		<-p.done
		stop()
	}()
	return p, nil
}

// run starts the program and waits for it on one thread: the kernel sends the death signal when the thread that
// forked ends, not when the process does.
func (p *Process) run(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	p.pid = cmd.Process.Pid
	started <- nil
	awaitExit(p.pid)

	p.mu.Lock()
	// The leader is a zombie still, so its group id cannot have been given to somebody else.
	_ = unix.Kill(-p.pid, unix.SIGKILL)
	p.reaped = true
	p.mu.Unlock()

	err := cmd.Wait()
	p.mu.Lock()
	if err != nil && !p.killed {
		p.err = fmt.Errorf("run %s: %w", p.name, err)
	}
	p.mu.Unlock()
	close(p.done)
}

// awaitExit returns when the process has ended, without reaping it.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// PID is the process id, which is also the id of its group.
func (p *Process) PID() int { return p.pid }

// Done is closed when the program has ended and been reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// Signal sends a signal to the process group; after the end it does nothing.
func (p *Process) Signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return nil
	}
	if err := unix.Kill(-p.pid, sig); err != nil {
		return fmt.Errorf("signal %s with %v: %w", p.name, sig, err)
	}
	return nil
}

// Kill ends the process group at once. It is safe to call again, and after the end.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return
	}
	p.killed = true
	_ = unix.Kill(-p.pid, unix.SIGKILL)
}

// Wait returns when the program has ended: nil after a clean exit or a Kill, otherwise its exit error. If ctx ends
// first, the program goes on and the context's error is returned.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("wait for %s: %w", p.name, ctx.Err())
	}
}

// Stop asks the program to end with sig and kills it when grace has passed. It returns when the program is gone.
func (p *Process) Stop(sig syscall.Signal, grace time.Duration) error {
	err := p.Signal(sig)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return err
	case <-timer.C:
		p.Kill()
		<-p.done
		return errors.Join(err, fmt.Errorf("stop %s: no answer to %v within %v, killed", p.name, sig, grace))
	}
}
