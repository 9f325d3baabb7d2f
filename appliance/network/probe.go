package network

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ProbeTime is how long InUse waits for an answer: a host on the segment needs
// milliseconds, and firmware that waits for our offer has three seconds.
const ProbeTime = 300 * time.Millisecond

const arpLength = 28

// InUse asks by ARP probe (RFC 5227 section 2.1.1) whether a host on the link has the
// address. It needs CAP_NET_RAW.
func InUse(ctx context.Context, link string, address netip.Addr) (bool, error) {
	l, err := net.InterfaceByName(link)
	if err != nil {
		return false, fmt.Errorf("network: probe %s: %w", address, err)
	}
	if !address.Is4() || len(l.HardwareAddr) != 6 {
		return false, fmt.Errorf("network: probe %s on %s: want an IPv4 address and an Ethernet link", address, link)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return false, fmt.Errorf("network: probe %s: open packet socket: %w", address, err)
	}
	arp := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ARP))
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: arp, Ifindex: l.Index}); err != nil {
		unix.Close(fd)
		return false, fmt.Errorf("network: probe %s on %s: %w", address, link, err)
	}
	f := os.NewFile(uintptr(fd), "arp") // non-blocking, so that deadlines work
	defer f.Close()
	to := unix.SockaddrLinklayer{Protocol: arp, Ifindex: l.Index, Halen: 6, Addr: [8]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}
	if err := unix.Sendto(fd, arpProbe(l.HardwareAddr, address), 0, &to); err != nil {
		return false, fmt.Errorf("network: probe %s on %s: %w", address, link, err)
	}
	return awaitARP(ctx, f, l.HardwareAddr, address)
}

func awaitARP(ctx context.Context, f *os.File, own net.HardwareAddr, address netip.Addr) (bool, error) {
	if err := f.SetReadDeadline(time.Now().Add(ProbeTime)); err != nil {
		return false, fmt.Errorf("network: probe %s: %w", address, err)
	}
	stop := context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, 128)
	for {
		n, err := f.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return false, ctx.Err()
		}
		if err != nil {
			return false, fmt.Errorf("network: probe %s: %w", address, err)
		}
		if claims(buf[:n], own, address) {
			return true, nil
		}
	}
}

// arpProbe is a request with sender address 0.0.0.0 (RFC 826, RFC 5227).
func arpProbe(own net.HardwareAddr, address netip.Addr) []byte {
	b := make([]byte, 0, arpLength)
	b = append(b, 0, 1, 8, 0, 6, 4, 0, 1) // Ethernet, IPv4, request
	b = append(b, own...)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	return append(b, address.AsSlice()...)
}

// claims reports whether the ARP packet comes from another host that has the address.
func claims(b []byte, own net.HardwareAddr, address netip.Addr) bool {
	if len(b) < arpLength || string(b[:6]) != "\x00\x01\x08\x00\x06\x04" {
		return false
	}
	sender, ip := b[8:14], b[14:18]
	return string(sender) != string(own) && string(ip) == string(address.AsSlice())
}
