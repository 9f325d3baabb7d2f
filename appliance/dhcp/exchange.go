package dhcp

import (
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// sender is the sending half of a port. What it sends begins after Headers bytes of b,
// and those are its to write.
type sender interface {
	send(b []byte, source netip.Addr, to netip.AddrPort) error
}

// exchange is one worker's room for a question and its answer, used again for the next.
type exchange struct {
	conn    sender // nil sends nothing
	in      []byte
	message dhcpv4.DHCPv4
	out     []byte // begins with Headers bytes of room
	options options
}

func newExchange(conn sender) *exchange {
	return &exchange{conn: conn, in: make([]byte, maxMessage+1), out: make([]byte, Headers, Headers+maxMessage)}
}

// answer encodes the answer without a lease.
func (x *exchange) answer(req *dhcpv4.DHCPv4, r Reply) []byte {
	x.out = answer(x.out[:Headers], req, r, &x.options)
	return x.out
}

// encode does the same for a message with more in it.
func (x *exchange) encode(m *dhcpv4.DHCPv4) []byte {
	x.out = append(x.out[:Headers], m.ToBytes()...)
	return x.out
}
