package appliance

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"time"
)

// linkName is what Linux takes as the name of an interface (dev_valid_name),
// less what would be hard to type.
var linkName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$`)

// The bounds of a lease.
const (
	minLease     = time.Minute
	maxLease     = 30 * 24 * time.Hour
	defaultLease = 12 * time.Hour
)

func (p *parser) interfaces(raw []rawInterface) []Interface {
	seen := map[string]bool{}
	var all []Interface
	for i, r := range raw {
		at := fmt.Sprintf("interfaces[%d]", i)
		n := p.iface(at, r)
		if seen[n.Name] {
			p.wrong(at+".name", n.Name, "is there twice; give each interface one entry")
		}
		seen[n.Name] = true
		all = append(all, n)
	}
	if len(all) == 0 {
		p.wrong("interfaces", "", "give at least one interface, or leave the key out")
	}
	return all
}

func (p *parser) iface(at string, r rawInterface) Interface {
	n := Interface{Name: cmp.Or(r.Name, AnyInterface), Address: AddressDHCP, PXE: PXEMode(cmp.Or(r.PXE, string(PXEProxy)))}
	if n.Name != AnyInterface && !linkName.MatchString(n.Name) {
		p.wrong(at+".name", n.Name, "give the name of an interface such as eth0, or * for all others")
	}
	p.address(at, r, &n)
	switch n.PXE {
	case PXEProxy, PXEOff:
		if r.Range.First != "" || r.Range.Last != "" || r.Range.Router != "" || r.Range.Lease != "" || r.Range.DNS != nil {
			p.wrong(at+".range", r.Range.First, "is for pxe: dhcp only; leave it out")
		}
	case PXEDHCP:
		p.dhcp(at, r.Range, &n)
	default:
		p.wrong(at+".pxe", r.PXE, "give proxy, dhcp or off")
	}
	return n
}

func (p *parser) address(at string, r rawInterface, n *Interface) {
	switch r.Address {
	case "", string(AddressDHCP):
	case string(AddressKeep):
		n.Address = AddressKeep
	default:
		n.Address = AddressStatic
		c, err := netip.ParsePrefix(r.Address)
		if err != nil || !c.Addr().Is4() || c.Bits() < 8 || c.Bits() > 30 {
			p.wrong(at+".address", r.Address, "give dhcp, keep, or an IPv4 address with its prefix such as 10.77.0.2/24")
			return
		}
		n.CIDR = c
		if n.Name == AnyInterface {
			p.wrong(at+".address", r.Address, "an address of its own needs the interface's name, not *")
		}
	}
	if n.Address != AddressStatic {
		if r.Gateway != "" || r.DNS != nil {
			p.wrong(at+".gateway", r.Gateway, "gateway and dns go with an address of its own; leave them out")
		}
		return
	}
	if r.Gateway != "" {
		n.Gateway = p.ip(at+".gateway", r.Gateway)
		if n.Gateway.IsValid() && !n.CIDR.Contains(n.Gateway) {
			p.wrong(at+".gateway", r.Gateway, "is not inside "+n.CIDR.Masked().String())
		}
	}
	n.DNS = p.ips(at+".dns", r.DNS)
}

// dhcp checks the range against the interface's own address.
func (p *parser) dhcp(at string, r rawRange, n *Interface) {
	if n.Address != AddressStatic {
		p.wrong(at+".address", string(n.Address), "pxe: dhcp needs an address of its own such as 10.77.0.2/24: the box is the DHCP server there")
		return
	}
	n.Range = Range{First: p.ip(at+".range.first", r.First), Last: p.ip(at+".range.last", r.Last), Lease: defaultLease}
	if n.CIDR.IsValid() && n.Range.First.IsValid() && n.Range.Last.IsValid() {
		switch {
		case !n.CIDR.Contains(n.Range.First) || !n.CIDR.Contains(n.Range.Last):
			p.wrong(at+".range", r.First+" to "+r.Last, "give two addresses inside "+n.CIDR.Masked().String())
		case n.Range.Last.Less(n.Range.First):
			p.wrong(at+".range.last", r.Last, "must not come before range.first")
		}
	}
	if r.Router != "" {
		n.Range.Router = p.ip(at+".range.router", r.Router)
	}
	n.Range.DNS = p.ips(at+".range.dns", r.DNS)
	if r.Lease != "" {
		d, err := time.ParseDuration(r.Lease)
		if err != nil || d < minLease || d > maxLease {
			p.wrong(at+".range.lease", r.Lease, "give 1m to 720h, such as 12h")
		}
		n.Range.Lease = d
	}
}

func (p *parser) ip(key, s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		p.wrong(key, s, "give an IPv4 address such as 10.77.0.100")
		return netip.Addr{}
	}
	return a
}

func (p *parser) ips(key string, all []string) []netip.Addr {
	var out []netip.Addr
	for i, s := range all {
		out = append(out, p.ip(fmt.Sprintf("%s[%d]", key, i), s))
	}
	return out
}
