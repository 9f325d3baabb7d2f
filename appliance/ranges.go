package appliance

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/bootward/bootward/osd"
)

// The bounds of a lease.
const (
	minLease     = time.Minute
	maxLease     = 30 * 24 * time.Hour
	defaultLease = 12 * time.Hour
)

// noDHCP refuses what only a DHCP server has.
func (p *parser) noDHCP(at string, r rawInterface) {
	if g := r.Range; g.First != "" || g.Last != "" || g.Router != "" || g.Lease != "" || g.DNS != nil {
		p.wrong(at+".range", g.First, "is for pxe: dhcp only; leave it out")
	}
	if r.Reservations != nil {
		p.wrong(at+".reservations", "", "are for pxe: dhcp only; leave them out")
	}
	if r.Relayed != nil {
		p.wrong(at+".relayed", "", "is for pxe: dhcp only; leave it out: the other modes answer relays without it")
	}
}

// dhcp reads what a box that is the DHCP server gives out: on its own segment, behind
// relays, and to certain machines.
func (p *parser) dhcp(at string, r rawInterface, n *Interface) {
	if n.Address != AddressStatic {
		p.wrong(at+".address", string(n.Address), "pxe: dhcp needs an address of its own such as 10.77.0.2/24: the box is the DHCP server there")
		return
	}
	n.Range = p.dhcpRange(at+".range", r.Range, n.CIDR.Masked())
	for i, raw := range r.Relayed {
		n.Relayed = append(n.Relayed, p.relayed(fmt.Sprintf("%s.relayed[%d]", at, i), raw, *n))
	}
	for i, raw := range r.Reservations {
		p.reservation(fmt.Sprintf("%s.reservations[%d]", at, i), raw, n)
	}
}

func (p *parser) dhcpRange(at string, r rawRange, subnet netip.Prefix) Range {
	g := Range{Subnet: subnet, First: p.ip(at+".first", r.First), Last: p.ip(at+".last", r.Last), Lease: defaultLease}
	if subnet.IsValid() && g.First.IsValid() && g.Last.IsValid() {
		switch {
		case !subnet.Contains(g.First) || !subnet.Contains(g.Last):
			p.wrong(at, r.First+" to "+r.Last, "give two addresses inside "+subnet.String())
		case g.Last.Less(g.First):
			p.wrong(at+".last", r.Last, "must not come before first")
		}
	}
	if r.Router != "" {
		g.Router = p.ip(at+".router", r.Router)
	}
	g.DNS = p.ips(at+".dns", r.DNS)
	if r.Lease != "" {
		d, err := time.ParseDuration(r.Lease)
		if err != nil || d < minLease || d > maxLease {
			p.wrong(at+".lease", r.Lease, "give 1m to 720h, such as 12h")
		}
		g.Lease = d
	}
	return g
}

// relayed reads the range of a segment behind a relay.
func (p *parser) relayed(at string, r rawRange, n Interface) Range {
	c, err := netip.ParsePrefix(r.Subnet)
	if err != nil || !c.Addr().Is4() || c.Bits() < 8 || c.Bits() > 30 || c != c.Masked() {
		p.wrong(at+".subnet", r.Subnet, "give the subnet behind the relay such as 10.78.0.0/24")
		return Range{}
	}
	for _, other := range append([]Range{n.Range}, n.Relayed...) {
		if other.Subnet.IsValid() && other.Subnet.Overlaps(c) {
			p.wrong(at+".subnet", r.Subnet, "overlaps "+other.Subnet.String()+", which this interface serves already")
		}
	}
	g := p.dhcpRange(at, r, c)
	if r.Router == "" || g.Router.IsValid() && !c.Contains(g.Router) {
		p.wrong(at+".router", r.Router, "give the router inside "+c.String()+": machines behind a relay reach the box through it")
	}
	return g
}

// reservation keeps an address of one of the interface's subnets for one machine. A
// machine may have one in each subnet.
func (p *parser) reservation(at string, r rawReservation, n *Interface) {
	mac, err := osd.NormalizeMAC(r.MAC)
	if err != nil {
		p.wrong(at+".mac", r.MAC, "give six bytes in hexadecimal, such as 52:54:00:12:34:56")
		return
	}
	a := p.ip(at+".address", r.Address)
	if !a.IsValid() {
		return
	}
	g := n.rangeOf(a)
	switch {
	case g == nil:
		p.wrong(at+".address", r.Address, "is in no subnet that this interface serves")
		return
	case a == n.CIDR.Addr() || a == g.Router:
		p.wrong(at+".address", r.Address, "is the address of the box or of the router; give another")
	case a == g.Subnet.Addr() || !g.Subnet.Contains(a.Next()):
		p.wrong(at+".address", r.Address, "is the first or last address of "+g.Subnet.String()+", which no machine can have")
	}
	if _, twice := g.Reserved[mac]; twice {
		p.wrong(at+".mac", r.MAC, "has an address in "+g.Subnet.String()+" already; give each machine one")
		return
	}
	for other, taken := range g.Reserved {
		if taken == a {
			p.wrong(at+".address", r.Address, "is reserved for "+other+" already; give each machine its own")
		}
	}
	if g.Reserved == nil {
		g.Reserved = map[string]netip.Addr{}
	}
	g.Reserved[mac] = a
}

// rangeOf is the range whose subnet holds a, nil without one.
func (n *Interface) rangeOf(a netip.Addr) *Range {
	if n.Range.Subnet.Contains(a) {
		return &n.Range
	}
	for i := range n.Relayed {
		if n.Relayed[i].Subnet.Contains(a) {
			return &n.Relayed[i]
		}
	}
	return nil
}
