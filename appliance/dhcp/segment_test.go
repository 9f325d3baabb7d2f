package dhcp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// start runs a server on the segment's box and returns it with its events so far.
func start(t *testing.T, s *Server) func() []Event {
	t.Helper()
	socks, err := Listen(nstest.Link)
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, s, socks)
}

func startOn(t *testing.T, s *Server, socks *Sockets) func() []Event {
	t.Helper()
	var mu sync.Mutex
	var events []Event
	s.Sockets, s.Log = socks, quiet
	s.Address = func() netip.Addr { return netip.MustParseAddr(nstest.BoxAddr) }
	s.Observe = func(e Event) { mu.Lock(); events = append(events, e); mu.Unlock() }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("server ended with %v", err)
		}
	})
	return func() []Event { mu.Lock(); defer mu.Unlock(); return append([]Event(nil), events...) }
}

// bootHandler offers a file to PXE clients as the boot decision does.
func bootHandler(_ context.Context, p Packet) Reply {
	if !strings.HasPrefix(p.Message.ClassIdentifier(), "PXEClient") {
		return Reply{}
	}
	t := dhcpv4.MessageTypeOffer
	if p.Message.MessageType() == dhcpv4.MessageTypeRequest {
		t = dhcpv4.MessageTypeAck
	}
	return Reply{Ours: true, Send: true, Type: t, NextServer: p.Server, File: "x/uki.efi", Options: []Option{
		{54, p.Server.AsSlice()}, {60, []byte("PXEClient")}, {43, []byte{6, 1, 8, 0xff}}}}
}

// client is a DHCP client on host "client" that may have no address: its socket is
// bound to the link, as a boot ROM's is.
type client struct {
	conn *net.UDPConn
	mac  net.HardwareAddr
}

func newClient(t *testing.T, seg *nstest.Segment, port int) *client {
	t.Helper()
	return newClientOn(t, seg, nstest.Link, port)
}

func newClientOn(t *testing.T, seg *nstest.Segment, link string, port int) *client {
	t.Helper()
	mac, _ := net.ParseMAC(nstest.ClientMAC)
	c := &client{mac: mac}
	seg.IP(t, "client", "route", "replace", "255.255.255.255/32", "dev", link)
	seg.Do(t, "client", func() {
		conn, err := bound(t.Context(), link, port)
		if err != nil {
			t.Error(err)
			return
		}
		c.conn = conn.(*net.UDPConn)
	})
	if c.conn == nil {
		t.FailNow()
	}
	t.Cleanup(func() { c.conn.Close() })
	return c
}

// bound opens a UDP port on one link, with leave to broadcast.
func bound(ctx context.Context, link string, port int) (net.PacketConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) {
			set = errors.Join(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1), unix.BindToDevice(int(fd), link))
		})
		return errors.Join(err, set)
	}}
	return lc.ListenPacket(ctx, "udp4", "0.0.0.0:"+strconv.Itoa(port))
}

// ask sends m and returns the answers with its transaction id that come within d, at
// most n.
func (c *client) ask(t *testing.T, m *dhcpv4.DHCPv4, to string, n int, d time.Duration) (answers []*dhcpv4.DHCPv4, from []netip.AddrPort) {
	t.Helper()
	if _, err := c.conn.WriteToUDPAddrPort(m.ToBytes(), netip.MustParseAddrPort(to)); err != nil {
		t.Fatal(err)
	}
	c.conn.SetReadDeadline(time.Now().Add(d))
	buf := make([]byte, 1500)
	for len(answers) < n {
		k, src, err := c.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if a, err := dhcpv4.FromBytes(buf[:k]); err == nil && a.TransactionID == m.TransactionID {
			answers, from = append(answers, a), append(from, src)
		}
	}
	return
}

func message(t *testing.T, mac net.HardwareAddr, kind dhcpv4.MessageType, mods ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(mac), dhcpv4.WithMessageType(kind), dhcpv4.WithBroadcast(true)}, mods...)...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var pxeClass = dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00007:UNDI:003001"))

