package segment

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// endOrphans kills those of the processes whose parent is gone: a lab that was
// killed left them. (The kernel kills children with their parent, but forgets to
// when a child has changed its credentials, as dnsmasq does.) It returns the
// others, which are somebody's.
func endOrphans(pids []string) (owned []string, err error) {
	var errs []error
	for _, text := range pids {
		pid, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("process %q: %w", text, err)
		}
		switch parent(pid) {
		case gone:
		case 1:
			errs = append(errs, end(pid))
		default:
			owned = append(owned, text)
		}
	}
	return owned, errors.Join(errs...)
}

// gone is the parent of a process that has ended meanwhile.
const gone = -1

// parent is the process id of a process's parent (proc(5), stat, field 4).
func parent(pid int) int {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return gone
	}
	// The name, in brackets, may hold anything.
	fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	if len(fields) < 2 {
		return gone
	}
	ppid, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return gone
	}
	return ppid
}

// end kills a process and waits until it is gone.
func end(pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill process %d: %w", pid, err)
	}
	deadline := int((5 * time.Second).Milliseconds())
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, deadline); n == 0 || err != nil {
		return fmt.Errorf("process %d was killed and does not end: %w", pid, errors.Join(err, unix.ETIMEDOUT))
	}
	return nil
}
