package network

import (
	"errors"

	"golang.org/x/sys/unix"
)

// passing reports whether a netlink socket still works after the error: the kernel
// dropped messages because we were slow, or a signal came.
func passing(err error) bool {
	return errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN)
}
