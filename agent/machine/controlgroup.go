package machine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// controlGroup holds the processes of one command, also those that left its process group
// (cgroups(7), version 2). A nil one holds none.
type controlGroup struct {
	dir  string
	file *os.File
}

// dying is how long processes that were killed may take to end.
const dying = 5 * time.Second

// newControlGroup makes a group below that of the agent. An error means that this system has
// none, or lets the agent make none: then the process group must do.
func newControlGroup() (*controlGroup, error) {
	mounts, errMounts := os.ReadFile("/proc/self/mountinfo")
	groups, errGroups := os.ReadFile("/proc/self/cgroup")
	if err := errors.Join(errMounts, errGroups); err != nil {
		return nil, err
	}
	own, err := ownGroup(mounts, groups)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(own, "bootward-command-")
	if err != nil {
		return nil, fmt.Errorf("control group: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "cgroup.kill")); err != nil { // Linux 5.14
		return nil, errors.Join(err, os.Remove(dir))
	}
	file, err := os.Open(dir)
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	return &controlGroup{dir, file}, nil
}

// ownGroup is the folder of the group that a process is in, after its mountinfo (proc(5)) and
// its cgroup (cgroups(7)).
func ownGroup(mounts, groups []byte) (string, error) {
	at := ""
	for s := bufio.NewScanner(bytes.NewReader(mounts)); s.Scan(); {
		before, after, _ := strings.Cut(s.Text(), " - ")
		if fields := strings.Fields(before); strings.HasPrefix(after, "cgroup2 ") && len(fields) > 4 && fields[3] == "/" {
			at = fields[4]
		}
	}
	for s := bufio.NewScanner(bytes.NewReader(groups)); s.Scan(); {
		if own, ok := strings.CutPrefix(s.Text(), "0::/"); ok && at != "" {
			return filepath.Join(at, own), nil
		}
	}
	return "", errors.New("control group: this system has none of version 2")
}

func (g *controlGroup) fd() int { return int(g.file.Fd()) }

// kill ends every process of the group, and waits until they are gone.
func (g *controlGroup) kill() error {
	if g == nil {
		return nil
	}
	if err := os.WriteFile(filepath.Join(g.dir, "cgroup.kill"), []byte("1"), 0); err != nil {
		return fmt.Errorf("control group: %w", err)
	}
	events, err := os.Open(filepath.Join(g.dir, "cgroup.events"))
	if err != nil {
		return fmt.Errorf("control group: %w", err)
	}
	defer events.Close()
	for end := time.Now().Add(dying); ; {
		text, err := io.ReadAll(io.NewSectionReader(events, 0, 4096))
		if err != nil || strings.Contains(string(text), "populated 0") {
			return err
		}
		left := time.Until(end).Milliseconds()
		if left <= 0 {
			return errors.New("control group: a process does not end though it was killed; the kernel holds it")
		}
		_, err = unix.Poll([]unix.PollFd{{Fd: int32(events.Fd()), Events: unix.POLLPRI}}, int(left))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("control group: %w", err)
		}
	}
}

// close removes the group, unless something that the command left behind is in it.
func (g *controlGroup) close() {
	g.file.Close()
	os.Remove(g.dir)
}
