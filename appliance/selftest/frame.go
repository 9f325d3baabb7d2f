package selftest

import (
	"net/netip"

	"github.com/bootward/bootward/appliance/dhcp"
)

// Ports of DHCP (RFC 2131 section 4.1).
const (
	serverPort = 67
	clientPort = 68
)

// broadcast makes the IPv4 packet in which a client without an address asks: from
// 0.0.0.0 port 68 to everybody, port 67.
func broadcast(payload []byte) []byte {
	b := append(make([]byte, dhcp.Headers, dhcp.Headers+len(payload)), payload...)
	dhcp.PutHeaders(b, netip.AddrPortFrom(netip.IPv4Unspecified(), clientPort), netip.AddrPortFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), serverPort))
	return b
}
