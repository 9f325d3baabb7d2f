package network

import (
	"fmt"
	"net/netip"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"
)

// Gateway is the router of the default IPv4 route through a link, the one that the
// kernel prefers; the zero Addr if there is none.
func Gateway(link string) (netip.Addr, error) {
	s, err := Read()
	if err != nil {
		return netip.Addr{}, err
	}
	l, ok := s.Link(link)
	if !ok {
		return netip.Addr{}, fmt.Errorf("network: gateway of %s: there is no such link", link)
	}
	c, err := rtnetlink.Dial(nil)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("network: open netlink: %w", err)
	}
	defer c.Close()
	routes, err := c.Route.List()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("network: list routes: %w", err)
	}
	return gateway(routes, uint32(l.Index)), nil
}

func gateway(routes []rtnetlink.RouteMessage, link uint32) (best netip.Addr) {
	var priority uint32
	for _, r := range routes {
		to := r.Attributes
		if r.Family != unix.AF_INET || r.DstLength != 0 || to.OutIface != link || to.Table != unix.RT_TABLE_MAIN {
			continue
		}
		a, ok := netip.AddrFromSlice(to.Gateway.To4())
		if ok && (!best.IsValid() || to.Priority < priority) {
			best, priority = a, to.Priority
		}
	}
	return best
}
