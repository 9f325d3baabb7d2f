package tftp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// backlog is the memory for requests that wait, in bytes: some thousand of them. Linux's
// default holds some hundred.
const backlog = 4 << 20

// Listen opens the TFTP port at address, "0.0.0.0:69" on a box, on one interface or
// on all of them ("").
func Listen(ctx context.Context, address, iface string) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) {
			if iface != "" {
				set = unix.BindToDevice(int(fd), iface)
			}
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, backlog) != nil {
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, backlog)
			}
		})
		return errors.Join(err, set)
	}}
	conn, err := lc.ListenPacket(ctx, "udp4", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("tftp: %s is held by another program: stop the other TFTP server of this host: %w", address, err)
	}
	if err != nil {
		return nil, fmt.Errorf("tftp: listen on %s: %w", address, err)
	}
	return conn.(*net.UDPConn), nil
}

// arrival is where a request came from and to.
type arrival struct {
	client netip.AddrPort
	local  netip.Addr // the address of ours that was asked; zero for a broadcast
}

func newArrival(control *ipv4.ControlMessage, from net.Addr) (arrival, bool) {
	udp, ok := from.(*net.UDPAddr)
	if !ok {
		return arrival{}, false
	}
	p := udp.AddrPort()
	a := arrival{client: netip.AddrPortFrom(p.Addr().Unmap(), p.Port())}
	if control == nil {
		return a, true
	}
	if d, ok := netip.AddrFromSlice(control.Dst.To4()); ok && d != netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		a.local = d
	}
	return a, true
}

// reachable reports whether the kernel would answer the client from the address
// that was asked anyway.
func (a arrival) reachable() bool {
	if !a.local.IsValid() {
		return true
	}
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(a.client)) // sends nothing
	if err != nil {
		return false
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap() == a.local
}
