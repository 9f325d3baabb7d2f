package network

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/network/nstest"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

func TestSource(t *testing.T) {
	addr := func(link int, p string, scope uint8, secondary bool) Address {
		return Address{Link: link, Prefix: netip.MustParsePrefix(p), Scope: scope, Secondary: secondary}
	}
	s := Snapshot{
		Links: []Link{{Index: 1, Name: "lo"}, {Index: 2, Name: "eth0"}, {Index: 3, Name: "eth1"}},
		Addresses: []Address{
			addr(2, "169.254.3.4/16", unix.RT_SCOPE_LINK, false), addr(2, "192.168.77.2/24", 0, true),
			addr(2, "192.168.77.1/24", 0, false), addr(2, "10.0.0.1/8", 0, false), addr(2, "fd00::1/64", 0, false),
		},
	}
	for _, tc := range []struct{ name, link, peer, want string }{
		{"primary before secondary and link-local", "eth0", "", "192.168.77.1"},
		{"the peer's subnet", "eth0", "10.2.3.4", "10.0.0.1"},
		{"a link-local peer", "eth0", "169.254.9.9", "169.254.3.4"},
		{"a relay elsewhere", "eth0", "172.16.0.1", "192.168.77.1"},
		{"no address", "eth1", "", "invalid IP"},
		{"no such link", "eth9", "", "invalid IP"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var peer netip.Addr
			if tc.peer != "" {
				peer = netip.MustParseAddr(tc.peer)
			}
			if got := s.Source(tc.link, peer).String(); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// TestSegment reads and watches a real segment, probes addresses on it and answers a
// router solicitation.
// gateways: the default route of the link, the preferred one of two.
func gateways(t *testing.T, seg *nstest.Segment) {
	t.Helper()
	want := func(w string) {
		t.Helper()
		if g, err := Gateway(nstest.Link); err != nil || g.IsValid() != (w != "") || w != "" && g.String() != w {
			t.Errorf("gateway %s %v, want %s", g, err, w)
		}
	}
	want("")
	seg.IP(t, "box", "route", "add", "10.0.0.0/8", "via", nstest.ClientAddr)
	want("")
	seg.IP(t, "box", "route", "add", "default", "via", nstest.ClientAddr, "metric", "200")
	want(nstest.ClientAddr)
	seg.IP(t, "box", "route", "add", "default", "via", nstest.ForeignAddr, "metric", "100")
	want(nstest.ForeignAddr)
	for _, to := range []string{"10.0.0.0/8", "default", "default"} {
		seg.IP(t, "box", "route", "del", to)
	}
	if g, err := Gateway("eth9"); err == nil {
		t.Errorf("a link that is not there has gateway %s", g)
	}
}

func TestSegment(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	changes := make(chan Snapshot, 10)
	w, err := Watch(func(_, after Snapshot) { changes <- after })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()

	l, ok := w.State().Link(nstest.Link)
	if !ok || !l.Up || !l.Carrier || l.MTU != 1500 || len(l.MAC) != 6 {
		t.Errorf("link %+v", l)
	}
	if a := w.Source(nstest.Link)().String(); a != nstest.BoxAddr {
		t.Errorf("answers come from %s", a)
	}
	gateways(t, seg)
	probes(t)
	advertises(t, seg, l.MAC)

	seg.IP(t, "box", "addr", "flush", "dev", nstest.Link, "scope", "global")
	await(t, changes, func(s Snapshot) bool { return !s.Source(nstest.Link, netip.Addr{}).IsValid() })
	seg.IP(t, "box", "addr", "add", "10.9.8.7/24", "dev", nstest.Link)
	await(t, changes, func(s Snapshot) bool { return s.Source(nstest.Link, netip.Addr{}).String() == "10.9.8.7" })
	seg.IP(t, "box", "link", "set", nstest.Link, "down")
	await(t, changes, func(s Snapshot) bool { l, _ := s.Link(nstest.Link); return !l.Up })
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("watcher ended with %v", err)
	}
}

func await(t *testing.T, changes chan Snapshot, is func(Snapshot) bool) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		select {
		case s := <-changes:
			if is(s) {
				return
			}
		case <-deadline:
			t.Fatal("the change was not reported in 5 s")
		}
	}
}

