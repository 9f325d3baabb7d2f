package dhcp

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Answer is what another server's OFFER or ACK says to a machine. A box hears those
// that are broadcast, as firmware asks for, and none that a switch sends elsewhere.
type Answer struct {
	Type          dhcpv4.MessageType // OFFER or ACK
	MAC           net.HardwareAddr   // of the machine
	TransactionID uint32
	Server        netip.Addr // option 54, else From
	From          netip.Addr // who sent the packet: a relay, where there is one
	Relayed       bool       // a relay hands it on (giaddr)
	Address       netip.Addr // given to the client, zero from a proxy
	Class         string     // option 60: PXEClient, HTTPClient, or ""
	File          string     // boot file or URL, fit for a console
	// Boots says that it means network boot: by class, by boot file, or by the PXE
	// instructions of option 43.
	Boots bool
	Words []string // what of it disturbs network boot by this box (Foreign)
}

// Overhear reads an IPv4 packet; false for everything that is no OFFER or ACK to an
// Ethernet client.
func Overhear(ip []byte) (Answer, bool) {
	payload, from, ok := ToClient(ip)
	if !ok {
		return Answer{}, false
	}
	m, err := dhcpv4.FromBytes(payload)
	if err != nil || m.OpCode != dhcpv4.OpcodeBootReply || len(m.ClientHWAddr) != 6 ||
		m.MessageType() != dhcpv4.MessageTypeOffer && m.MessageType() != dhcpv4.MessageTypeAck {
		return Answer{}, false
	}
	o := readOffer(m)
	a := Answer{Type: m.MessageType(), MAC: m.ClientHWAddr, TransactionID: binary.BigEndian.Uint32(m.TransactionID[:]),
		Server: addr4(m.GetOneOption(dhcpv4.OptionServerIdentifier)), From: from, Relayed: relayed(m), Address: addr4(m.YourIPAddr),
		Class: o.class, File: o.file, Boots: o.class != "" || o.file != "" || o.steers, Words: Foreign(m)}
	if !a.Server.IsValid() {
		a.Server = from
	}
	return a, true
}
