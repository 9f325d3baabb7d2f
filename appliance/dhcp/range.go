package dhcp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Range is what a Pool gives out in one subnet.
type Range struct {
	Subnet      netip.Prefix // mask given to clients
	First, Last netip.Addr   // both inclusive, IPv4, in Subnet
	Router      netip.Addr   // zero: none
	DNS         []netip.Addr
	Lease       time.Duration // 0: DefaultLease
	// Reserved maps hardware addresses, as net.HardwareAddr writes them, to addresses
	// in Subnet, inside or outside of First to Last, that nobody else gets.
	Reserved map[string]netip.Addr
}

const maxAddresses = 65536

func (r Range) check() error {
	switch {
	case !r.First.Is4() || !r.Last.Is4() || r.Last.Less(r.First):
		return fmt.Errorf("dhcp: range %s to %s: give two IPv4 addresses, the lower one first", r.First, r.Last)
	case !r.Subnet.IsValid() || !r.Subnet.Contains(r.First) || !r.Subnet.Contains(r.Last):
		return fmt.Errorf("dhcp: range %s to %s is not inside subnet %s", r.First, r.Last, r.Subnet)
	case number(r.Last)-number(r.First) >= maxAddresses:
		return fmt.Errorf("dhcp: range %s to %s: at most %d addresses", r.First, r.Last, maxAddresses)
	}
	owners := map[netip.Addr]string{}
	for mac, a := range r.Reserved {
		if other, twice := owners[a]; twice {
			return fmt.Errorf("dhcp: address %s is reserved for %s and for %s: give each its own", a, mac, other)
		}
		if !r.Subnet.Contains(a) {
			return fmt.Errorf("dhcp: address %s, reserved for %s, is not inside subnet %s", a, mac, r.Subnet)
		}
		owners[a] = mac
	}
	return nil
}

func (r Range) contains(a netip.Addr) bool {
	return a.Is4() && !a.Less(r.First) && !r.Last.Less(a)
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// Pools are the ranges of one interface: the first is that of its own segment, the
// others of segments behind relays.
type Pools []*Pool

// of picks the pool for a message: by the relay's link selection (RFC 3527), else by
// giaddr, else, for a client behind a relay that renews without it, by the address that
// it has (RFC 2131 section 4.3.2), else that of the own segment. asked is where the
// client stands, zero on the own segment; without a pool for it the pool is nil.
func (ps Pools) of(m *dhcpv4.DHCPv4) (pool *Pool, asked netip.Addr) {
	relay := addr4(m.GatewayIPAddr)
	if relay.IsValid() {
		asked = relay
		if info := m.RelayAgentInfo(); info != nil {
			if link := addr4(info.Get(dhcpv4.LinkSelectionSubOption)); link.IsValid() {
				asked = link
			}
		}
	} else {
		asked = addr4(m.ClientIPAddr)
	}
	for _, p := range ps {
		if asked.IsValid() && p.rng.Subnet.Contains(asked) {
			return p, asked
		}
	}
	if !relay.IsValid() && len(ps) > 0 {
		return ps[0], netip.Addr{}
	}
	return nil, asked
}
