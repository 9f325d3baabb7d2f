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
	payload, from, ok := ToClient(ip)
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
	filter, err := bpf.Assemble(ForClients())
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
