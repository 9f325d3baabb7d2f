package boot

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// uevent is one message of the kernel's device model (Documentation/core-api/kobject.rst): "ACTION@PATH" and then
// "KEY=value" strings, each closed by NUL.
type uevent struct {
	action, path, subsystem, modalias, device string // device: below /dev, if it has a node
}

func parseUevent(raw []byte) (uevent, bool) {
	fields := bytes.Split(raw, []byte{0})
	action, p, ok := strings.Cut(string(fields[0]), "@")
	if !ok || action == "" {
		return uevent{}, false
	}
	e := uevent{action: action, path: p}
	for _, f := range fields[1:] {
		switch key, value, _ := strings.Cut(string(f), "="); key {
		case "SUBSYSTEM":
			e.subsystem = value
		case "MODALIAS":
			e.modalias = value
		case "DEVNAME":
			e.device = value
		}
	}
	return e, true
}

type uevents struct{ file *os.File }

// openUevents listens to the kernel's multicast group; what happens after it returns is not missed.
func openUevents() (*uevents, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("open kernel events: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 2<<20) // a smaller buffer only risks lost events
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("listen to kernel events: %w", err)
	}
	return &uevents{os.NewFile(uintptr(fd), "uevent")}, nil
}

// stream delivers events until ctx ends; the channel is closed then.
func (u *uevents) stream(ctx context.Context) <-chan uevent {
	out := make(chan uevent)
	stop := context.AfterFunc(ctx, func() { u.file.Close() })
	go func() {
		defer close(out)
		defer stop()
		buf := make([]byte, 64<<10)
		for {
			n, err := u.file.Read(buf)
			if err != nil && ctx.Err() != nil {
				return
			}
			if err != nil {
				continue // ENOBUFS: some were lost, the next one is fine
			}
			e, ok := parseUevent(buf[:n])
			if !ok {
				continue
			}
			select {
			case out <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}
