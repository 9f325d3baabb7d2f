package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
)

// Lease is an address that a DHCP server lent us.
type Lease struct {
	Config
	Server   netip.Addr    // option 54
	Hostname string        // option 12, may be empty
	Obtained time.Time     // when it was acknowledged
	Duration time.Duration // option 51
	T1, T2   time.Duration // when to renew and to rebind, counted from Obtained (RFC 2131 §4.4.5)
	raw      *nclient4.Lease
}

// Options of a DHCP exchange. The zero value is usable.
type Options struct {
	Hostname string       // sent as option 12, if not empty
	Log      *slog.Logger // nil: silent
}

// resend is how long to wait for an answer before the first repetition; it doubles up to resendMost.
const (
	resend     = 2 * time.Second
	resendMost = 16 * time.Second
)

// oneTry leaves repeating to us: what the library calls retries are tries, and its time-out is ours by context.
func oneTry() []nclient4.ClientOpt {
	return []nclient4.ClientOpt{nclient4.WithTimeout(2 * resendMost), nclient4.WithRetry(1)}
}

// Acquire brings the link up and asks for an address until it gets one or ctx ends. Offers without an address, such
// as those of a proxyDHCP, are ignored. The address is not put on the link: that is Configure's.
func Acquire(ctx context.Context, name string, o Options) (Lease, error) {
	if err := ready(ctx, name); err != nil {
		return Lease{}, err
	}
	c, err := nclient4.New(name, oneTry()...)
	if err != nil {
		return Lease{}, fmt.Errorf("link %s: dhcp: %w", name, err)
	}
	defer c.Close()
	for wait := resend; ; wait = min(2*wait, resendMost) {
		again := time.Now().Add(wait)
		raw, err := o.ask(ctx, c, wait)
		if err == nil {
			return newLease(raw)
		}
		if !pause(ctx, time.Until(again)) {
			return Lease{}, fmt.Errorf("link %s: dhcp: no lease: %w", name, errors.Join(ctx.Err(), err))
		}
		o.log().Debug("dhcp: no lease yet", "link", name, "error", err)
	}
}

// ask does one DISCOVER, OFFER, REQUEST, ACK, waiting at most the given time for each answer.
func (o Options) ask(ctx context.Context, c *nclient4.Client, wait time.Duration) (*nclient4.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*wait)
	defer cancel()
	discover, err := dhcpv4.NewDiscovery(c.InterfaceAddr(), o.modifiers()...)
	if err != nil {
		return nil, err
	}
	offer, err := exchange(ctx, c, nclient4.DefaultServers, discover, wait, func(p *dhcpv4.DHCPv4) bool {
		return p.MessageType() == dhcpv4.MessageTypeOffer && !p.YourIPAddr.IsUnspecified() && p.ServerIdentifier() != nil
	})
	if err != nil {
		return nil, err
	}
	request, err := dhcpv4.NewRequestFromOffer(offer, o.modifiers()...)
	if err != nil {
		return nil, err
	}
	server := offer.ServerIdentifier()
	ack, err := exchange(ctx, c, nclient4.DefaultServers, request, wait, func(p *dhcpv4.DHCPv4) bool {
		t := p.MessageType()
		return (t == dhcpv4.MessageTypeAck || t == dhcpv4.MessageTypeNak) && server.Equal(p.ServerIdentifier())
	})
	if err != nil {
		return nil, err
	}
	if ack.MessageType() == dhcpv4.MessageTypeNak {
		return nil, &nclient4.ErrNak{Offer: offer, Nak: ack}
	}
	return &nclient4.Lease{Offer: offer, ACK: ack, CreationTime: time.Now()}, nil
}

// exchange sends once and waits for the first answer that fits; with several DHCP servers many do not.
func exchange(ctx context.Context, c *nclient4.Client, to *net.UDPAddr, p *dhcpv4.DHCPv4, wait time.Duration, fits nclient4.Matcher) (*dhcpv4.DHCPv4, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	answer, err := c.SendAndRead(ctx, to, p, fits)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.MessageType(), err)
	}
	return answer, nil
}

func (o Options) modifiers() []dhcpv4.Modifier {
	m := []dhcpv4.Modifier{
		dhcpv4.WithBroadcast(true), // the link has no address to receive unicast at
		dhcpv4.WithOption(dhcpv4.OptMaxMessageSize(nclient4.MaxMessageSize)),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionDomainName,
			dhcpv4.OptionDomainNameServer, dhcpv4.OptionDNSDomainSearchList, dhcpv4.OptionHostName),
	}
	if o.Hostname != "" {
		m = append(m, dhcpv4.WithOption(dhcpv4.OptHostName(o.Hostname)))
	}
	return m
}

func (o Options) log() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}

// newLease reads an ACK. An ACK without a usable address is an error; a missing mask is taken from the address class
// of old, a missing lease time is an hour, T1 and T2 are a half and seven eighths of the lease if not given.
func newLease(raw *nclient4.Lease) (Lease, error) {
	ack := raw.ACK
	address, ok := netip.AddrFromSlice(ack.YourIPAddr.To4())
	if !ok || address.IsUnspecified() {
		return Lease{}, errors.New("dhcp: acknowledgement without an address")
	}
	mask := ack.SubnetMask()
	if mask == nil {
		mask = net.IP(address.AsSlice()).DefaultMask()
	}
	bits, size := mask.Size()
	if size != 32 || bits == 0 {
		return Lease{}, fmt.Errorf("dhcp: subnet mask %v is none", mask)
	}
	l := Lease{Obtained: raw.CreationTime, raw: raw, Hostname: ack.HostName()}
	l.Address = netip.PrefixFrom(address, bits)
	l.Server, _ = netip.AddrFromSlice(ack.ServerIdentifier().To4())
	if routers := ack.Router(); len(routers) > 0 {
		l.Gateway, _ = netip.AddrFromSlice(routers[0].To4())
	}
	for _, ip := range ack.DNS() {
		if a, ok := netip.AddrFromSlice(ip.To4()); ok {
			l.DNS = append(l.DNS, a)
		}
	}
	if s := ack.DomainSearch(); s != nil && len(s.Labels) > 0 {
		l.Search = s.Labels
	} else if d := ack.DomainName(); d != "" {
		l.Search = []string{d}
	}
	l.Duration = max(ack.IPAddressLeaseTime(time.Hour), 30*time.Second)
	l.T1, l.T2 = ack.IPAddressRenewalTime(0), ack.IPAddressRebindingTime(0)
	if l.T1 <= 0 || l.T2 <= l.T1 || l.T2 >= l.Duration {
		l.T1, l.T2 = l.Duration/2, l.Duration/8*7
	}
	return l, nil
}
