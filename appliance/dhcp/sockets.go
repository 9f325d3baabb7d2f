package dhcp

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// Sockets are the opened ports of one interface.
type Sockets struct {
	Interface string
	Main      *Port // UDP 67; nil when another server of this host has it
	Proxy     *Port // UDP 4011
}

// Listen opens UDP 67 and 4011 on the interface alone (SO_BINDTODEVICE), with
// leave to broadcast. It needs CAP_NET_BIND_SERVICE and CAP_NET_RAW. The ports
// are not shared: if another program holds one of them, Listen says so.
// ListenProxy opens 4011 alone.
func Listen(iface string) (*Sockets, error) {
	main, err := listen(iface, ServerPort)
	if err != nil {
		return nil, err
	}
	s, err := ListenProxy(iface)
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
func ListenProxy(iface string) (*Sockets, error) {
	proxy, err := listen(iface, ProxyPort)
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

func listen(iface string, number uint16) (*Port, error) {
	link, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, fmt.Errorf("dhcp: open UDP port %d on %s: %w", number, iface, err)
	}
	p := &Port{number: number, udp: -1, frames: -1}
	p.everybody = unix.SockaddrLinklayer{Protocol: network16(unix.ETH_P_IP), Ifindex: link.Index, Halen: 6, Addr: [8]byte{255, 255, 255, 255, 255, 255}}
	err = p.open(iface)
	if err == nil {
		return p, nil
	}
	p.Close()
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, fmt.Errorf("dhcp: UDP port %d on %s is held by another program: stop the other DHCP or PXE server of this host, or if it is 67 that a DHCP server needs, set pxe: proxy-4011 in box.yaml: %w", number, iface, err)
	}
	return nil, fmt.Errorf("dhcp: open UDP port %d on %s: %w", number, iface, err)
}

func network16(v uint16) uint16 { return v<<8 | v>>8 }
