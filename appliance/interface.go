package appliance

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
)

// linkName is what Linux takes as the name of an interface (dev_valid_name),
// less what would be hard to type.
var linkName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$`)

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
	case PXEProxy, PXERelay, PXEProxy4011, PXEOff:
		p.noDHCP(at, r)
	case PXEDHCP:
		p.dhcp(at, r, &n)
	default:
		p.wrong(at+".pxe", r.PXE, "give proxy, dhcp, relay, proxy-4011 or off")
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
