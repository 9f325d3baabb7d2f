package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"
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
	if err := replaceAddress(c, l, cfg); err != nil {
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

func replaceAddress(c *rtnetlink.Conn, l Link, cfg Config) error {
	ip := net.IP(cfg.Address.Addr().AsSlice())
	m := &rtnetlink.AddressMessage{
		Family: unix.AF_INET, PrefixLength: uint8(cfg.Address.Bits()), Scope: unix.RT_SCOPE_UNIVERSE, Index: uint32(l.Index),
		Attributes: &rtnetlink.AddressAttributes{Address: ip, Local: ip, Broadcast: broadcast(cfg.Address)},
	}
	if err := c.Address.New(m); !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
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
	ip := net.IP(address.Addr().AsSlice())
	err = c.Address.Delete(&rtnetlink.AddressMessage{Family: unix.AF_INET, PrefixLength: uint8(address.Bits()), Index: uint32(l.Index),
		Attributes: &rtnetlink.AddressAttributes{Address: ip, Local: ip}})
	if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
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
	tmp, err := os.CreateTemp(filepath.Dir(path), ".resolv-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(Resolv(cfg))
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp.Name(), path)
}
