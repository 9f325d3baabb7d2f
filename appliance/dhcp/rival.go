package dhcp

import (
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Answer is what another server's OFFER or ACK says to a machine that boots from the
// network.
type Answer struct {
	Server  netip.Addr // option 54; zero if it names none
	Address netip.Addr // given to the client, zero from a proxy
	Class   string     // option 60: PXEClient, HTTPClient, or ""
	File    string     // boot file or URL, fit for a console
	// Boots says that it means network boot: by class, by boot file, or by the PXE
	// instructions of option 43.
	Boots bool
	Words []string // what of it disturbs network boot by this box (Foreign)
}

// ReadAnswer reads an OFFER or ACK; false for every other message.
func ReadAnswer(m *dhcpv4.DHCPv4) (Answer, bool) {
	if m.OpCode != dhcpv4.OpcodeBootReply || m.MessageType() != dhcpv4.MessageTypeOffer && m.MessageType() != dhcpv4.MessageTypeAck {
		return Answer{}, false
	}
	o := readOffer(m)
	return Answer{Server: addr4(m.GetOneOption(dhcpv4.OptionServerIdentifier)), Address: addr4(m.YourIPAddr), Class: o.class, File: o.file,
		Boots: o.class != "" || o.file != "" || o.steers, Words: Foreign(m)}, true
}
