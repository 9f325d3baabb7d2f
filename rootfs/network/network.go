// Package network sets up links for the box and for the agent on targets: it lists links, brings them up, puts
// addresses and routes on them through rtnetlink (rtnetlink(7)), takes and renews DHCPv4 leases (RFC 2131, RFC 2132),
// finds the box on the segment by a DHCP exchange of our own, and writes resolv.conf.
//
// It knows nothing of policy and keeps nothing: what is configured lives in the kernel. It never touches links or
// addresses that it was not told to, and it ignores DHCP offers that carry no address, such as those of a proxyDHCP.
package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"
)

// ErrNoLink is wrapped when a link of that name does not exist.
var ErrNoLink = errors.New("no such link")

// Link is one Ethernet interface, or lo.
type Link struct {
	Index    int
	Name     string           // "eth0"
	MAC      net.HardwareAddr // empty for lo
	Up       bool             // administratively
	Carrier  bool             // a cable with a live other end
	Loopback bool
	MTU      int // bytes
	Addrs    []netip.Prefix
}

// Links lists Ethernet interfaces and lo, by index, with their addresses.
func Links(ctx context.Context) ([]Link, error) {
	c, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return links(c)
}

func links(c *rtnetlink.Conn) ([]Link, error) {
	messages, err := c.Link.List()
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	addresses, err := c.Address.List()
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	var out []Link
	for _, m := range messages {
		if m.Attributes == nil || (m.Type != unix.ARPHRD_ETHER && m.Type != unix.ARPHRD_LOOPBACK) {
			continue
		}
		l := Link{Index: int(m.Index), Name: m.Attributes.Name, MTU: int(m.Attributes.MTU),
			Up: m.Flags&unix.IFF_UP != 0, Loopback: m.Flags&unix.IFF_LOOPBACK != 0,
			Carrier: m.Flags&unix.IFF_LOWER_UP != 0}
		if !l.Loopback {
			l.MAC = m.Attributes.Address
		}
		for _, a := range addresses {
			if p, ok := prefixOf(a); ok && a.Index == m.Index {
				l.Addrs = append(l.Addrs, p)
			}
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Link) int { return a.Index - b.Index })
	return out, nil
}

func prefixOf(a rtnetlink.AddressMessage) (netip.Prefix, bool) {
	if a.Attributes == nil {
		return netip.Prefix{}, false
	}
	ip, ok := netip.AddrFromSlice(a.Attributes.Address)
	if local, has := netip.AddrFromSlice(a.Attributes.Local); has {
		ip, ok = local, true
	}
	return netip.PrefixFrom(ip.Unmap(), int(a.PrefixLength)), ok
}

// Find returns the link of that name, or an error that wraps ErrNoLink and lists what there is.
func Find(ctx context.Context, name string) (Link, error) {
	all, err := Links(ctx)
	if err != nil {
		return Link{}, err
	}
	var names []string
	for _, l := range all {
		if l.Name == name {
			return l, nil
		}
		names = append(names, l.Name)
	}
	return Link{}, fmt.Errorf("link %q: %w: there are %s", name, ErrNoLink, strings.Join(names, ", "))
}

// Up brings a link up. It does not wait for a carrier: see WaitCarrier.
func Up(ctx context.Context, name string) error {
	c, err := dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	l, err := Find(ctx, name)
	if err != nil {
		return err
	}
	kind := uint16(unix.ARPHRD_ETHER)
	if l.Loopback {
		kind = unix.ARPHRD_LOOPBACK
	}
	err = c.Link.Set(&rtnetlink.LinkMessage{Family: unix.AF_UNSPEC, Type: kind, Index: uint32(l.Index), Flags: unix.IFF_UP, Change: unix.IFF_UP})
	if err != nil {
		return fmt.Errorf("link %s: bring up: %w", name, err)
	}
	return nil
}

func dial(ctx context.Context) (*rtnetlink.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := rtnetlink.Dial(nil)
	if err != nil {
		return nil, fmt.Errorf("open rtnetlink: %w", err)
	}
	return c, nil
}
