package process_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/lab/process"
)

// TestMain lets the test binary play a lab that is killed: see TestKilledParentLeavesNothing.
func TestMain(m *testing.M) {
	if os.Getenv("PROCESS_TEST_PARENT") == "" {
		os.Exit(m.Run())
	}
	p, err := process.Start(context.Background(), process.Spec{Name: "sleep", Args: []string{"sleep", "300"}})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(p.PID())
	select {}
}

func TestExit(t *testing.T) {
	tests := []struct {
		name    string
		args    []string
		wantErr string
	}{
		{"clean", []string{"true"}, ""},
		{"failed", []string{"sh", "-c", "exit 3"}, "run failed: exit status 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := process.Start(t.Context(), process.Spec{Name: tt.name, Args: tt.args})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := p.Wait(t.Context()); err != nil {
				got = err.Error()
			}
			if got != tt.wantErr {
				t.Errorf("error %q, want %q", got, tt.wantErr)
			}
		})
	}
}

func TestStartRefuses(t *testing.T) {
	if _, err := process.Start(t.Context(), process.Spec{Name: "nothing"}); err == nil {
		t.Error("an empty command was started")
	}
	_, err := process.Start(t.Context(), process.Spec{Name: "ghost", Args: []string{"/nowhere/ghost"}})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want a missing file", err)
	}
}

func TestCancelKillsWholeGroup(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := process.Start(ctx, process.Spec{Name: "family", Stdout: w,
		Args: []string{"sh", "-c", "sleep 300 & echo $!; wait"}})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := p.Wait(t.Context()); err != nil {
		t.Errorf("wait after cancel: %v", err)
	}
	awaitGone(t, line)
}

func TestKilledParentLeavesNothing(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "PROCESS_TEST_PARENT=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	awaitGone(t, line)
}

func TestStop(t *testing.T) {
	p, err := process.Start(t.Context(), process.Spec{Name: "sleep", Args: []string{"sleep", "300"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(syscall.SIGTERM, 5*time.Second); err != nil {
		t.Error(err)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("signal after the end: %v", err)
	}
}

func TestStopKillsTheDeaf(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := process.Start(t.Context(), process.Spec{Name: "deaf", Stdout: w,
		Args: []string{"sh", "-c", "trap '' TERM; echo ready; sleep 300"}})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(syscall.SIGTERM, 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("error %v, want a word of the kill", err)
	}
}

func TestOutput(t *testing.T) {
	var out bytes.Buffer
	p, err := process.Start(t.Context(), process.Spec{Name: "cat", Args: []string{"cat"}, Stdin: strings.NewReader("ward\n"), Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out.String() != "ward\n" {
		t.Errorf("output %q", out.String())
	}
}

// awaitGone waits until the process whose id the line holds is gone or a zombie.
func awaitGone(t *testing.T, line string) {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("no process id in %q", line)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 5000)
	if err != nil || n != 1 {
		t.Errorf("process %d lives on (poll %d, %v)", pid, n, err)
	}
}
