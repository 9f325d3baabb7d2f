package tftp

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// schedule is how often a transfer goes through Go's scheduler. From a goroutine that did not
// for 10 ms the runtime takes its processor in each system call, which wakes another thread
// with every block.
const schedule = 5 * time.Millisecond

// threaded waits in the kernel, on the thread that the runtime gives to a system call
// that blocks. A client in lock-step then costs one wake-up per block, where the poller
// adds an epoll_wait, a vain read, and threads of the runtime that sleep and wake with
// it. One transfer at a time does so: of several the poller hears at once, and threads
// that take turns on the runtime's processors are slower; from one that has the only
// processor it is taken with every block. The socket must not be known to the poller,
// which would be woken as well.
type threaded struct {
	*os.File
	fd     int
	passed time.Time     // when the goroutine last went through the scheduler
	wait   time.Duration // that the kernel ends a read after
}

func openThreaded(local netip.Addr, client netip.AddrPort) (line, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	t := &threaded{File: os.NewFile(uintptr(fd), client.String()), fd: fd} // blocking, so Go leaves it alone
	if local.IsValid() {
		err = os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrInet4{Addr: local.As4()}))
	}
	if err == nil {
		err = os.NewSyscallError("connect", unix.Connect(fd, &unix.SockaddrInet4{Addr: client.Addr().As4(), Port: int(client.Port())}))
	}
	if err == nil {
		err = t.timeout(unix.SO_SNDTIMEO, resendAfter)
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *threaded) patience(wait time.Duration) error {
	t.wait = wait
	return t.timeout(unix.SO_RCVTIMEO, wait)
}

func (t *threaded) timeout(option int, wait time.Duration) error {
	v := unix.NsecToTimeval(wait.Nanoseconds())
	return os.NewSyscallError("setsockopt", unix.SetsockoptTimeval(t.fd, unix.SOL_SOCKET, option, &v))
}

// stop has reads return nothing at once.
func (t *threaded) stop() {
	control(t, func(fd int) error { return unix.Shutdown(fd, unix.SHUT_RD) })
}

func (t *threaded) receive(b []byte, wait time.Duration) (int, error) {
	if wait != t.wait { // a pause, or the rest of a wait
		if err := t.poll(wait); err != nil {
			return 0, err
		}
	}
	if now := time.Now(); now.Sub(t.passed) > schedule {
		t.passed = now
		runtime.Gosched()
	}
	n, err := t.Read(b)
	if errors.Is(err, io.EOF) {
		return 0, nil // a packet of no bytes
	}
	return n, late(err)
}

func (t *threaded) Write(b []byte) (int, error) {
	n, err := t.File.Write(b)
	return n, late(err)
}

// late gives the end of a time-out the poller's name for it.
func late(err error) error {
	if errors.Is(err, unix.EAGAIN) {
		return os.ErrDeadlineExceeded
	}
	return err
}

// poll waits for a packet.
func (t *threaded) poll(wait time.Duration) error {
	for until := time.Now().Add(wait); ; wait = max(time.Until(until), 0) {
		timeout := unix.NsecToTimespec(wait.Nanoseconds())
		n, err := unix.Ppoll([]unix.PollFd{{Fd: int32(t.fd), Events: unix.POLLIN}}, &timeout, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return os.NewSyscallError("ppoll", err)
		case n == 0:
			return os.ErrDeadlineExceeded
		default:
			return nil
		}
	}
}
