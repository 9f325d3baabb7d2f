package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"golang.org/x/sys/unix"
)

// segment is two network namespaces joined by a cable: the test's thread stands in one, servers run in the other.
type segment struct {
	peer string // name of the other namespace
}

// onSegment runs the test's goroutine, on a thread of its own, at one end of a fresh segment.
func onSegment(t *testing.T) segment {
	t.Helper()
	id := fmt.Sprintf("bw%d", os.Getpid()%10000)
	here, peer := id+"h", id+"p"
	sh(t, "ip", "netns", "add", here)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", here).Run() })
	sh(t, "ip", "netns", "add", peer)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", peer).Run() })
	sh(t, "ip", "link", "add", "eth0", "netns", here, "type", "veth", "peer", "name", "srv0", "netns", peer)
	sh(t, "ip", "-n", peer, "addr", "add", "192.0.2.1/24", "dev", "srv0")
	sh(t, "ip", "-n", peer, "link", "set", "srv0", "up")
	sh(t, "ip", "-n", peer, "link", "set", "lo", "up")
	enter(t, here)
	return segment{peer}
}

// enter moves this goroutine's thread into a namespace; the thread is never given back.
func enter(t *testing.T, name string) {
	runtime.LockOSThread()
	f, err := os.Open("/run/netns/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
}

func sh(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// dnsmasq serves leases of two minutes, the shortest that it knows.
func (s segment) dnsmasq(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ip", "netns", "exec", s.peer, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
		"--port=0", "--interface=srv0", "--bind-interfaces", "--no-ping", "--dhcp-authoritative", "--dhcp-range=192.0.2.50,192.0.2.60,2m",
		"--dhcp-option=3,192.0.2.1", "--dhcp-option=6,192.0.2.2,192.0.2.3", "--dhcp-option=15,ward.example",
		"--dhcp-leasefile="+filepath.Join(t.TempDir(), "leases"))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	if err := cmd.Start(); err != nil {
		t.Fatalf("dnsmasq: %v: run scripts/deps", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("dnsmasq: %s", log.String())
		}
	})
}

func TestLinksAndStaticConfiguration(t *testing.T) {
	onSegment(t)
	ctx := t.Context()
	if err := Up(ctx, "lo"); err != nil {
		t.Fatal(err)
	}
	if err := Up(ctx, "nope"); !errors.Is(err, ErrNoLink) || !strings.Contains(err.Error(), "eth0") {
		t.Errorf("unknown link: %v", err)
	}
	cfg := Config{Address: netip.MustParsePrefix("192.0.2.7/24"), Gateway: netip.MustParseAddr("192.0.2.1")}
	for range 2 { // a second time changes nothing
		if err := Configure(ctx, "eth0", cfg); err != nil {
			t.Fatal(err)
		}
	}
	waitCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := WaitCarrier(waitCtx, "eth0"); err != nil {
		t.Fatal(err)
	}
	links, err := WaitLink(waitCtx)
	if err != nil || len(links) != 1 || !links[0].Up || len(links[0].MAC) != 6 {
		t.Fatalf("links %+v, %v", links, err)
	}
	if out := sh(t, "ip", "-4", "route"); !strings.Contains(out, "default via 192.0.2.1 dev eth0") {
		t.Errorf("routes: %s", out)
	}
	if out := sh(t, "ip", "-4", "addr", "show", "eth0"); strings.Count(out, "inet 192.0.2.7/24 brd 192.0.2.255") != 1 {
		t.Errorf("addresses: %s", out)
	}
	if err := Remove(ctx, "eth0", cfg.Address); err != nil {
		t.Fatal(err)
	}
	if err := Remove(ctx, "eth0", cfg.Address); err != nil {
		t.Errorf("second removal: %v", err)
	}
	if err := Configure(ctx, "eth0", Config{}); err == nil {
		t.Error("no address: accepted")
	}
}

// TestLeaseAndRenewal has dnsmasq lend an address and renew it.
func TestLeaseAndRenewal(t *testing.T) {
	s := onSegment(t)
	s.dnsmasq(t)
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
	defer cancel()
	var leases []Lease
	c := &Client{Link: "eth0", early: 59 * time.Second, Changed: func(l Lease) {
		if leases = append(leases, l); len(leases) == 3 {
			cancel()
		}
	}}
	if err := c.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if len(leases) != 3 {
		t.Fatalf("%d leases before the deadline: %+v", len(leases), leases)
	}
	l := leases[2]
	if l.Address != leases[0].Address || !l.Obtained.After(leases[0].Obtained) || l.Address.Bits() != 24 {
		t.Errorf("renewed %+v, first %+v", l, leases[0])
	}
	if l.Gateway.String() != "192.0.2.1" || len(l.DNS) != 2 || l.Server.String() != "192.0.2.1" || l.Duration != 2*time.Minute || l.T1 > time.Minute || l.T1 >= l.T2 {
		t.Errorf("lease %+v", l)
	}
	if out := sh(t, "ip", "-4", "addr", "show", "eth0"); !strings.Contains(out, l.Address.String()) {
		t.Errorf("addresses: %s", out)
	}
	if got := Resolv(l.Config); got != "search ward.example\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n" {
		t.Errorf("resolv.conf %q", got)
	}
}

