package wake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// ports are the UDP ports that adapters are woken at: discard, and echo, which
// some listen to instead. What the packet is sent to does not matter to an
// adapter, but switches and the operating system of a machine that is awake see
// it.
var ports = []uint16{9, 7}

// Packet is what wakes the adapter with an address of six bytes.
func Packet(mac net.HardwareAddr) []byte {
	return append(bytes.Repeat([]byte{0xff}, 6), bytes.Repeat(mac, 16)...)
}

// Send broadcasts the packets of addresses on one interface, whether it has an
// address of its own or not.
func Send(ctx context.Context, iface string, macs []net.HardwareAddr) error {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) {
			set = errors.Join(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1), unix.BindToDevice(int(fd), iface))
		})
		return errors.Join(err, set)
	}}
	conn, err := lc.ListenPacket(ctx, "udp4", "0.0.0.0:0")
	if err != nil {
		return fmt.Errorf("wake on %s: %w", iface, err)
	}
	defer conn.Close()
	var errs []error
	for _, mac := range macs {
		for _, port := range ports {
			to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), port))
			if _, err := conn.WriteTo(Packet(mac), to); err != nil {
				errs = append(errs, fmt.Errorf("wake %s on %s: %w", mac, iface, err))
			}
		}
	}
	return errors.Join(errs...)
}