func probes(t *testing.T) {
	t.Helper()
	for a, want := range map[string]bool{nstest.ForeignAddr: true, "192.168.77.200": false, nstest.BoxAddr: false} {
		got, err := InUse(t.Context(), nstest.Link, netip.MustParseAddr(a))
		if err != nil || got != want {
			t.Errorf("%s in use: %v, %v; want %v", a, got, err, want)
		}
		if a == nstest.BoxAddr {
			continue
		}
		if got, err := Answers(t.Context(), netip.MustParseAddr(a)); err != nil || got != want {
			t.Errorf("%s answers: %v, %v; want %v", a, got, err, want)
		}
	}
	c, err := net.Dial("udp4", nstest.ForeignAddr+":9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write([]byte("who are you"))
	c.SetReadDeadline(time.Now().Add(3 * time.Second))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("the neighbour did not refuse: %v", err)
	}
	s, err := Read()
	if err != nil || s.MAC(netip.MustParseAddr(nstest.ForeignAddr)) == nil {
		t.Errorf("neighbours %v, %v", s.Neighbours, err)
	}
}

// advertises solicits as iPXE does and waits for the advertisement.
func advertises(t *testing.T, seg *nstest.Segment, mac net.HardwareAddr) {
	t.Helper()
	a := &Advertiser{Interface: nstest.Link, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if err := a.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("advertiser ended with %v", err)
		}
	}()
	var c *ipv6.PacketConn
	seg.Do(t, "client", func() {
		raw, err := net.ListenPacket("ip6:ipv6-icmp", "::")
		if err != nil {
			t.Error(err)
			return
		}
		c = ipv6.NewPacketConn(raw)
		i, _ := net.InterfaceByName(nstest.Link)
		c.SetMulticastInterface(i)
		c.SetMulticastHopLimit(hopLimit)
		c.SetControlMessage(ipv6.FlagHopLimit, true)
		var f ipv6.ICMPFilter
		f.SetAll(true)
		f.Accept(ipv6.ICMPTypeRouterAdvertisement)
		c.SetICMPFilter(&f)
	})
	if c == nil {
		t.FailNow()
	}
	defer c.Close()
	buf := make([]byte, 200)
	// The links' own addresses are being proven unique for the first second or two.
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); {
		c.WriteTo([]byte{133, 0, 0, 0, 0, 0, 0, 0}, nil, &net.IPAddr{IP: allRouters, Zone: nstest.Link})
		c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		n, control, from, err := c.ReadFrom(buf)
		if err != nil {
			continue
		}
		b := buf[:n]
		if n != 24 || b[4] != 64 || b[6] != 0 || b[7] != 0 || b[16] != 1 || string(b[18:24]) != string(mac) {
			t.Errorf("advertisement % x", b)
		}
		if control.HopLimit != hopLimit || !strings.HasPrefix(from.String(), "fe80:") {
			t.Errorf("hop limit %d from %v", control.HopLimit, from)
		}
		return
	}
	t.Error("no advertisement in 8 s")
}

func TestAdvertisement(t *testing.T) {
	got := Advertisement(net.HardwareAddr{2, 0, 0, 0, 0, 1})
	want := []byte{134, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 1}
	if string(got) != string(want) {
		t.Errorf("got  % x\nwant % x", got, want)
	}
}

func TestListenSaysWhatIsWrong(t *testing.T) {
	if err := (&Advertiser{Interface: "nosuch0"}).Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "nosuch0") {
		t.Errorf("got %v", err)
	}
}

func FuzzClaims(f *testing.F) {
	own := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	a := netip.MustParseAddr("192.168.77.9")
	f.Add(arpProbe(own, a))
	f.Fuzz(func(t *testing.T, b []byte) {
		if claims(b, own, a) && len(b) < arpLength {
			t.Fatal("a short packet was read")
		}
		solicitation(b, nil)
	})
}
