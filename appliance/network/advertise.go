package network

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// Advertiser answers IPv6 router solicitations with an advertisement that offers
// nothing: no router (lifetime 0), no prefix, no managed addresses. iPXE waits 13
// seconds at each stage for such an answer before it goes on with IPv4; with it the
// pause is gone. Hosts learn nothing from it. It sends only when asked, and at most
// five times a second. A segment whose switches alarm on any advertisement (RA
// guard) wants it switched off.
type Advertiser struct {
	Interface string
	Log       *slog.Logger

	conn     *ipv6.PacketConn
	mac      net.HardwareAddr
	index    int
	answered atomic.Uint64
}

// Values of RFC 4861.
const (
	hopLimit        = 255 // section 4.2: receivers drop what a router may have forwarded
	currentHopLimit = 64
	optSourceLink   = 1 // section 4.6.1
	advertiseGap    = 200 * time.Millisecond
)

var (
	allNodes   = net.ParseIP("ff02::1")
	allRouters = net.ParseIP("ff02::2")
)

// Listen opens the socket. It needs CAP_NET_RAW and IPv6 on the interface.
func (a *Advertiser) Listen(ctx context.Context) error {
	link, err := net.InterfaceByName(a.Interface)
	if err != nil {
		return fmt.Errorf("network: advertise on %s: %w", a.Interface, err)
	}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) { set = unix.BindToDevice(int(fd), a.Interface) })
		return errors.Join(err, set)
	}}
	raw, err := lc.ListenPacket(ctx, "ip6:ipv6-icmp", "::")
	if err != nil {
		return fmt.Errorf("network: advertise on %s: open ICMPv6: %w", a.Interface, err)
	}
	c := ipv6.NewPacketConn(raw)
	var filter ipv6.ICMPFilter
	filter.SetAll(true)
	filter.Accept(ipv6.ICMPTypeRouterSolicitation)
	err = errors.Join(
		c.SetICMPFilter(&filter),
		c.SetControlMessage(ipv6.FlagHopLimit, true),
		c.SetMulticastHopLimit(hopLimit),
		c.SetMulticastLoopback(false),
		c.SetMulticastInterface(link),
		c.JoinGroup(link, &net.IPAddr{IP: allRouters}),
	)
	if err != nil {
		raw.Close()
		return fmt.Errorf("network: advertise on %s: IPv6 is off there, switch it on or the advertiser off: %w", a.Interface, err)
	}
	a.conn, a.mac, a.index = c, link.HardwareAddr, link.Index
	return nil
}

// Answered counts the advertisements sent.
func (a *Advertiser) Answered() uint64 { return a.answered.Load() }

// Run answers until ctx ends, then closes the socket and returns nil.
func (a *Advertiser) Run(ctx context.Context) error {
	defer a.conn.Close()
	stop := context.AfterFunc(ctx, func() { a.conn.Close() })
	defer stop()
	message := Advertisement(a.mac)
	to := &net.IPAddr{IP: allNodes, Zone: a.Interface}
	buf := make([]byte, 1500)
	var last time.Time
	for {
		n, control, _, err := a.conn.ReadFrom(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("network: advertise on %s: %w", a.Interface, err)
		}
		now := time.Now()
		if !solicitation(buf[:n], control) || now.Sub(last) < advertiseGap {
			continue
		}
		last = now
		if _, err := a.conn.WriteTo(message, nil, to); err != nil {
			// The link-local address is not proven unique yet; iPXE asks again.
			a.Log.Debug("router advertisement not sent", "interface", a.Interface, "error", err)
			continue
		}
		a.answered.Add(1)
	}
}

// solicitation checks what RFC 4861 section 6.1.1 asks of a valid one. The kernel
// has checked the checksum.
func solicitation(b []byte, control *ipv6.ControlMessage) bool {
	return len(b) >= 8 && b[0] == byte(ipv6.ICMPTypeRouterSolicitation) && b[1] == 0 &&
		control != nil && control.HopLimit == hopLimit
}

// Advertisement is the ICMPv6 message (RFC 4861 section 4.2) with our hardware
// address as its only option. The kernel fills in the checksum.
func Advertisement(mac net.HardwareAddr) []byte {
	body := make([]byte, 12, 20)
	body[0] = currentHopLimit
	binary.BigEndian.PutUint16(body[2:], 0) // router lifetime: not a router
	if len(mac) == 6 {
		body = append(append(body, optSourceLink, 1), mac...)
	}
	m := icmp.Message{Type: ipv6.ICMPTypeRouterAdvertisement, Body: &icmp.RawBody{Data: body}}
	b, err := m.Marshal(nil)
	if err != nil {
		return nil // a raw body has nothing that can fail
	}
	return b
}