// TestProxyBesideDnsmasq takes an address from a bare dnsmasq and boot fields from us.
func TestProxyBesideDnsmasq(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	dnsmasq(t, seg, "foreign")

	s := &Server{Handler: bootHandler}
	events := start(t, s)
	c := newClient(t, seg, clientPort)

	discover := message(t, c.mac, dhcpv4.MessageTypeDiscover, pxeClass)
	answers, from := c.ask(t, discover, "255.255.255.255:67", 2, 3*time.Second)
	var lease, boot *dhcpv4.DHCPv4
	for i, a := range answers {
		if a.YourIPAddr.IsUnspecified() {
			boot = a
			if from[i].String() != nstest.BoxAddr+":67" {
				t.Errorf("boot offer came from %s", from[i])
			}
		} else {
			lease = a
		}
	}
	if boot == nil || lease == nil {
		t.Fatalf("answers: %v", answers)
	}
	if boot.BootFileName != "x/uki.efi" || !boot.ServerIPAddr.Equal(net.ParseIP(nstest.BoxAddr)) || boot.MessageType() != dhcpv4.MessageTypeOffer {
		t.Errorf("boot offer: %s", boot.Summary())
	}
	if lease.BootFileName != "" {
		t.Errorf("the foreign server is not bare: %s", lease.Summary())
	}
	// The REQUEST to the foreign server is acknowledged by it alone.
	req, _ := dhcpv4.NewRequestFromOffer(lease, pxeClass)
	answers, from = c.ask(t, req, "255.255.255.255:67", 2, 700*time.Millisecond)
	if len(answers) != 1 || from[0].Addr().String() != nstest.ForeignAddr {
		t.Errorf("ACKs from %v", from)
	}
	if st := s.Stats(); st.Offers != 1 || st.Acks != 0 || st.Silent != 1 {
		t.Errorf("stats %+v", st)
	}
	// One worker may report the next packet before another has reported its answer.
	e := events()
	offered := slices.IndexFunc(e, func(e Event) bool { return e.Kind == Offered && e.File == "x/uki.efi" })
	taken := slices.IndexFunc(e, func(e Event) bool { return e.Kind == Requested && e.Has == addr4(lease.YourIPAddr) })
	if len(e) < 2 || e[0].Kind != Seen || offered < 0 || taken < 0 {
		t.Errorf("events %+v", e)
	}
	proxyPort(t, seg, s)
}

// proxyPort asks on 4011 as OVMF does, from port 4011; an ordinary client and noise get
// nothing.
func proxyPort(t *testing.T, seg *nstest.Segment, s *Server) {
	seg.IP(t, "client", "addr", "add", nstest.ClientAddr+"/24", "dev", nstest.Link)
	c := newClient(t, seg, ProxyPort)
	req := message(t, c.mac, dhcpv4.MessageTypeRequest, pxeClass, dhcpv4.WithClientIP(net.ParseIP(nstest.ClientAddr)))
	answers, from := c.ask(t, req, nstest.BoxAddr+":4011", 1, 2*time.Second)
	if len(answers) != 1 || from[0].String() != nstest.BoxAddr+":4011" || answers[0].MessageType() != dhcpv4.MessageTypeAck || answers[0].BootFileName != "x/uki.efi" {
		t.Errorf("4011: %v from %v", answers, from)
	}
	before := s.Stats()
	c.conn.WriteToUDPAddrPort([]byte("noise"), netip.MustParseAddrPort(nstest.BoxAddr+":67"))
	plain := message(t, c.mac, dhcpv4.MessageTypeDiscover)
	if answers, _ := c.ask(t, plain, nstest.BoxAddr+":67", 1, 200*time.Millisecond); len(answers) != 0 {
		t.Errorf("an ordinary client was answered: %v", answers)
	}
	if st := s.Stats(); st.Bad != before.Bad+1 || st.Foreign != before.Foreign+1 {
		t.Errorf("stats %+v", st)
	}
}

