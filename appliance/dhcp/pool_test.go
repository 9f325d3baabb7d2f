package dhcp

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"
)

// memory is a lease store for tests; fail makes writes fail.
type memory struct {
	leases map[netip.Addr]Lease
	fail   error
}

func (m *memory) Leases(context.Context) ([]Lease, error) {
	var out []Lease
	for _, l := range m.leases {
		out = append(out, l)
	}
	return out, nil
}

func (m *memory) PutLease(_ context.Context, l Lease) error {
	if m.fail == nil {
		m.leases[l.Address] = l
	}
	return m.fail
}

func (m *memory) DeleteLease(_ context.Context, a netip.Addr) error {
	delete(m.leases, a)
	return m.fail
}

func testRange(first, last string) Range {
	return Range{First: netip.MustParseAddr(first), Last: netip.MustParseAddr(last), Subnet: netip.MustParsePrefix("192.168.77.0/24")}
}

func openPool(t *testing.T, m *memory, inUse func(context.Context, netip.Addr) (bool, error)) *Pool {
	t.Helper()
	p, err := OpenPool(t.Context(), testRange("192.168.77.100", "192.168.77.102"), m, inUse)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPoolLife(t *testing.T) {
	ctx, none := t.Context(), netip.Addr{}
	m := &memory{leases: map[netip.Addr]Lease{}}
	p := openPool(t, m, nil)
	a := netip.MustParseAddr("192.168.77.100")
	own := netip.MustParseAddr("192.168.77.101")

	l, err := p.Offer(ctx, "one", "", none, own)
	if err != nil || l.Address != a {
		t.Fatalf("first offer %v, %v", l, err)
	}
	if again, _ := p.Offer(ctx, "one", "", none, own); again.Address != a {
		t.Errorf("second offer to the same client is %v", again.Address)
	}
	if l, _ := p.Offer(ctx, "two", "", a, own); l.Address.String() != "192.168.77.102" {
		t.Errorf("the second client got %v: %s is our own", l.Address, own)
	}
	if _, err := p.Offer(ctx, "three", "", none, own); !errors.Is(err, errNoAddress) {
		t.Errorf("full range gave %v", err)
	}
	if _, ok, _ := p.Bind(ctx, "two", "", a); ok {
		t.Error("an address offered to one client was bound to another")
	}
	if _, ok, err := p.Bind(ctx, "one", "", a); !ok || err != nil || m.leases[a].Client != "one" {
		t.Errorf("bind: %v %v, store %v", ok, err, m.leases)
	}
	// After a restart the client keeps its address, and others do not get it.
	p = openPool(t, m, nil)
	if l, _ := p.Offer(ctx, "one", "", none, own); l.Address != a {
		t.Errorf("after the restart: %v", l.Address)
	}
	if ok, _ := p.Release(ctx, "two", a); ok {
		t.Error("a stranger released a lease")
	}
	if ok, err := p.Release(ctx, "one", a); !ok || err != nil || len(m.leases) != 0 {
		t.Errorf("release: %v %v, store %v", ok, err, m.leases)
	}
}

func TestPoolDecline(t *testing.T) {
	ctx := t.Context()
	m := &memory{leases: map[netip.Addr]Lease{}}
	p := openPool(t, m, nil)
	now := time.Now()
	p.now = func() time.Time { return now }
	l, _ := p.Offer(ctx, "one", "", netip.Addr{}, netip.Addr{})
	if err := p.Decline(ctx, "stranger", l.Address); err != nil || len(m.leases) != 0 {
		t.Fatalf("a stranger's DECLINE was heard: %v %v", err, m.leases)
	}
	if err := p.Decline(ctx, "one", l.Address); err != nil {
		t.Fatal(err)
	}
	if next, _ := p.Offer(ctx, "one", "", l.Address, netip.Addr{}); next.Address == l.Address {
		t.Error("a declined address was offered again")
	}
	now = now.Add(declineTime)
	if next, _ := p.Offer(ctx, "two", "", l.Address, netip.Addr{}); next.Address != l.Address {
		t.Errorf("after its time the address is still kept back: %v", next.Address)
	}
}

func TestPoolAsksTheSegment(t *testing.T) {
	taken := netip.MustParseAddr("192.168.77.100")
	p := openPool(t, &memory{leases: map[netip.Addr]Lease{}}, func(_ context.Context, a netip.Addr) (bool, error) { return a == taken, nil })
	l, err := p.Offer(t.Context(), "one", "", taken, netip.Addr{})
	if err != nil || l.Address == taken || !l.Address.IsValid() {
		t.Fatalf("offer %v, %v", l, err)
	}
}

func TestPoolStoreFails(t *testing.T) {
	m := &memory{leases: map[netip.Addr]Lease{}, fail: errors.New("no space left on device")}
	p := openPool(t, m, nil)
	l, _ := p.Offer(t.Context(), "one", "", netip.Addr{}, netip.Addr{})
	if _, ok, err := p.Bind(t.Context(), "one", "", l.Address); ok || err == nil {
		t.Errorf("a lease that was not kept was given: %v %v", ok, err)
	}
}

func TestRangeCheck(t *testing.T) {
	for _, r := range []Range{
		testRange("192.168.77.20", "192.168.77.10"), testRange("192.168.77.20", "192.168.78.10"), {},
		{First: netip.MustParseAddr("10.0.0.1"), Last: netip.MustParseAddr("10.9.0.1"), Subnet: netip.MustParsePrefix("10.0.0.0/8")},
	} {
		if _, err := OpenPool(t.Context(), r, &memory{}, nil); err == nil {
			t.Errorf("range %v was taken", r)
		}
	}
}
