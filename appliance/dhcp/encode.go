package dhcp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
)

// MaxFile is the longest boot file name or URL in the header field "file": 128
// bytes with the final zero (RFC 2131 section 2). Longer ones go into option 67.
const MaxFile = 127

// Build returns the answer to req with the reply's boot fields, yiaddr 0 and no
// lease options. Transaction id, flags, relay and hardware address are copied
// from the request (RFC 2131 section 4.3.1, table 3); a relay's option 82 is
// returned unchanged (RFC 3046 section 2.2).
func Build(req *dhcpv4.DHCPv4, r Reply) *dhcpv4.DHCPv4 {
	m := &dhcpv4.DHCPv4{
		OpCode:        dhcpv4.OpcodeBootReply,
		HWType:        iana.HWTypeEthernet,
		TransactionID: req.TransactionID,
		Flags:         req.Flags,
		ClientIPAddr:  req.ClientIPAddr,
		YourIPAddr:    net.IPv4zero,
		ServerIPAddr:  net.IPv4zero,
		GatewayIPAddr: req.GatewayIPAddr,
		ClientHWAddr:  req.ClientHWAddr,
		Options:       make(dhcpv4.Options, len(r.Options)+2),
	}
	m.Options[dhcpv4.OptionDHCPMessageType.Code()] = []byte{byte(r.Type)}
	if relay := req.GetOneOption(dhcpv4.OptionRelayAgentInformation); relay != nil {
		m.Options[dhcpv4.OptionRelayAgentInformation.Code()] = relay
	}
	r.applyBoot(m)
	return m
}

// applyBoot writes siaddr, file and the options into m.
func (r Reply) applyBoot(m *dhcpv4.DHCPv4) {
	if r.NextServer.Is4() {
		m.ServerIPAddr = r.NextServer.AsSlice()
	}
	if len(r.File) <= MaxFile {
		m.BootFileName = r.File
	} else {
		m.Options[dhcpv4.OptionBootfileName.Code()] = []byte(r.File)
	}
	for _, o := range r.Options {
		m.Options[o.Code] = slices.Clone(o.Data)
	}
}

// answer appends Build's message to b, byte by byte what its ToBytes gives, as FuzzEncode
// holds. It is what a box in proxy mode sends; fields is room for options, used again.
func answer(b []byte, req *dhcpv4.DHCPv4, r Reply, fields *options) []byte {
	head := len(b)
	b = append(b, make([]byte, atOptions)...)
	m := b[head:]
	m[0], m[1], m[2] = byte(dhcpv4.OpcodeBootReply), byte(iana.HWTypeEthernet), byte(len(req.ClientHWAddr))
	copy(m[4:8], req.TransactionID[:])
	binary.BigEndian.PutUint16(m[10:], req.Flags)
	copy(m[atCIAddr:atYIAddr], req.ClientIPAddr.To4())
	copy(m[atGIAddr:atCHAddr], req.GatewayIPAddr.To4())
	copy(m[atCHAddr:atSName], req.ClientHWAddr)
	copy(m[atCookie:], cookie[:])
	if r.NextServer.Is4() {
		next := r.NextServer.As4()
		copy(m[atSIAddr:], next[:])
	}

	*fields = (*fields)[:0]
	fields.put(Option{dhcpv4.OptionDHCPMessageType.Code(), []byte{byte(r.Type)}})
	if relay := req.Options[optionRelay]; relay != nil {
		fields.put(Option{optionRelay, relay})
	}
	if len(r.File) <= MaxFile {
		copy(m[atFile:], r.File)
	} else {
		fields.put(Option{dhcpv4.OptionBootfileName.Code(), []byte(r.File)})
	}
	for _, o := range r.Options {
		fields.put(o)
	}
	b = append(fields.append(b), optionEnd)
	if short := head + minMessage - len(b); short > 0 {
		b = append(b, make([]byte, short)...)
	}
	return b
}

// broadcast is everybody on the segment (RFC 919).
var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// destination says where an answer to p goes (RFC 2131 section 4.1): to the relay
// if there is one, to the asking port on 4011, to a client that already has an
// address, and to everybody otherwise. An answer to a client without an address
// is broadcast whatever its flag says: unicast would need an ARP entry made by hand.
func destination(p Packet, nak bool) netip.AddrPort {
	if relay := addr4(p.Message.GatewayIPAddr); relay.IsValid() && p.Port == ServerPort {
		return netip.AddrPortFrom(relay, ServerPort)
	}
	if p.Port == ProxyPort && p.Source.Addr().IsValid() && !p.Source.Addr().IsUnspecified() {
		return p.Source
	}
	if client := addr4(p.Message.ClientIPAddr); client.IsValid() && !nak {
		return netip.AddrPortFrom(client, clientPort)
	}
	return netip.AddrPortFrom(broadcast, clientPort)
}

// relayed reports whether a relay handed the message on.
func relayed(m *dhcpv4.DHCPv4) bool { return addr4(m.GatewayIPAddr).IsValid() }

// addr4 returns the address in ip, or the zero Addr when ip is nil, not IPv4 or 0.0.0.0.
func addr4(ip net.IP) netip.Addr {
	a, ok := netip.AddrFromSlice(ip.To4())
	if !ok || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}
