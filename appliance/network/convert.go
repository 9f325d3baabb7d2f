package network

import (
	"net/netip"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"
)

func toLink(m rtnetlink.LinkMessage) Link {
	l := Link{
		Index: int(m.Index),
		Up:    m.Flags&unix.IFF_UP != 0,
		Loop:  m.Flags&unix.IFF_LOOPBACK != 0,
	}
	l.Carrier = l.Up && m.Flags&unix.IFF_LOWER_UP != 0
	if a := m.Attributes; a != nil {
		l.Name, l.MTU = a.Name, int(a.MTU)
		if len(a.Address) == 6 {
			l.MAC = a.Address
		}
	}
	return l
}

// toAddress reads an address message. On point-to-point links Local is ours and
// Address is the peer; elsewhere they are the same (rtnetlink(7), IFA_LOCAL).
func toAddress(m rtnetlink.AddressMessage) (Address, bool) {
	if m.Attributes == nil {
		return Address{}, false
	}
	ip := m.Attributes.Local
	if ip == nil {
		ip = m.Attributes.Address
	}
	addr, ok := netip.AddrFromSlice(ip)
	if !ok {
		return Address{}, false
	}
	addr = addr.Unmap()
	p := netip.PrefixFrom(addr, int(m.PrefixLength))
	return Address{
		Link: int(m.Index), Prefix: p, Scope: m.Scope,
		Secondary: addr.Is4() && m.Flags&unix.IFA_F_SECONDARY != 0,
		Tentative: m.Flags&unix.IFA_F_TENTATIVE != 0,
	}, p.IsValid()
}

func toNeighbour(m rtnetlink.NeighMessage) (Neighbour, bool) {
	if m.Attributes == nil || len(m.Attributes.LLAddress) != 6 {
		return Neighbour{}, false
	}
	ip, ok := netip.AddrFromSlice(m.Attributes.Address)
	if !ok {
		return Neighbour{}, false
	}
	return Neighbour{Link: int(m.Index), IP: ip.Unmap(), MAC: m.Attributes.LLAddress, State: m.State}, true
}
