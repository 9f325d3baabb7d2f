package machine

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/agent/step"
)

// TestCommandOutput: however much a command prints, the end of it is all that is kept.
func TestCommandOutput(t *testing.T) {
	const bytes = 256 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	code, stdout, all, err := Commands{}.Run(t.Context(), step.Command{Line: "head -c 268435456 /dev/zero | tr '\\0' x; echo the end"})
	runtime.ReadMemStats(&after)
	if code != 0 || err != nil || !strings.HasSuffix(stdout, "xthe end\n") || len(stdout) != keepOutput || len(all) != keepOutput {
		t.Errorf("code %d, %d and %d bytes, %v", code, len(stdout), len(all), err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
		t.Errorf("a command that printed %d bytes took %d bytes of memory", bytes, took)
	}
}

// TestHangingCommand: at the end of the time nothing is left of what a command started, also of
// what hid from its process group.
func TestHangingCommand(t *testing.T) {
	group, err := newControlGroup()
	if err != nil {
		t.Logf("only the process group is tried here: %v", err)
	} else {
		group.close()
	}
	for _, tt := range []struct {
		name, line string
		needs      bool // control groups
	}{
		{"a shell", `exec 3>"$PIPE"; echo ready >&3; while :; do sleep 60; done`, false},
		{"in the background", `(exec 3>"$PIPE"; echo ready >&3; sleep 60) & wait`, false},
		{"deaf to signals", `trap "" TERM INT HUP; exec 3>"$PIPE"; echo ready >&3; sleep 60; sleep 60`, false},
		{"in a session of its own", `setsid sh -c 'exec 3>"$PIPE"; echo ready >&3; sleep 60' & wait`, true},
		{"in a session of its own, its father gone", `(setsid sh -c 'exec 3>"$PIPE"; echo ready >&3; sleep 60' &); sleep 60`, true},
	} {
		if tt.needs && err != nil {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			pipe := filepath.Join(t.TempDir(), "pipe")
			if err := unix.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			gone := make(chan error, 1)
			go func() { gone <- untilGone(pipe, cancel) }()
			_, _, _, err := Commands{}.Run(ctx, step.Command{Line: tt.line, Variables: map[string]string{"PIPE": pipe}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			select {
			case err := <-gone:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(20 * time.Second):
				t.Error("something that the command started still runs")
			}
		})
	}
}

// untilGone waits for the first line in a pipe, calls begun, and returns when nobody has the
// pipe open any more.
func untilGone(pipe string, begun func()) error {
	f, err := os.Open(pipe) // waits for the other side
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	if _, err := r.ReadString('\n'); err != nil {
		return err
	}
	begun()
	_, err = io.Copy(io.Discard, r)
	return err
}

// TestCommandLeavesService: a command that ends well may leave something behind.
func TestCommandLeavesService(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, _, err := Commands{}.Run(t.Context(), step.Command{Line: `(read line < pipe; echo "$line" > pipe) > /dev/null 2>&1 & exit 0`, Dir: dir})
	if code != 0 || err != nil {
		t.Fatal(code, err)
	}
	if err := os.WriteFile(pipe, []byte("alive\n"), 0); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(pipe); string(got) != "alive\n" || err != nil {
		t.Errorf("it answered %q, %v", got, err)
	}
}

func TestRunAs(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("this test changes users: run it as root, as scripts/deps says")
	}
	_, stdout, _, err := Commands{}.Run(t.Context(), step.Command{Line: `echo "$(id -un) $(id -G) $USER $LOGNAME $HOME $Word"`, RunAs: "nobody", Dir: "/", Variables: map[string]string{"Word": "yes"}})
	if want := "nobody 65534 nobody nobody /nonexistent yes\n"; stdout != want || err != nil {
		t.Errorf("got %q, %v; want %q", stdout, err, want)
	}
	_, _, _, err = Commands{}.Run(t.Context(), step.Command{Line: "true", RunAs: "nobody-there"})
	if err == nil || !strings.Contains(err.Error(), "run as nobody-there: this system has no such user") {
		t.Errorf("a user that is not there: %v", err)
	}
}

func TestOwnGroup(t *testing.T) {
	const hybrid = "30 25 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n31 25 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
	const pure = "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	for _, tt := range []struct{ name, mounts, groups, want string }{
		{"systemd", pure, "0::/system.slice/bootward-agent.service\n", "/sys/fs/cgroup/system.slice/bootward-agent.service"},
		{"boot image", pure, "0::/\n", "/sys/fs/cgroup"},
		{"both versions", hybrid, "9:cpu:/a\n0::/b\n", "/sys/fs/cgroup/unified/b"},
		{"version 1 alone", "31 25 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", "9:cpu:/a\n", ""},
		{"not mounted", "", "0::/\n", ""},
		{"a part of the tree", "30 25 0:26 /other /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/\n", ""},
	} {
		if got, err := ownGroup([]byte(tt.mounts), []byte(tt.groups)); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}
