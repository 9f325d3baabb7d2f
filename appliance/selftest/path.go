package selftest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// Path is how packets of two sizes came back from a peer. None was cut into
// fragments on the way.
type Path struct {
	Peer         netip.Addr
	Size         int // of the large packet, in bytes with IP header: the MTU
	Small, Large bool
}

const smallPacket = 84 // as ping sends by default

// Ping sends a small and a large ICMP echo to a peer, twice each, that may not be
// fragmented (RFC 791, flag DF), and waits for what comes back. It needs CAP_NET_RAW.
func Ping(ctx context.Context, iface string, peer netip.Addr, mtu int, wait time.Duration) (Path, error) {
	p := Path{Peer: peer, Size: mtu}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) {
			set = errors.Join(unix.BindToDevice(int(fd), iface),
				unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE))
		})
		return errors.Join(err, set)
	}}
	conn, err := lc.ListenPacket(ctx, "ip4:icmp", "0.0.0.0")
	if err != nil {
		return p, fmt.Errorf("selftest: open ICMP on %s: %w", iface, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	id := os.Getpid() & 0xffff
	for range 2 {
		for _, size := range []int{smallPacket, mtu} {
			if err := echo(conn, peer, id, size); err != nil {
				return p, err
			}
		}
		if err := conn.SetReadDeadline(time.Now().Add(wait / 2)); err != nil {
			return p, fmt.Errorf("selftest: ping %s: %w", peer, err)
		}
		if p.replies(conn, id); p.Small && p.Large {
			break
		}
	}
	return p, ctx.Err()
}

// echo sends one packet of this size. One that is larger than the kernel lets through
// is lost like others: that is what the test is to find.
func echo(conn net.PacketConn, peer netip.Addr, id, size int) error {
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: id, Seq: size, Data: make([]byte, size-ipv4.HeaderLen-8)}}
	b, err := m.Marshal(nil)
	if err == nil {
		_, err = conn.WriteTo(b, &net.IPAddr{IP: peer.AsSlice()})
	}
	if err != nil && !errors.Is(err, unix.EMSGSIZE) {
		return fmt.Errorf("selftest: ping %s: %w", peer, err)
	}
	return nil
}

// replies notes what comes back, until both sizes did or the deadline.
func (p *Path) replies(conn net.PacketConn, id int) {
	buf := make([]byte, 1<<16)
	for !p.Small || !p.Large {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		a, ok := from.(*net.IPAddr)
		if !ok || !a.IP.Equal(p.Peer.AsSlice()) {
			continue
		}
		m, err := icmp.ParseMessage(ipv4.ICMPTypeEchoReply.Protocol(), buf[:n])
		if err != nil || m.Type != ipv4.ICMPTypeEchoReply {
			continue
		}
		if e, ok := m.Body.(*icmp.Echo); ok && e.ID == id {
			p.Small = p.Small || e.Seq == smallPacket
			p.Large = p.Large || e.Seq == p.Size
		}
	}
}
