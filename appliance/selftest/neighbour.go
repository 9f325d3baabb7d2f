package selftest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/api"
)

// The types of frames that a switch sends to the port itself, and where it sends
// them.
const (
	etherLLDP  = 0x88cc // IEEE 802.1AB section 8.3
	etherEAPOL = 0x888e // IEEE 802.1X section 11.1.4
	etherHead  = 14
)

var toThePort = []net.HardwareAddr{
	{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}, // nearest bridge
	{0x01, 0x80, 0xc2, 0x00, 0x00, 0x03}, // nearest bridge that is no two-port relay; 802.1X
	{0x01, 0x80, 0xc2, 0x00, 0x00, 0x00}, // nearest customer bridge
	{0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc}, // CDP
}

// fromTheSwitch lets LLDP, EAPOL and CDP through that others sent.
var fromTheSwitch = []bpf.Instruction{
	bpf.LoadExtension{Num: bpf.ExtType},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.PACKET_OUTGOING, SkipTrue: 7},
	bpf.LoadAbsolute{Off: 12, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherLLDP, SkipTrue: 6},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherEAPOL, SkipTrue: 5},
	bpf.LoadAbsolute{Off: etherHead, Size: 4}, // snapHead
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0xaaaa0300, SkipTrue: 2},
	bpf.LoadAbsolute{Off: etherHead + 4, Size: 4},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x000c2000, SkipTrue: 1},
	bpf.RetConstant{Val: 0},
	bpf.RetConstant{Val: 1 << 16},
}

// neighbour is what the switch at the other end of the cable has said.
type neighbour struct {
	port  *api.SwitchPort
	until time.Time // by its TTL; a switch that is gone says nothing more
	lldp  bool      // LLDP said it: CDP says no more than that
	eapol time.Time // when it last asked who is there (802.1X); zero: never
	since time.Time // of listening
}

// present is the neighbour without what has ended.
func (n neighbour) present(now time.Time) neighbour {
	if now.After(n.until) {
		n.port = nil
	}
	return n
}

// heard takes in one Ethernet frame.
func (n *neighbour) heard(frame []byte, now time.Time) {
	if len(frame) < etherHead {
		return
	}
	switch binary.BigEndian.Uint16(frame[12:]) {
	case etherEAPOL:
		if asksWho(frame[etherHead:]) {
			n.eapol = now
		}
	case etherLLDP:
		if d, err := parseLLDP(frame[etherHead:]); err == nil {
			n.port, n.until, n.lldp = &d.SwitchPort, now.Add(d.ttl), true
		}
	default:
		n.heardCDP(frame, now)
	}
}

func (n *neighbour) heardCDP(frame []byte, now time.Time) {
	b, ok := cdpPayload(frame)
	if !ok || n.lldp && n.present(now).port != nil {
		return
	}
	if d, err := parseCDP(b); err == nil {
		n.port, n.until, n.lldp = &d.SwitchPort, now.Add(d.ttl), false
	}
}

// asksWho recognises a request of an authenticator: EAPOL-EAP (IEEE 802.1X table
// 11-3), EAP request (RFC 3748 section 4.1). What supplicants send is passed over.
func asksWho(b []byte) bool { return len(b) >= 5 && b[1] == 0 && b[4] == 1 }

// listening keeps the newest that the switch said on one interface.
type listening struct {
	mu sync.Mutex
	neighbour
}

func (l *listening) now(now time.Time) neighbour {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.present(now)
}

// run listens until ctx ends, then returns nil. It sends nothing. It needs
// CAP_NET_RAW.
func (l *listening) run(ctx context.Context, iface string, now func() time.Time) error {
	conn, err := openPort(iface)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	l.mu.Lock()
	l.since = now()
	l.mu.Unlock()
	buf := make([]byte, 1<<14)
	for {
		n, _, err := conn.ReadFrom(buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENETDOWN): // the link went down and may come back
			continue
		case err != nil:
			return fmt.Errorf("selftest: listen to the switch on %s: %w", iface, err)
		}
		l.mu.Lock()
		l.heard(buf[:n], now())
		l.mu.Unlock()
	}
}

// openPort opens a socket for frames to the port itself: the network card must be
// told of their addresses.
func openPort(iface string) (*packet.Conn, error) {
	link, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, fmt.Errorf("selftest: interface %s: %w", iface, err)
	}
	filter, err := bpf.Assemble(fromTheSwitch)
	if err != nil {
		return nil, fmt.Errorf("selftest: interface %s: %w", iface, err)
	}
	conn, err := packet.Listen(link, packet.Raw, unix.ETH_P_ALL, &packet.Config{Filter: filter})
	if err != nil {
		return nil, fmt.Errorf("selftest: open a packet socket on %s: %w", iface, err)
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		var set error
		err = raw.Control(func(fd uintptr) { set = join(int(fd), link.Index) })
		err = errors.Join(err, set)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("selftest: listen to the switch on %s: %w", iface, err), conn.Close())
	}
	return conn, nil
}

func join(fd, index int) error {
	for _, mac := range toThePort {
		m := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_MULTICAST, Alen: 6}
		copy(m.Address[:], mac)
		if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
			return fmt.Errorf("join %s: %w", mac, err)
		}
	}
	return nil
}
