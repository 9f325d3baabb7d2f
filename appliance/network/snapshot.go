package network

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"
)

// Link is one network interface.
type Link struct {
	Index   int
	Name    string
	MAC     net.HardwareAddr // nil on links without one
	MTU     int
	Up      bool // switched on
	Carrier bool // and something is at the other end
	Loop    bool
}

// Address is one address of a link.
type Address struct {
	Link      int
	Prefix    netip.Prefix // address with the length of its subnet
	Scope     uint8        // rtnetlink(7): 0 global, 253 link, 254 host
	Secondary bool         // another address of the same subnet came first
	Tentative bool         // IPv6: not yet proven to be unique
}

// Neighbour is one entry of the kernel's ARP or neighbour table.
type Neighbour struct {
	Link  int
	IP    netip.Addr
	MAC   net.HardwareAddr
	State uint16 // NUD_* bits of rtnetlink(7)
}

// Snapshot is the state of all links at one time, each list sorted.
type Snapshot struct {
	Links      []Link
	Addresses  []Address
	Neighbours []Neighbour
}

// Link returns the link of that name.
func (s Snapshot) Link(name string) (Link, bool) {
	i := slices.IndexFunc(s.Links, func(l Link) bool { return l.Name == name })
	if i < 0 {
		return Link{}, false
	}
	return s.Links[i], true
}

// Source picks the IPv4 address to answer from on a link: one whose subnet holds the
// peer if there is one, else the first primary address of global scope, else a
// link-local one. A zero peer means everybody. The zero Addr means that the link has
// no IPv4 address.
func (s Snapshot) Source(link string, peer netip.Addr) netip.Addr {
	l, ok := s.Link(link)
	if !ok {
		return netip.Addr{}
	}
	var best netip.Addr
	rank := 0
	for _, a := range s.Addresses {
		if a.Link != l.Index || !a.Prefix.Addr().Is4() {
			continue
		}
		r := 1
		if a.Scope == unix.RT_SCOPE_UNIVERSE {
			r += 2
		}
		if !a.Secondary {
			r++
		}
		if peer.IsValid() && a.Prefix.Contains(peer) {
			r += 4
		}
		if r > rank {
			best, rank = a.Prefix.Addr(), r
		}
	}
	return best
}

// Has says whether an address is one of that link; of any link if it is empty.
func (s Snapshot) Has(link string, ip netip.Addr) bool {
	l, ok := s.Link(link)
	return slices.ContainsFunc(s.Addresses, func(a Address) bool { return a.Prefix.Addr() == ip && (link == "" || ok && a.Link == l.Index) })
}

// MAC returns the hardware address of ip on any link, nil if it is not known.
func (s Snapshot) MAC(ip netip.Addr) net.HardwareAddr {
	const dead = unix.NUD_INCOMPLETE | unix.NUD_FAILED
	for _, n := range s.Neighbours {
		if n.IP == ip && n.State&dead == 0 {
			return n.MAC
		}
	}
	return nil
}

// Read asks the kernel for the present state.
func Read() (Snapshot, error) {
	c, err := rtnetlink.Dial(nil)
	if err != nil {
		return Snapshot{}, fmt.Errorf("network: open netlink: %w", err)
	}
	defer c.Close()
	return read(c)
}

func read(c *rtnetlink.Conn) (Snapshot, error) {
	var s Snapshot
	links, err := c.Link.List()
	if err != nil {
		return s, fmt.Errorf("network: list links: %w", err)
	}
	for _, m := range links {
		s.Links = append(s.Links, toLink(m))
	}
	addresses, err := c.Address.List()
	if err != nil {
		return s, fmt.Errorf("network: list addresses: %w", err)
	}
	for _, m := range addresses {
		if a, ok := toAddress(m); ok {
			s.Addresses = append(s.Addresses, a)
		}
	}
	neighbours, err := c.Neigh.List()
	if err != nil {
		return s, fmt.Errorf("network: list neighbours: %w", err)
	}
	for _, m := range neighbours {
		if n, ok := toNeighbour(m); ok {
			s.Neighbours = append(s.Neighbours, n)
		}
	}
	s.sort()
	return s, nil
}

// sort orders the lists. The kernel lists the addresses of a link in the order in
// which they were given; that order is kept.
func (s *Snapshot) sort() {
	slices.SortFunc(s.Links, func(a, b Link) int { return cmp.Compare(a.Index, b.Index) })
	slices.SortStableFunc(s.Addresses, func(a, b Address) int { return cmp.Compare(a.Link, b.Link) })
	slices.SortFunc(s.Neighbours, func(a, b Neighbour) int {
		return cmp.Or(cmp.Compare(a.Link, b.Link), a.IP.Compare(b.IP))
	})
}
