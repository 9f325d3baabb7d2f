package dhcp

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

const reservedMAC = "52:54:00:00:00:07"

// TestReservation: the machine gets its address by whatever identifier it asks, also
// when it has another one; nobody else does; while a stranger uses it, the machine
// gets one of the range.
func TestReservation(t *testing.T) {
	ctx, none := t.Context(), netip.Addr{}
	own, outside := netip.MustParseAddr("192.168.77.100"), netip.MustParseAddr("192.168.77.7")
	m := &memory{leases: map[netip.Addr]Lease{}}
	p := openPool(t, m, nil)
	if _, ok, _ := p.Bind(ctx, "rom", reservedMAC, netip.MustParseAddr("192.168.77.101")); !ok {
		t.Fatal("no lease without a reservation")
	}
	for _, address := range []netip.Addr{own, outside} {
		r := testRange("192.168.77.100", "192.168.77.102")
		r.Reserved = map[string]netip.Addr{reservedMAC: address}
		stranger := true
		p, err := OpenPool(ctx, r, m, func(_ context.Context, a netip.Addr) (bool, error) { return stranger && a == address, nil })
		if err != nil {
			t.Fatal(err)
		}
		if l, err := p.Offer(ctx, "rom", reservedMAC, none, none); err != nil || l.Address == address {
			t.Errorf("%s is in use by a stranger, and was offered: %v, %v", address, l, err)
		}
		stranger = false
		for a := range m.leases {
			if err := p.drop(ctx, a); err != nil {
				t.Fatal(err)
			}
		}
		if l, _ := p.Offer(ctx, "other", "52:54:00:00:00:08", address, none); l.Address == address {
			t.Errorf("%s was offered to another machine", address)
		}
		for _, id := range []string{"rom", "ipxe", "system"} {
			if l, err := p.Offer(ctx, id, reservedMAC, none, none); err != nil || l.Address != address {
				t.Errorf("%s was offered %v, %v", id, l.Address, err)
			}
			if _, ok, err := p.Bind(ctx, id, reservedMAC, address); !ok || err != nil {
				t.Errorf("%s did not get %s: %v", id, address, err)
			}
		}
		if _, ok, _ := p.Bind(ctx, "system", reservedMAC, netip.MustParseAddr("192.168.77.102")); ok {
			t.Error("a machine with a reservation kept another address")
		}
		if _, ok, _ := p.Bind(ctx, "other", "52:54:00:00:00:08", address); ok {
			t.Error("a reserved address went to another machine")
		}
	}
}

func TestReservationCheck(t *testing.T) {
	for _, reserved := range []map[string]netip.Addr{
		{reservedMAC: netip.MustParseAddr("192.168.78.7")},
		{reservedMAC: netip.MustParseAddr("192.168.77.7"), "52:54:00:00:00:08": netip.MustParseAddr("192.168.77.7")},
	} {
		r := testRange("192.168.77.100", "192.168.77.102")
		r.Reserved = reserved
		if _, err := OpenPool(t.Context(), r, &memory{}, nil); err == nil {
			t.Errorf("reservations %v were taken", reserved)
		}
	}
}

// TestPoolsKeepApart: two pools share a store; a lease in one is no lease in the other,
// and a machine that moves keeps both until they end.
func TestPoolsKeepApart(t *testing.T) {
	ctx, m := t.Context(), &memory{leases: map[netip.Addr]Lease{}}
	here, there := netip.MustParseAddr("192.168.77.100"), netip.MustParseAddr("10.78.0.100")
	open := func() Pools { return Pools{openPool(t, m, nil), relayedPool(t, m)} }
	for _, a := range []netip.Addr{here, there} {
		for _, p := range open() {
			if _, ok, err := p.Bind(ctx, "one", "", a); ok != p.rng.Subnet.Contains(a) || err != nil {
				t.Errorf("bind %s in %s: %v %v", a, p.rng.Subnet, ok, err)
			}
		}
	}
	if ps := open(); len(m.leases) != 2 || !ps[0].Holds("one", here) || !ps[1].Holds("one", there) {
		t.Errorf("leases %v", m.leases)
	}
}

func relayedPool(t testing.TB, m *memory) *Pool {
	t.Helper()
	p, err := OpenPool(t.Context(), Range{First: netip.MustParseAddr("10.78.0.100"), Last: netip.MustParseAddr("10.78.0.110"),
		Subnet: netip.MustParsePrefix("10.78.0.0/24"), Router: netip.MustParseAddr("10.78.0.1")}, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPoolsOf(t *testing.T) {
	m := &memory{leases: map[netip.Addr]Lease{}}
	ps := Pools{openPool(t, m, nil), relayedPool(t, m)}
	link := func(b ...byte) dhcpv4.Modifier {
		return dhcpv4.WithOption(dhcpv4.OptRelayAgentInfo(dhcpv4.OptGeneric(dhcpv4.LinkSelectionSubOption, b)))
	}
	for _, tc := range []struct {
		name string
		mods []dhcpv4.Modifier
		want *Pool
	}{
		{"own segment", nil, ps[0]},
		{"relay", []dhcpv4.Modifier{dhcpv4.WithGatewayIP(net.IP{10, 78, 0, 1})}, ps[1]},
		{"relay on the own segment", []dhcpv4.Modifier{dhcpv4.WithGatewayIP(net.IP{192, 168, 77, 9})}, ps[0]},
		{"unknown relay", []dhcpv4.Modifier{dhcpv4.WithGatewayIP(net.IP{10, 79, 0, 1})}, nil},
		{"link selection", []dhcpv4.Modifier{dhcpv4.WithGatewayIP(net.IP{10, 79, 0, 1}), link(10, 78, 0, 0)}, ps[1]},
		{"link selection of an unknown segment", []dhcpv4.Modifier{dhcpv4.WithGatewayIP(net.IP{10, 78, 0, 1}), link(10, 80, 0, 0)}, nil},
		{"link selection cut short", []dhcpv4.Modifier{dhcpv4.WithGatewayIP(net.IP{10, 78, 0, 1}), link(10)}, ps[1]},
		{"link selection without a relay", []dhcpv4.Modifier{link(10, 78, 0, 0)}, ps[0]},
		{"renewal from behind a relay", []dhcpv4.Modifier{dhcpv4.WithClientIP(net.IP{10, 78, 0, 100})}, ps[1]},
		{"renewal of a stranger", []dhcpv4.Modifier{dhcpv4.WithClientIP(net.IP{10, 79, 0, 100})}, ps[0]},
	} {
		if got, asked := ps.of(message(t, net.HardwareAddr{2, 0, 0, 0, 0, 1}, dhcpv4.MessageTypeDiscover, tc.mods...)); got != tc.want {
			t.Errorf("%s: got the wrong pool, asked for %s", tc.name, asked)
		}
	}
}
