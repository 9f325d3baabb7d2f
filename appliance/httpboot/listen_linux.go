package httpboot

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// setUserTimeout makes connections of the listener end when nothing that was sent is
// acknowledged for stallTime.
func setUserTimeout(_, _ string, c syscall.RawConn) error {
	var set error
	err := c.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(stallTime.Milliseconds()))
	})
	return errors.Join(err, set)
}