// waitFor reads until the words came, then goes on reading to nowhere.
func waitFor(t *testing.T, r io.Reader, words string) {
	t.Helper()
	ended := make(chan string, 1)
	go func() {
		var all strings.Builder
		buf := make([]byte, 512)
		for {
			n, err := r.Read(buf)
			all.Write(buf[:n])
			if strings.Contains(all.String(), words) {
				ended <- ""
				io.Copy(io.Discard, r)
				return
			}
			if err != nil {
				ended <- "it said: " + all.String()
				return
			}
		}
	}()
	select {
	case said := <-ended:
		if said != "" {
			t.Fatalf("the program ended before it said %q; %s", words, said)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("waited 10 s for %q", words)
	}
}

// TestDHCPMode goes through the life of a lease, with boot fields for PXE clients.
func TestDHCPMode(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	store := &memory{leases: map[netip.Addr]Lease{}}
	pool, err := OpenPool(t.Context(), Range{
		First: netip.MustParseAddr("192.168.77.100"), Last: netip.MustParseAddr("192.168.77.110"),
		Subnet: netip.MustParsePrefix(nstest.Subnet), Router: netip.MustParseAddr("192.168.77.254"),
		DNS: []netip.Addr{netip.MustParseAddr("192.168.77.53")},
	}, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Mode: DHCP, Leases: Pools{pool}, Handler: bootHandler}
	start(t, s)
	c := newClient(t, seg, clientPort)
	one := func(m *dhcpv4.DHCPv4) *dhcpv4.DHCPv4 {
		t.Helper()
		a, _ := c.ask(t, m, "255.255.255.255:67", 1, 2*time.Second)
		if len(a) != 1 {
			t.Fatalf("no answer to %s", m.MessageType())
		}
		return a[0]
	}
	offer := one(message(t, c.mac, dhcpv4.MessageTypeDiscover, pxeClass))
	if offer.YourIPAddr.String() != "192.168.77.100" || offer.BootFileName != "x/uki.efi" {
		t.Errorf("offer: %s", offer.Summary())
	}
	req, _ := dhcpv4.NewRequestFromOffer(offer, pxeClass)
	ack := one(req)
	if ack.MessageType() != dhcpv4.MessageTypeAck || ack.BootFileName != "x/uki.efi" || ack.Router()[0].String() != "192.168.77.254" || ack.DNS()[0].String() != "192.168.77.53" || ack.IPAddressLeaseTime(0) != DefaultLease {
		t.Errorf("ack: %s", ack.Summary())
	}
	if !pool.Holds(clientKey(req), netip.MustParseAddr("192.168.77.100")) {
		t.Error("the lease was not kept")
	}
	nak := one(message(t, c.mac, dhcpv4.MessageTypeRequest, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IP{192, 168, 99, 1}))))
	if nak.MessageType() != dhcpv4.MessageTypeNak {
		t.Errorf("want a NAK: %s", nak.Summary())
	}
	other := message(t, c.mac, dhcpv4.MessageTypeRequest, dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IP{192, 168, 77, 9})))
	if a, _ := c.ask(t, other, "255.255.255.255:67", 1, 200*time.Millisecond); len(a) != 0 {
		t.Error("answered a REQUEST to another server")
	}
	plain := one(message(t, net.HardwareAddr{2, 0, 0, 0, 0, 9}, dhcpv4.MessageTypeDiscover))
	if plain.BootFileName != "" || plain.YourIPAddr.String() != "192.168.77.101" {
		t.Errorf("ordinary client: %s", plain.Summary())
	}
}

func TestListenSaysWhoHoldsThePort(t *testing.T) {
	if nstest.Enter(t) == nil {
		return
	}
	a, err := Listen(nstest.Link)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := Listen(nstest.Link); err == nil || !strings.Contains(err.Error(), "held by another program") {
		t.Errorf("second server: %v", err)
	}
	if _, err := Listen("nosuch0"); err == nil || !strings.Contains(err.Error(), "nosuch0") {
		t.Errorf("unknown interface: %v", err)
	}
}

// TestLinkTakesNothing: answers into a link that takes none are given up at once, as
// broadcast and as unicast, and the port closes.
func TestLinkTakesNothing(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	seg.IP(t, "box", "neigh", "replace", nstest.ClientAddr, "lladdr", nstest.ClientMAC, "dev", nstest.Link)
	if out, err := seg.Command(t, "box", "tc", "qdisc", "add", "dev", nstest.Link, "root", "tbf", "rate", "8bit", "burst", "1540", "limit", "100mb").CombinedOutput(); err != nil {
		t.Fatalf("tc: %v: %s", err, out)
	}
	for _, to := range []netip.Addr{broadcast, netip.MustParseAddr(nstest.ClientAddr)} {
		p, err := listen(nstest.Link, 0)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			var err error
			for range 10_000 { // more than any buffer for sending holds
				if err = p.send(make([]byte, Headers+500), netip.MustParseAddr(nstest.BoxAddr), netip.AddrPortFrom(to, clientPort)); err != nil {
					break
				}
			}
			ended <- errors.Join(err, p.Close())
		}()
		select {
		case err := <-ended:
			if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.ENOBUFS) {
				t.Errorf("to %s: %v", to, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("to %s: it waits for the link", to)
		}
	}
}
