package dhcp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Lease is one address given to one client.
type Lease struct {
	Address netip.Addr
	Client  string // hex of option 61, or of the hardware address without one
	MAC     string
	Expires time.Time
	// Declined marks an address that a client found in use; nobody gets it until Expires.
	Declined bool
}

// LeaseStore keeps leases through restarts and power cuts. Its methods are
// called by several goroutines at once, never for the same address. PutLease is durable before it returns, and replaces the
// lease of the same address; DeleteLease of an unknown address is no error.
type LeaseStore interface {
	Leases(ctx context.Context) ([]Lease, error)
	PutLease(ctx context.Context, l Lease) error
	DeleteLease(ctx context.Context, address netip.Addr) error
}

// Times of the pool.
const (
	DefaultLease = 12 * time.Hour
	offerTime    = 30 * time.Second // an offered address is held this long
	declineTime  = 10 * time.Minute
)

// errNoAddress is returned when the range is used up.
var errNoAddress = errors.New("no address is free")

// Pool gives addresses out of one range. The zero value is not usable: OpenPool.
// Several pools may share a store: each keeps to its own subnet.
type Pool struct {
	rng   Range
	store LeaseStore
	inUse func(ctx context.Context, a netip.Addr) (bool, error)
	now   func() time.Time

	mu       sync.Mutex
	byAddr   map[netip.Addr]Lease
	byClient map[string]netip.Addr
	offers   map[netip.Addr]Lease  // not yet acknowledged, in memory only
	owners   map[netip.Addr]string // of reserved addresses; not changed
}

// OpenPool checks the range and reads the leases from the store. inUse asks the
// network whether somebody already has an address before it is offered (ARP, RFC
// 5227; ICMP behind a relay, RFC 2131 section 3.1); nil leaves that out.
func OpenPool(ctx context.Context, rng Range, store LeaseStore, inUse func(context.Context, netip.Addr) (bool, error)) (*Pool, error) {
	if err := rng.check(); err != nil {
		return nil, err
	}
	if rng.Lease == 0 {
		rng.Lease = DefaultLease
	}
	leases, err := store.Leases(ctx)
	if err != nil {
		return nil, fmt.Errorf("dhcp: read leases: %w", err)
	}
	p := &Pool{
		rng: rng, store: store, inUse: inUse, now: time.Now,
		byAddr: map[netip.Addr]Lease{}, byClient: map[string]netip.Addr{}, offers: map[netip.Addr]Lease{},
		owners: map[netip.Addr]string{},
	}
	for mac, a := range rng.Reserved {
		p.owners[a] = mac
	}
	for _, l := range leases {
		if rng.Subnet.Contains(l.Address) {
			p.remember(l)
		}
	}
	return p, nil
}

func (p *Pool) remember(l Lease) {
	p.byAddr[l.Address] = l
	if !l.Declined {
		p.byClient[l.Client] = l.Address
	}
}

// Offer picks an address for the client and holds it for half a minute: the one
// reserved for its hardware address, else the one it has, else the one it wants if
// that is free, else the first free one (RFC 2131 section 4.3.1). never is our own
// address.
func (p *Pool) Offer(ctx context.Context, client, mac string, wants, never netip.Addr) (Lease, error) {
	tried := map[netip.Addr]bool{never: true}
	for {
		l, known, err := p.reserve(client, mac, wants, tried)
		if err != nil || known || p.inUse == nil {
			return l, err
		}
		// Asked without the lock: the answer takes a moment, others go on.
		used, err := p.inUse(ctx, l.Address)
		if err != nil {
			return Lease{}, fmt.Errorf("ask whether %s is in use: %w", l.Address, err)
		}
		if !used {
			return l, nil
		}
		tried[l.Address] = true
		if err := p.Decline(ctx, client, l.Address); err != nil {
			return Lease{}, err
		}
	}
}

// reserve holds an address for the client; known says that it had it before.
func (p *Pool) reserve(client, mac string, wants netip.Addr, tried map[netip.Addr]bool) (l Lease, known bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	may := func(a netip.Addr) bool { return !tried[a] && p.free(a, client, mac, now) }
	hold := func(a netip.Addr) Lease {
		l := Lease{Address: a, Client: client, MAC: mac, Expires: now.Add(offerTime)}
		p.offers[a] = l
		return l
	}
	if a := p.reserved(mac, now); a.IsValid() && may(a) {
		return hold(a), p.byAddr[a].MAC == mac, nil
	}
	if a, ok := p.byClient[client]; ok && may(a) {
		return hold(a), true, nil
	}
	for a, o := range p.offers {
		if o.Client == client && may(a) {
			return hold(a), true, nil
		}
	}
	if may(wants) {
		return hold(wants), false, nil
	}
	for a := p.rng.First; p.rng.contains(a); a = a.Next() {
		if may(a) {
			return hold(a), false, nil
		}
	}
	return Lease{}, false, errNoAddress
}

// reserved is the address that is kept for the machine, the zero Addr without one or
// while another host uses it.
func (p *Pool) reserved(mac string, now time.Time) netip.Addr {
	a := p.rng.Reserved[mac]
	if l, ok := p.byAddr[a]; ok && l.Declined && now.Before(l.Expires) {
		return netip.Addr{}
	}
	return a
}

// free reports whether the client may have address a now. A reserved address is its
// machine's, by whatever identifier firmware and operating system ask in turn.
func (p *Pool) free(a netip.Addr, client, mac string, now time.Time) bool {
	owner, kept := p.owners[a]
	if kept && owner != mac || !kept && !p.rng.contains(a) {
		return false
	}
	if l, ok := p.byAddr[a]; ok && now.Before(l.Expires) && (l.Declined || l.Client != client && !kept) {
		return false
	}
	o, ok := p.offers[a]
	return !ok || kept || o.Client == client || !now.Before(o.Expires)
}
