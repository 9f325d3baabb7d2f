package dhcp

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Ports of the two servers (RFC 2131 section 4.1; PXE 2.1 section 2.2.3).
const (
	ServerPort = 67
	ProxyPort  = 4011
	clientPort = 68
)

// Mode says whether this server gives addresses.
type Mode int

const (
	// Proxy adds boot information beside a foreign DHCP server.
	Proxy Mode = iota
	// DHCP gives addresses from a range and boot information with them.
	DHCP
)

// String returns "proxy" or "dhcp", the words of the configuration.
func (m Mode) String() string {
	if m == DHCP {
		return "dhcp"
	}
	return "proxy"
}

// Packet is one client message that parsed. Message and what it points to are good until
// the handler returns.
type Packet struct {
	Message   *dhcpv4.DHCPv4 // BOOTREQUEST with a hardware address of 6 bytes
	Source    netip.AddrPort // where it came from: 0.0.0.0:68 before the client has an address
	Port      uint16         // the port of ours that it came to: 67 or 4011; 67 for a DISCOVER when we have 4011 alone
	Interface string         // the interface that it came in by
	Server    netip.Addr     // our address on that interface
	Mode      Mode
}

// Option is one DHCP option: code and value without the length byte.
type Option struct {
	Code uint8
	Data []byte
}

// Reply is what the handler wants sent for a packet.
type Reply struct {
	// Ours is false for packets that are no network boot at all: they are
	// neither logged nor reported.
	Ours bool
	// Send is false to stay silent. In dhcp mode the client still gets its
	// address then, without boot fields.
	Send bool
	// Standalone asks for yiaddr 0 in dhcp mode too: an answer beside any lease.
	Standalone bool

	Type       dhcpv4.MessageType // OFFER or ACK
	NextServer netip.Addr         // siaddr
	File       string             // header field file, at most 127 bytes
	Options    []Option           // besides 53
	Why        []string           // the decision in words

	// Firmware is the kind of client and Cause a word for what was decided against
	// booting it; both go to Observe as they are.
	Firmware, Cause string
}

// Handler decides the boot fields of one packet. It is called by several
// goroutines at once and should return within a second: firmware stops listening
// after three to four.
type Handler func(ctx context.Context, p Packet) Reply

// EventKind is what happened in a transaction.
type EventKind string

const (
	Seen      EventKind = "seen"      // the first packet of a transaction
	Offered   EventKind = "offered"   // OFFER sent
	Requested EventKind = "requested" // REQUEST on 67 of a client that boots from the network: it chose a server
	Acked     EventKind = "acked"     // ACK sent
	Refused   EventKind = "refused"   // NAK sent
	Silent    EventKind = "silent"    // decided to send nothing
	Declined  EventKind = "declined"  // the client found the address in use
	Released  EventKind = "released"  // the client gave the address back
)

// Event is one entry for the flight recorder.
type Event struct {
	Time          time.Time
	Kind          EventKind
	MAC           net.HardwareAddr
	TransactionID uint32
	Interface     string
	Port          uint16     // of ours
	Client        netip.Addr // address given, zero in proxy mode
	Has           netip.Addr // address that the client says it has or takes (ciaddr, option 50 of a REQUEST), else zero
	Server        netip.Addr // that the client's packet names (option 54), else zero
	File          string     // boot file or URL sent
	Why           []string
	Firmware      string // as the handler said
	Cause         string // as the handler said
}
