package dhcp

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// lease answers a client message in dhcp mode (RFC 2131 section 4.3).
func (s *Server) lease(ctx context.Context, x *exchange, p Packet, r Reply, first bool) {
	m := p.Message
	client, mac := clientKey(m), m.ClientHWAddr.String()
	r.Ours = true // every client of this server is reported
	pool, asked := s.Leases.of(m)
	if pool == nil {
		s.noRange(p, asked, first)
		return
	}
	switch TypeOf(m) {
	case dhcpv4.MessageTypeDiscover:
		l, err := pool.Offer(ctx, client, mac, addr4(m.RequestedIPAddress()), p.Server)
		if err != nil {
			s.noLease(p, err)
			return
		}
		s.sendLease(x, p, r, pool.rng, l, dhcpv4.MessageTypeOffer, first)
	case dhcpv4.MessageTypeRequest:
		s.request(ctx, x, pool, p, r, first)
	case dhcpv4.MessageTypeDecline:
		a := addr4(m.RequestedIPAddress())
		if err := pool.Decline(ctx, client, a); err != nil {
			s.noLease(p, err)
		}
		s.reportTo(Declined, p, r, a)
	case dhcpv4.MessageTypeRelease:
		a := addr4(m.ClientIPAddr)
		if _, err := pool.Release(ctx, client, a); err != nil {
			s.noLease(p, err)
		}
		s.reportTo(Released, p, r, a)
	case dhcpv4.MessageTypeInform:
		s.sendLease(x, p, r, pool.rng, Lease{}, dhcpv4.MessageTypeAck, first)
	default:
		s.count.bad.Add(1)
	}
}

// request answers a REQUEST: another server's choice is left alone, an address
// that the client may have is bound before it is acknowledged, and one that it
// may not have is refused, unless nothing is known of the client (section 4.3.2).
func (s *Server) request(ctx context.Context, x *exchange, pool *Pool, p Packet, r Reply, first bool) {
	m := p.Message
	chosen, wants := addr4(m.ServerIdentifier()), addr4(m.RequestedIPAddress())
	if chosen.IsValid() && chosen != p.Server {
		s.count.foreign.Add(1)
		return
	}
	if !wants.IsValid() {
		wants = addr4(m.ClientIPAddr) // renewing and rebinding
	}
	var l Lease
	var ok bool
	var err error
	if wants != p.Server {
		l, ok, err = pool.Bind(ctx, clientKey(m), m.ClientHWAddr.String(), wants)
	}
	switch {
	case err != nil && !ok:
		s.noLease(p, err)
	case ok:
		if err != nil {
			s.Log.Warn("dhcp old lease not forgotten", "mac", m.ClientHWAddr.String(), "error", err)
		}
		s.sendLease(x, p, r, pool.rng, l, dhcpv4.MessageTypeAck, first)
	default:
		nak := Reply{Ours: true, Type: dhcpv4.MessageTypeNak, Why: []string{wants.String() + " is not free for this client"},
			Options: []Option{{Code: dhcpv4.OptionServerIdentifier.Code(), Data: p.Server.AsSlice()}}}
		answer := Build(m, nak)
		answer.ClientIPAddr = net.IPv4zero
		s.send(x, p, x.encode(answer), nak, first)
	}
}

// sendLease sends an address, or for INFORM only the parameters, with the boot
// fields if the handler gave any.
func (s *Server) sendLease(x *exchange, p Packet, r Reply, rng Range, l Lease, t dhcpv4.MessageType, first bool) {
	boot := Reply{Type: t}
	if r.Send {
		boot = r
		boot.Type = t
	}
	m := Build(p.Message, boot)
	put := func(code dhcpv4.OptionCode, v []byte) { m.Options[code.Code()] = v }
	put(dhcpv4.OptionServerIdentifier, p.Server.AsSlice())
	put(dhcpv4.OptionSubnetMask, net.CIDRMask(rng.Subnet.Bits(), 32))
	if rng.Router.Is4() {
		put(dhcpv4.OptionRouter, rng.Router.AsSlice())
	}
	var dns []byte
	for _, a := range rng.DNS {
		dns = append(dns, a.AsSlice()...)
	}
	if len(dns) > 0 {
		put(dhcpv4.OptionDomainNameServer, dns)
	}
	if l.Address.IsValid() {
		m.YourIPAddr = l.Address.AsSlice()
		secs := uint32(rng.Lease / time.Second)
		put(dhcpv4.OptionIPAddressLeaseTime, binary.BigEndian.AppendUint32(nil, secs))
	}
	r.Type = t
	s.send(x, p, x.encode(m), r, first)
}

// noRange reports a client behind a relay whose segment has no range.
func (s *Server) noRange(p Packet, asked netip.Addr, first bool) {
	s.count.noLease.Add(1)
	if first {
		s.Log.Warn("dhcp relay's segment has no range: add its subnet to relayed in box.yaml", "mac", p.Message.ClientHWAddr.String(),
			"relay", p.Message.GatewayIPAddr.String(), "segment", asked.String())
	}
}

func (s *Server) noLease(p Packet, err error) {
	s.count.noLease.Add(1)
	msg := "dhcp lease store failed"
	if errors.Is(err, errNoAddress) {
		msg = "dhcp range is used up: widen it or shorten the leases"
	}
	s.Log.Warn(msg, "mac", p.Message.ClientHWAddr.String(), "error", err)
}

// clientKey names a client: its identifier, else its hardware address (RFC 2131
// section 4.2).
func clientKey(m *dhcpv4.DHCPv4) string {
	if id := m.GetOneOption(dhcpv4.OptionClientIdentifier); len(id) > 0 {
		return hex.EncodeToString(id)
	}
	return hex.EncodeToString(m.ClientHWAddr)
}
