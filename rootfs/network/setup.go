package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"
)

// Setup is how a link is set up now.
type Setup struct {
	Link
	// Static are the addresses that stay: those without a lifetime. A link without any has what DHCP or a router gave.
	Static   []netip.Prefix
	Gateways []netip.Addr // of its default routes, the preferred first
}

// Setups reads the set-up of all Ethernet links, by index. Addresses of the link itself (fe80::, 169.254.) do not count.
func Setups(ctx context.Context) ([]Setup, error) {
	c, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	all, err := links(c)
	if err != nil {
		return nil, err
	}
	addresses, err := c.Address.List()
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	routes, err := c.Route.List()
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	var out []Setup
	for _, l := range all {
		if !l.Loopback {
			out = append(out, setup(l, addresses, routes))
		}
	}
	return out, nil
}

func setup(l Link, addresses []rtnetlink.AddressMessage, routes []rtnetlink.RouteMessage) Setup {
	s := Setup{Link: l}
	for _, a := range addresses {
		p, ok := prefixOf(a)
		if !ok || int(a.Index) != l.Index || p.Addr().IsLinkLocalUnicast() {
			continue
		}
		if a.Attributes.Flags&unix.IFA_F_PERMANENT != 0 || a.Flags&unix.IFA_F_PERMANENT != 0 {
			s.Static = append(s.Static, p)
		}
	}
	routes = slices.Clone(routes)
	slices.SortStableFunc(routes, func(a, b rtnetlink.RouteMessage) int {
		return int(a.Attributes.Priority) - int(b.Attributes.Priority)
	})
	for _, r := range routes {
		gateway, ok := netip.AddrFromSlice(r.Attributes.Gateway)
		if ok && int(r.Attributes.OutIface) == l.Index && r.DstLength == 0 && r.Table == unix.RT_TABLE_MAIN && !slices.Contains(s.Gateways, gateway.Unmap()) {
			s.Gateways = append(s.Gateways, gateway.Unmap())
		}
	}
	return s
}