// box answers agents as a proxyDHCP would, and every other DISCOVER with an offer without an address.
func (s segment) box(t *testing.T, port, answers int) {
	t.Helper()
	opened := make(chan net.PacketConn)
	go func() {
		runtime.LockOSThread()
		f, err := os.Open("/run/netns/" + s.peer)
		if err != nil {
			close(opened)
			return
		}
		defer f.Close()
		if unix.Setns(int(f.Fd()), unix.CLONE_NEWNET) != nil {
			close(opened)
			return
		}
		conn, err := nclient4.NewRawUDPConn("srv0", port)
		if err != nil {
			close(opened)
			return
		}
		opened <- conn
		buf := make([]byte, 1500)
		for {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if p, err := dhcpv4.FromBytes(buf[:n]); err == nil && p.MessageType() == dhcpv4.MessageTypeDiscover {
				if answers--; answers < 0 {
					_, _ = conn.WriteTo(boxOffer(p).ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: dhcpv4.ClientPort})
				}
			}
		}
	}()
	conn, ok := <-opened
	if !ok {
		t.Fatal("no box on the segment")
	}
	t.Cleanup(func() { conn.Close() })
}

func boxOffer(p *dhcpv4.DHCPv4) *dhcpv4.DHCPv4 {
	offer, err := dhcpv4.NewReplyFromRequest(p, dhcpv4.WithMessageType(dhcpv4.MessageTypeOffer), dhcpv4.WithServerIP(net.IPv4(192, 0, 2, 9)),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(192, 0, 2, 9))))
	if err != nil {
		panic(err)
	}
	if p.ClassIdentifier() == AgentClass && len(p.GetOneOption(dhcpv4.OptionClientMachineIdentifier)) == uuidOptionLen {
		offer.UpdateOption(dhcpv4.OptClassIdentifier(AgentClass))
		offer.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionVendorSpecificInformation, []byte("\x01\x05WARD7\x02\x03CEN\xff")))
	}
	return offer
}

// TestDiscoverBox finds the box beside dnsmasq, whose offers it must ignore, after a first packet that is lost; and a
// lease is taken beside the box's offers, which carry no address.
func TestDiscoverBox(t *testing.T) {
	s := onSegment(t)
	s.dnsmasq(t)
	s.box(t, dhcpv4.ServerPort, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := DiscoverBox(ctx, "eth0")
	if want := (Box{netip.MustParseAddr("192.0.2.9"), "WARD7", "CEN"}); err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
	l, err := Acquire(ctx, "eth0", Options{Hostname: "t"})
	if err != nil || l.Server.String() != "192.0.2.1" {
		t.Fatalf("lease %+v, %v", l, err)
	}
}

// TestDiscoverBoxBesideServerOfItsHost: the box has port 4011 alone.
func TestDiscoverBoxBesideServerOfItsHost(t *testing.T) {
	s := onSegment(t)
	s.dnsmasq(t)
	s.box(t, proxyServers.Port, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if got, err := DiscoverBox(ctx, "eth0"); err != nil || got.ID != "WARD7" {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	onSegment(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := DiscoverBox(ctx, "eth0"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("box: %v", err)
	}
	if _, err := Acquire(ctx, "eth0", Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("lease: %v", err)
	}
}

func TestMachineUUID(t *testing.T) {
	file := filepath.Join(t.TempDir(), "uuid")
	if err := os.WriteFile(file, []byte("00112233-4455-6677-8899-aabbccddeeff\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := "\x00\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff"
	if got := string(machineUUID(file)); got != want {
		t.Errorf("got %x", got)
	}
	if got := machineUUID(file + "x"); len(got) != uuidOptionLen {
		t.Errorf("absent: %x", got)
	}
}

func TestNextAttempt(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, c := range []struct{ t2, end, want time.Duration }{
		{100 * time.Second, 200 * time.Second, 50 * time.Second},
		{-time.Second, 200 * time.Second, 100 * time.Second},
		{-time.Second, 2 * time.Second, renewPause},
	} {
		if got := nextAttempt(now, now.Add(c.t2), now.Add(c.end)).Sub(now); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestWriteResolv(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	dns := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3"), netip.MustParseAddr("192.0.2.4")}
	if err := WriteResolv(file, Config{DNS: dns}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil || strings.Count(string(raw), "nameserver") != 3 {
		t.Errorf("%q, %v", raw, err)
	}
}

func FuzzOffer(f *testing.F) {
	p, err := dhcpv4.NewDiscovery(net.HardwareAddr{2, 0, 0, 0, 0, 1}, dhcpv4.WithOption(dhcpv4.OptClassIdentifier(AgentClass)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(boxOffer(p).ToBytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := dhcpv4.FromBytes(raw)
		if err != nil {
			return
		}
		if b, ok := parseBox(p); ok && (!b.Address.Is4() || b.ID == "") {
			t.Fatalf("accepted %+v", b)
		}
		if l, err := newLease(&nclient4.Lease{ACK: p, CreationTime: time.Unix(0, 0)}); err == nil && (!l.Address.IsValid() || l.T1 > l.Duration) {
			t.Fatalf("accepted %+v", l)
		}
	})
}
