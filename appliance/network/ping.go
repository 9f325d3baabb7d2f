package network

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

const icmpProtocol = 1

// Answers asks by ICMP echo whether a host behind a router has the address (RFC 2131
// section 3.1), and waits ProbeTime. A network without a route to it counts as no
// answer. It needs CAP_NET_RAW.
func Answers(ctx context.Context, address netip.Addr) (bool, error) {
	c, err := icmp.ListenPacket("ip4:icmp", "0.0.0.0")
	if err != nil {
		return false, fmt.Errorf("network: ping %s: open ICMP socket: %w", address, err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(ProbeTime)); err != nil {
		return false, fmt.Errorf("network: ping %s: %w", address, err)
	}
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var id [2]byte
	rand.Read(id[:])
	echo := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: int(binary.BigEndian.Uint16(id[:])), Seq: 1}}
	b, err := echo.Marshal(nil)
	if err != nil {
		return false, fmt.Errorf("network: ping %s: %w", address, err)
	}
	if _, err := c.WriteTo(b, &net.IPAddr{IP: address.AsSlice()}); err != nil {
		return false, nil // no route, or a router that says so: nobody is there
	}
	return awaitEcho(ctx, c, address, echo.Body.(*icmp.Echo).ID)
}

func awaitEcho(ctx context.Context, c *icmp.PacketConn, address netip.Addr, id int) (bool, error) {
	buf := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return false, ctx.Err()
		}
		if err != nil {
			return false, fmt.Errorf("network: ping %s: %w", address, err)
		}
		m, err := icmp.ParseMessage(icmpProtocol, buf[:n])
		if err != nil || m.Type != ipv4.ICMPTypeEchoReply || from.String() != address.String() {
			continue
		}
		if e, ok := m.Body.(*icmp.Echo); ok && e.ID == id {
			return true, nil
		}
	}
}
