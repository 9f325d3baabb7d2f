package dhcp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Port is one opened UDP port of an interface. Reading blocks a thread in the kernel: the
// runtime's poller would be two system calls and a change of threads more for an answer.
//
// Broadcasts leave as packets beside the host's IP, which would give each of them back to
// the host as well and take twice as long.
type Port struct {
	number    uint16
	udp       int // descriptors
	frames    int // packet socket that receives nothing
	everybody unix.SockaddrLinklayer

	use     sync.RWMutex // held to use the descriptors
	closing atomic.Bool
}

func (p *Port) open(iface string) (err error) {
	if p.udp, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return fmt.Errorf("make a socket: %w", err)
	}
	if err = unix.SetsockoptInt(p.udp, unix.SOL_SOCKET, unix.SO_BROADCAST, 1); err != nil {
		return fmt.Errorf("allow broadcast: %w", err)
	}
	if err = unix.BindToDevice(p.udp, iface); err != nil {
		return fmt.Errorf("bind to interface: %w", err)
	}
	if err = unix.Bind(p.udp, &unix.SockaddrInet4{Port: int(p.number)}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	if p.frames, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return fmt.Errorf("make a packet socket: %w", err)
	}
	return nil
}

// Close wakes who reads; nobody waits in send.
func (p *Port) Close() error {
	if p.closing.Swap(true) {
		return nil
	}
	if p.udp >= 0 {
		unix.Shutdown(p.udp, unix.SHUT_RDWR) // wakes who reads, although it fails with ENOTCONN
	}
	p.use.Lock()
	defer p.use.Unlock()
	var all []error
	for _, fd := range []int{p.udp, p.frames} {
		if fd >= 0 {
			all = append(all, unix.Close(fd))
		}
	}
	return errors.Join(all...)
}

// read waits for a datagram; net.ErrClosed after Close.
func (p *Port) read(b []byte) (n int, from netip.AddrPort, err error) {
	p.use.RLock()
	defer p.use.RUnlock()
	for {
		if p.closing.Load() {
			return 0, from, net.ErrClosed
		}
		n, source, err := syscall.Recvfrom(p.udp, b, 0) // unix.Recvfrom asks for the socket's protocol each time
		switch a, ok := source.(*syscall.SockaddrInet4); {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, from, fmt.Errorf("read UDP port %d: %w", p.number, err)
		case ok:
			return n, netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)), nil
		}
	}
}

// send sends what follows the first Headers bytes of b, which it writes to. It does not wait
// where the link takes nothing, and fails with EAGAIN: the machine asks again anyway.
func (p *Port) send(b []byte, source netip.Addr, to netip.AddrPort) error {
	p.use.RLock()
	defer p.use.RUnlock()
	if p.closing.Load() {
		return net.ErrClosed
	}
	if to.Addr() == broadcast {
		PutHeaders(b, netip.AddrPortFrom(source, p.number), to)
		link := p.everybody // it is written to
		err := unix.Sendto(p.frames, b, unix.MSG_DONTWAIT, &link)
		if !errors.Is(err, unix.EMSGSIZE) {
			return err
		}
	}
	as := unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: source.As4()})
	return unix.Sendmsg(p.udp, b[Headers:], as, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}, unix.MSG_DONTWAIT)
}
