package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/internal/durable"
)

// Config is an IPv4 configuration of one link, given by hand or by a lease.
type Config struct {
	Address netip.Prefix // address with the length of its network, such as 192.0.2.7/24
	Gateway netip.Addr   // default route; the zero value means none
	DNS     []netip.Addr // name servers, best first
	Search  []string     // domains
}

// Configure brings the link up, puts the address on it and, if there is a gateway, the default route. An address that
// is there already is fine, other addresses stay; the default route of this link is replaced. Name servers are
// left to WriteResolv.
func Configure(ctx context.Context, name string, cfg Config) error {
	if !cfg.Address.IsValid() || !cfg.Address.Addr().Is4() {
		return fmt.Errorf("link %s: configure: %v is no IPv4 address with its network", name, cfg.Address)
	}
	if err := Up(ctx, name); err != nil {
		return err
	}
	l, err := Find(ctx, name)
	if err != nil {
		return err
	}
	c, err := dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Address.New(addressOn(l, cfg.Address)); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("link %s: address %v: %w", name, cfg.Address, err)
	}
	if !cfg.Gateway.IsValid() {
		return nil
	}
	err = c.Route.Replace(&rtnetlink.RouteMessage{
		Family: unix.AF_INET, Table: unix.RT_TABLE_MAIN, Protocol: unix.RTPROT_BOOT, Scope: unix.RT_SCOPE_UNIVERSE, Type: unix.RTN_UNICAST,
		Attributes: rtnetlink.RouteAttributes{Gateway: cfg.Gateway.AsSlice(), OutIface: uint32(l.Index)},
	})
	if err != nil {
		return fmt.Errorf("link %s: default route through %v: %w", name, cfg.Gateway, err)
	}
	return nil
}

// addressOn is the message that adds or removes an address.
func addressOn(l Link, p netip.Prefix) *rtnetlink.AddressMessage {
	ip := net.IP(p.Addr().AsSlice())
	return &rtnetlink.AddressMessage{
		Family: unix.AF_INET, PrefixLength: uint8(p.Bits()), Scope: unix.RT_SCOPE_UNIVERSE, Index: uint32(l.Index),
		Attributes: &rtnetlink.AddressAttributes{Address: ip, Local: ip, Broadcast: broadcast(p)},
	}
}

// Remove takes an address off a link; one that is not there is no error.
func Remove(ctx context.Context, name string, address netip.Prefix) error {
	l, err := Find(ctx, name)
	if err != nil {
		return err
	}
	c, err := dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Address.Delete(addressOn(l, address)); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("link %s: remove %v: %w", name, address, err)
	}
	return nil
}

func broadcast(p netip.Prefix) net.IP {
	b := p.Addr().As4()
	for n := p.Bits(); n < 32; n++ {
		b[n/8] |= 0x80 >> (n % 8)
	}
	return b[:]
}

// Resolv is the text of a resolv.conf (resolv.conf(5)): at most three servers count.
func Resolv(cfg Config) string {
	var b strings.Builder
	if len(cfg.Search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(cfg.Search, " "))
	}
	for _, s := range cfg.DNS[:min(3, len(cfg.DNS))] {
		fmt.Fprintf(&b, "nameserver %v\n", s)
	}
	return b.String()
}

// WriteResolv writes a resolv.conf in one step; path is usually /etc/resolv.conf.
func WriteResolv(path string, cfg Config) error {
	return durable.Write(path, []byte(Resolv(cfg)), 0o644)
}
