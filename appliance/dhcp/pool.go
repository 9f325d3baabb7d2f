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
// called under one lock. PutLease is durable before it returns, and replaces the
// lease of the same address; DeleteLease of an unknown address is no error.
type LeaseStore interface {
	Leases(ctx context.Context) ([]Lease, error)
	PutLease(ctx context.Context, l Lease) error
	DeleteLease(ctx context.Context, address netip.Addr) error
}

// Range is what a Pool gives out.
type Range struct {
	First, Last netip.Addr   // both inclusive, IPv4, in one subnet
	Subnet      netip.Prefix // mask given to clients
	Router      netip.Addr   // zero: none
	DNS         []netip.Addr
	Lease       time.Duration // 0: DefaultLease
}

// Times of the pool.
const (
	DefaultLease = 12 * time.Hour
	offerTime    = 30 * time.Second // an offered address is held this long
	declineTime  = 10 * time.Minute
	maxAddresses = 65536
)

// errNoAddress is returned when the range is used up.
var errNoAddress = errors.New("no address is free")

// Pool gives addresses out of one range. The zero value is not usable: OpenPool.
type Pool struct {
	rng   Range
	store LeaseStore
	inUse func(ctx context.Context, a netip.Addr) (bool, error)
	now   func() time.Time

	mu       sync.Mutex
	byAddr   map[netip.Addr]Lease
	byClient map[string]netip.Addr
	offers   map[netip.Addr]Lease // not yet acknowledged, in memory only
}

// OpenPool checks the range and reads the leases from the store. inUse asks the
// segment whether somebody already has an address (ARP, RFC 5227) before it is
// offered; nil leaves that out.
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
	}
	for _, l := range leases {
		p.remember(l)
	}
	return p, nil
}

func (r Range) check() error {
	switch {
	case !r.First.Is4() || !r.Last.Is4() || r.Last.Less(r.First):
		return fmt.Errorf("dhcp: range %s to %s: give two IPv4 addresses, the lower one first", r.First, r.Last)
	case !r.Subnet.IsValid() || !r.Subnet.Contains(r.First) || !r.Subnet.Contains(r.Last):
		return fmt.Errorf("dhcp: range %s to %s is not inside subnet %s", r.First, r.Last, r.Subnet)
	case number(r.Last)-number(r.First) >= maxAddresses:
		return fmt.Errorf("dhcp: range %s to %s: at most %d addresses", r.First, r.Last, maxAddresses)
	}
	return nil
}

func (r Range) contains(a netip.Addr) bool {
	return a.Is4() && !a.Less(r.First) && !r.Last.Less(a)
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func (p *Pool) remember(l Lease) {
	p.byAddr[l.Address] = l
	if !l.Declined {
		p.byClient[l.Client] = l.Address
	}
}

// Offer picks an address for the client and holds it for half a minute: the one
// it has, else the one it wants if that is free, else the first free one (RFC 2131
// section 4.3.1). never is our own address.
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
	hold := func(a netip.Addr) Lease {
		l := Lease{Address: a, Client: client, MAC: mac, Expires: now.Add(offerTime)}
		p.offers[a] = l
		return l
	}
	if a, ok := p.byClient[client]; ok && !tried[a] && p.rng.contains(a) && p.free(a, client, now) {
		return hold(a), true, nil
	}
	for a, o := range p.offers {
		if o.Client == client && !tried[a] && p.free(a, client, now) {
			return hold(a), true, nil
		}
	}
	if p.rng.contains(wants) && !tried[wants] && p.free(wants, client, now) {
		return hold(wants), false, nil
	}
	for a := p.rng.First; p.rng.contains(a); a = a.Next() {
		if !tried[a] && p.free(a, client, now) {
			return hold(a), false, nil
		}
	}
	return Lease{}, false, errNoAddress
}

// free reports whether the client may have address a now.
func (p *Pool) free(a netip.Addr, client string, now time.Time) bool {
	if l, ok := p.byAddr[a]; ok && now.Before(l.Expires) && (l.Declined || l.Client != client) {
		return false
	}
	o, ok := p.offers[a]
	return !ok || o.Client == client || !now.Before(o.Expires)
}
