package segment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// namespaces is where ip-netns(8) keeps its names.
const namespaces = "/run/netns"

var errNoNamespace = errors.New("no such network namespace")

// inhabitants returns the ids of the processes in a namespace.
func inhabitants(ctx context.Context, ns string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(namespaces, ns)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", errNoNamespace, ns)
	}
	out, err := run(ctx, "ip", "netns", "pids", ns)
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(out)), nil
}

// empty waits a moment until nobody lives in a namespace, and returns who does then: what was started there may have
// children of its own, which end when they notice.
func empty(ctx context.Context, ns string) ([]string, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Second); ; {
		pids, err := inhabitants(ctx, ns)
		if err != nil || len(pids) == 0 || time.Now().After(deadline) {
			return pids, err
		}
		select {
		case <-ctx.Done():
			return pids, ctx.Err()
		case <-tick.C:
		}
	}
}

// removeStale removes a namespace that a killed run left, with what still runs there. One whose processes have a
// parent is another run's.
func removeStale(ctx context.Context, ns string) error {
	pids, err := inhabitants(ctx, ns)
	if errors.Is(err, errNoNamespace) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into network namespace %s: %w", ns, err)
	}
	if pids, err = endOrphans(pids); err != nil {
		return fmt.Errorf("clear network namespace %s: %w", ns, err)
	}
	if len(pids) > 0 {
		return fmt.Errorf("network namespace %s is in use by processes %s: end them, or choose another name", ns, strings.Join(pids, ", "))
	}
	return ip(ctx, "netns", "del", ns)
}

// enableForwarding lets the ward's namespace route between the bridge and the line.
func (s *Segment) enableForwarding() error {
	return inside(s.Namespace(), func() error {
		return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0)
	})
}

// DialContext connects from inside a namespace of the segment, see Namespace and SiteNamespace. The address must be
// an IP address with a port: names would be looked up outside.
func (s *Segment) DialContext(ctx context.Context, namespace, network, address string) (conn net.Conn, err error) {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("dial %s in %s: %w", address, namespace, err)
	}
	err = inside(namespace, func() (err error) {
		var dialer net.Dialer
		conn, err = dialer.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen opens a TCP listener inside a namespace of the segment; the address is an IP address with a port.
func (s *Segment) Listen(ctx context.Context, namespace, network, address string) (listener net.Listener, err error) {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("listen on %s in %s: %w", address, namespace, err)
	}
	err = inside(namespace, func() (err error) {
		var config net.ListenConfig
		listener, err = config.Listen(ctx, network, address)
		return err
	})
	return listener, err
}

// inside runs do on a thread that is in the namespace meanwhile: sockets that it opens belong there for good. A thread
// that cannot come back is not used again.
func inside(ns string, do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		back, err := enter(ns)
		if err != nil {
			done <- err
			return
		}
		err = do()
		if back() == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		return fmt.Errorf("in network namespace %s: %w", ns, err)
	}
	return nil
}

// enter moves the calling thread into a namespace and returns the way back. The way back matters even for a thread
// that could end: the main thread of a Go program never does, and would live on in the namespace.
func enter(ns string) (back func() error, err error) {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	there, err := os.Open(filepath.Join(namespaces, ns))
	if err != nil {
		return nil, errors.Join(err, home.Close())
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, errors.Join(fmt.Errorf("enter: %w", err), home.Close())
	}
	return func() error {
		defer home.Close()
		return unix.Setns(int(home.Fd()), unix.CLONE_NEWNET)
	}, nil
}
