package dhcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Sockets are the opened ports of one interface.
type Sockets struct {
	Interface string
	Main      *net.UDPConn // UDP 67; nil when another server of this host has it
	Proxy     *net.UDPConn // UDP 4011
}

// Listen opens UDP 67 and 4011 on the interface alone (SO_BINDTODEVICE), with
// leave to broadcast. It needs CAP_NET_BIND_SERVICE and CAP_NET_RAW. The ports
// are not shared: if another program holds one of them, Listen says so.
// ListenProxy opens 4011 alone.
func Listen(ctx context.Context, iface string) (*Sockets, error) {
	main, err := listen(ctx, iface, ServerPort)
	if err != nil {
		return nil, err
	}
	s, err := ListenProxy(ctx, iface)
	if err != nil {
		main.Close()
		return nil, err
	}
	s.Main = main
	return s, nil
}

// ListenProxy opens UDP 4011 alone, for a host whose port 67 belongs to a DHCP
// server. That server must send option 60 = "PXEClient" to PXE clients and no boot
// file: they then ask port 4011 of the server that gave the address (PXE 2.1 section
// 2.2.3).
func ListenProxy(ctx context.Context, iface string) (*Sockets, error) {
	proxy, err := listen(ctx, iface, ProxyPort)
	if err != nil {
		return nil, err
	}
	return &Sockets{Interface: iface, Proxy: proxy}, nil
}

// Close closes both ports.
func (s *Sockets) Close() error {
	if s.Main == nil {
		return s.Proxy.Close()
	}
	return errors.Join(s.Main.Close(), s.Proxy.Close())
}

func listen(ctx context.Context, iface string, port int) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) { set = bindToDevice(int(fd), iface) })
		return errors.Join(err, set)
	}}
	conn, err := lc.ListenPacket(ctx, "udp4", "0.0.0.0:"+strconv.Itoa(port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("dhcp: UDP port %d on %s is held by another program: stop the other DHCP or PXE server of this host, or if it is 67 that a DHCP server needs, set pxe: proxy-4011 in box.yaml: %w", port, iface, err)
	}
	if err != nil {
		return nil, fmt.Errorf("dhcp: open UDP port %d on %s: %w", port, iface, err)
	}
	return conn.(*net.UDPConn), nil
}

func bindToDevice(fd int, iface string) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1); err != nil {
		return fmt.Errorf("allow broadcast: %w", err)
	}
	if err := unix.BindToDevice(fd, iface); err != nil {
		return fmt.Errorf("bind to interface %s: %w", iface, err)
	}
	return nil
}
