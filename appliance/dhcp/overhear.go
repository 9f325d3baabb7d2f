package dhcp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Overheard is an OFFER that a server made to a client. A box hears those that are
// broadcast, as firmware asks for, and none that a switch sends elsewhere.
type Overheard struct {
	MAC           net.HardwareAddr
	TransactionID uint32
	Server        netip.Addr // option 54, else who sent it
	Address       netip.Addr // given to the client, zero from a proxy
	Class         string     // option 60, if it is one of network boot
	File          string     // boot file or URL, fit for a console
	Words         []string   // what of it disturbs network boot by this box (Foreign)
}

// Overhear reads an IPv4 packet; false for everything that is no OFFER to an
// Ethernet client.
func Overhear(ip []byte) (Overheard, bool) {
	payload, from, ok := toClient(ip)
	if !ok {
		return Overheard{}, false
	}
	m, err := dhcpv4.FromBytes(payload)
	if err != nil || m.OpCode != dhcpv4.OpcodeBootReply || m.MessageType() != dhcpv4.MessageTypeOffer || len(m.ClientHWAddr) != 6 {
		return Overheard{}, false
	}
	o := readOffer(m)
	h := Overheard{MAC: m.ClientHWAddr, TransactionID: binary.BigEndian.Uint32(m.TransactionID[:]), Server: addr4(m.ServerIdentifier()),
		Address: addr4(m.YourIPAddr), Class: o.class, File: o.file, Words: Foreign(m)}
	if !h.Server.IsValid() {
		h.Server = from
	}
	return h, true
}

// toClient takes what was sent to UDP port 68 out of an IPv4 packet (RFC 791 section
// 3.1). A broadcast OFFER is never cut into fragments that matter: firmware could
// not put them together.
func toClient(ip []byte) (payload []byte, from netip.Addr, ok bool) {
	if len(ip) < 20 || ip[0]>>4 != 4 || ip[9] != unix.IPPROTO_UDP || binary.BigEndian.Uint16(ip[6:])&0x1fff != 0 {
		return nil, from, false
	}
	head := int(ip[0]&15) * 4
	if head < 20 || len(ip) < head+8 || binary.BigEndian.Uint16(ip[head+2:]) != clientPort {
		return nil, from, false
	}
	return ip[head+8:], netip.AddrFrom4([4]byte(ip[12:16])), true
}

// forClients lets UDP to port 68 through, as toClient does: the kernel drops the
// rest of the segment's traffic.
var forClients = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 9, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_UDP, SkipTrue: 5},
	bpf.LoadAbsolute{Off: 6, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x1fff, SkipTrue: 3},
	bpf.LoadMemShift{Off: 0},
	bpf.LoadIndirect{Off: 2, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: clientPort, SkipTrue: 1},
	bpf.RetConstant{Val: 0},
	bpf.RetConstant{Val: 1500},
}

// Ear hears the OFFERs of other servers on one interface. It sends nothing, and
// needs CAP_NET_RAW.
type Ear struct {
	conn *packet.Conn
	name string
}

// OpenEar opens the ear of an interface.
func OpenEar(iface string) (*Ear, error) {
	link, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, fmt.Errorf("dhcp: overhear offers on %s: %w", iface, err)
	}
	filter, err := bpf.Assemble(forClients)
	if err != nil {
		return nil, fmt.Errorf("dhcp: overhear offers on %s: %w", iface, err)
	}
	conn, err := packet.Listen(link, packet.Datagram, unix.ETH_P_IP, &packet.Config{Filter: filter})
	if err != nil {
		return nil, fmt.Errorf("dhcp: overhear offers on %s: %w", iface, err)
	}
	return &Ear{conn: conn, name: iface}, nil
}

// Run calls heard for each OFFER, the box's own too, until ctx ends; then it closes
// the socket and returns nil.
func (e *Ear) Run(ctx context.Context, heard func(Overheard)) error {
	defer e.conn.Close()
	stop := context.AfterFunc(ctx, func() { e.conn.Close() })
	defer stop()
	buf := make([]byte, 1500)
	for {
		n, _, err := e.conn.ReadFrom(buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENETDOWN): // the link went down and may come back
			continue
		case err != nil:
			return fmt.Errorf("dhcp: overhear offers on %s: %w", e.name, err)
		}
		if o, ok := Overhear(buf[:n]); ok {
			heard(o)
		}
	}
}
