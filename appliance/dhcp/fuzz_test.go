package dhcp

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// checker is a socket that holds each answer against what every answer must be.
type checker struct {
	t  *testing.T
	to []netip.AddrPort
}

func (c *checker) send(b []byte, _ netip.Addr, to netip.AddrPort) error {
	b = b[Headers:]
	m, err := dhcpv4.FromBytes(b)
	switch {
	case err != nil:
		c.t.Errorf("an answer does not parse: %v: %x", err, b)
	case m.OpCode != dhcpv4.OpcodeBootReply || m.MessageType() == dhcpv4.MessageTypeNone:
		c.t.Errorf("an answer is none: %s", m.Summary())
	case !to.IsValid() || to.Addr().IsUnspecified():
		c.t.Errorf("an answer to nowhere: %s", to)
	}
	c.to = append(c.to, to)
	return nil
}

// fuzzServer answers without sockets.
func fuzzServer(t *testing.T, mode Mode) *Server {
	m := &memory{leases: map[netip.Addr]Lease{}}
	s := &Server{Mode: mode, Sockets: &Sockets{}, Log: quiet, Handler: bootHandler, Address: func() netip.Addr { return netip.MustParseAddr("192.168.77.1") }}
	if mode == DHCP {
		s.Leases = Pools{openPool(t, m, nil), relayedPool(t, m)}
	}
	return s
}

// questions are client messages of each kind, as seeds.
func questions(f *testing.F) (all [][]byte) {
	for _, kind := range []dhcpv4.MessageType{dhcpv4.MessageTypeDiscover, dhcpv4.MessageTypeRequest, dhcpv4.MessageTypeDecline, dhcpv4.MessageTypeRelease, dhcpv4.MessageTypeInform} {
		for _, mod := range []dhcpv4.Modifier{pxeClass, dhcpv4.WithClientIP(net.IP{192, 168, 77, 100}), dhcpv4.WithGatewayIP(net.IP{10, 78, 0, 1}),
			dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IP{192, 168, 77, 100})),
			dhcpv4.WithOption(dhcpv4.OptRelayAgentInfo(dhcpv4.OptGeneric(dhcpv4.LinkSelectionSubOption, []byte{10, 78, 0, 0})))} {
			m, err := dhcpv4.New(dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 0, 0, 1}), dhcpv4.WithMessageType(kind), mod)
			if err != nil {
				f.Fatal(err)
			}
			all = append(all, m.ToBytes())
		}
	}
	return all
}

// FuzzServe gives the server two datagrams, in both modes and on both ports: it never
// panics, drops and counts what it cannot read, answers a datagram once at most, and
// every answer parses again.
func FuzzServe(f *testing.F) {
	for _, b := range questions(f) {
		f.Add(b, b, uint16(68))
		f.Add(b[:len(b)/2], append(b, make([]byte, 2*maxMessage)...), uint16(0))
	}
	f.Fuzz(func(t *testing.T, one, two []byte, source uint16) {
		from := netip.AddrPortFrom(netip.MustParseAddr("192.168.77.50"), source)
		for _, mode := range []Mode{Proxy, DHCP} {
			s, x := fuzzServer(t, mode), newExchange(nil)
			for _, b := range [][]byte{one, two} {
				for _, port := range []uint16{ServerPort, ProxyPort} {
					c := &checker{t: t}
					x.conn = c
					p, ok := s.parse(&x.message, b, from, port)
					if ok != (s.Stats().Bad == 0) {
						t.Fatalf("parsed: %t, stats %+v", ok, s.Stats())
					}
					if ok {
						s.serve(context.Background(), x, p)
					}
					if len(c.to) > 1 {
						t.Errorf("one datagram was answered to %v", c.to)
					}
					s.count = counters{}
				}
			}
		}
	})
}

// FuzzForeign: whatever a server sends, it is described for a console: printable, and
// not longer than a screen.
func FuzzForeign(f *testing.F) {
	for _, mod := range []dhcpv4.Modifier{option(60, "PXEClient"), option(67, "wrong.0\x00"), option(43, "\x06\x01\x03\x08\x07\x80\x00\x01\x0a\x00\x00\x01\xff"), option(66, "\x1b[2J")} {
		f.Add(foreignOffer(mod).ToBytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := dhcpv4.FromBytes(b)
		if err != nil {
			return
		}
		for _, words := range Foreign(m) {
			if strings.ContainsFunc(words, func(r rune) bool { return r < ' ' || r > '~' }) || len(words) > 400 {
				t.Errorf("said %q", words)
			}
		}
	})
}

// TestBadInputIsCounted: each is dropped and counted, none is answered.
func TestBadInputIsCounted(t *testing.T) {
	good := message(t, net.HardwareAddr{2, 0, 0, 0, 0, 1}, dhcpv4.MessageTypeDiscover, pxeClass)
	with := func(mods ...dhcpv4.Modifier) []byte {
		m, err := dhcpv4.FromBytes(good.ToBytes())
		if err != nil {
			t.Fatal(err)
		}
		for _, mod := range mods {
			mod(m)
		}
		return m.ToBytes()
	}
	for name, b := range map[string][]byte{
		"empty": nil, "noise": []byte("noise"), "cut": good.ToBytes()[:200],
		"without an end":     good.ToBytes()[:244],
		"giant":              with(option(224, string(make([]byte, maxMessage)))),
		"a reply":            with(func(m *dhcpv4.DHCPv4) { m.OpCode = dhcpv4.OpcodeBootReply }),
		"not Ethernet":       with(func(m *dhcpv4.DHCPv4) { m.HWType = 7 }),
		"no Ethernet length": with(func(m *dhcpv4.DHCPv4) { m.ClientHWAddr = m.ClientHWAddr[:4] }),
	} {
		s := fuzzServer(t, Proxy)
		if _, ok := s.parse(new(dhcpv4.DHCPv4), b, netip.AddrPort{}, ServerPort); ok || s.Stats().Bad != 1 {
			t.Errorf("%s was taken, stats %+v", name, s.Stats())
		}
	}
}

// TestLogIsLimited: a flood of good questions is answered, but not logged without end.
func TestLogIsLimited(t *testing.T) {
	s := fuzzServer(t, Proxy)
	m := message(t, net.HardwareAddr{2, 0, 0, 0, 0, 1}, dhcpv4.MessageTypeDiscover, pxeClass)
	const flood = 20 * linesAtOnce
	x := newExchange(&checker{t: t})
	for i := range flood {
		m.TransactionID = dhcpv4.TransactionID{byte(i >> 16), byte(i >> 8), byte(i)}
		p, ok := s.parse(&x.message, m.ToBytes(), netip.AddrPort{}, ServerPort)
		if !ok {
			t.Fatal("not parsed")
		}
		s.serve(t.Context(), x, p)
	}
	if st := s.Stats(); st.Offers != flood || st.Unlogged == 0 || st.Unlogged > flood-linesAtOnce {
		t.Errorf("stats %+v", st)
	}
}
