package dhcp

import (
	"context"
	"fmt"
	"net/netip"
)

// Bind gives address a to the client for the range's lease time, durably; false
// when the client may not have it: also when another one is reserved for it, so
// that it comes to ask again.
func (p *Pool) Bind(ctx context.Context, client, mac string, a netip.Addr) (Lease, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if kept := p.reserved(mac, now); !p.free(a, client, mac, now) || kept.IsValid() && kept != a {
		return Lease{}, false, nil
	}
	l := Lease{Address: a, Client: client, MAC: mac, Expires: now.Add(p.rng.Lease)}
	if err := p.store.PutLease(ctx, l); err != nil {
		return Lease{}, false, fmt.Errorf("keep lease of %s: %w", a, err)
	}
	old, had := p.byClient[client]
	if taken, ok := p.byAddr[a]; ok && taken.Client != client {
		delete(p.byClient, taken.Client)
	}
	delete(p.offers, a)
	p.remember(l)
	if had && old != a {
		return l, true, p.drop(ctx, old)
	}
	return l, true, nil
}

// Release takes the address back from the client that holds it.
func (p *Pool) Release(ctx context.Context, client string, a netip.Addr) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l, ok := p.byAddr[a]; !ok || l.Client != client || l.Declined {
		return false, nil
	}
	delete(p.byClient, client)
	return true, p.drop(ctx, a)
}

// Decline keeps the address from everybody for a while, because the client found
// it in use (RFC 2131 section 4.3.3). Only the client that it was given or
// offered to is heard: others could empty the range.
func (p *Pool) Decline(ctx context.Context, client string, a netip.Addr) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, leased := p.byAddr[a]
	o, offered := p.offers[a]
	if !(leased && l.Client == client && !l.Declined) && !(offered && o.Client == client) {
		return nil
	}
	delete(p.offers, a)
	if p.byClient[client] == a {
		delete(p.byClient, client)
	}
	bad := Lease{Address: a, Client: client, Declined: true, Expires: p.now().Add(declineTime)}
	p.byAddr[a] = bad
	if err := p.store.PutLease(ctx, bad); err != nil {
		return fmt.Errorf("keep declined address %s: %w", a, err)
	}
	return nil
}

// Holds reports whether the client's lease of a is known.
func (p *Pool) Holds(client string, a netip.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.byAddr[a]
	return ok && !l.Declined && l.Client == client
}

// drop forgets address a. The caller holds the lock.
func (p *Pool) drop(ctx context.Context, a netip.Addr) error {
	delete(p.byAddr, a)
	if err := p.store.DeleteLease(ctx, a); err != nil {
		return fmt.Errorf("forget lease of %s: %w", a, err)
	}
	return nil
}
