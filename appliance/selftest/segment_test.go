package selftest

import (
	"bufio"
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mdlayher/packet"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/network"
	"github.com/bootward/bootward/appliance/network/nstest"
)

// here is the box's side of the segment.
type here struct {
	t *testing.T
	l []string
}

func (h here) Interfaces() []string       { return slices.Clone(h.l) }
func (h here) GivesAddresses(string) bool { return false }
func (h here) Known() []string            { return nil }
func (h here) Network() network.Snapshot {
	s, err := network.Read()
	if err != nil {
		h.t.Error(err)
	}
	return s
}

// dnsmasq runs on a host until stop, and has bound its sockets when this returns.
func dnsmasq(t *testing.T, s *nstest.Segment, host string, options ...string) (stop func()) {
	t.Helper()
	c := s.Command(t, host, "dnsmasq", append([]string{"--conf-file=/dev/null", "--no-daemon", "--port=0", "--interface=" + nstest.Link, "--bind-interfaces",
		"--leasefile-ro", "--no-ping", "--user=root", "--log-facility=-", "--log-dhcp"}, options...)...)
	out, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	stop = func() { c.Process.Kill(); c.Wait() }
	t.Cleanup(stop)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "sockets bound") {
			go func() { // or it stops when the pipe is full
				for lines.Scan() {
				}
			}()
			return stop
		}
	}
	t.Fatalf("dnsmasq on %s did not start", host)
	return nil
}

// run runs a watcher whose news come by the channels.
func run(t *testing.T, w *Watcher) (appeared, gone chan Rival) {
	t.Helper()
	appeared, gone = make(chan Rival, 100), make(chan Rival, 100)
	w.Appeared, w.Gone = func(r Rival) { appeared <- r }, func(r Rival) { gone <- r }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the watcher ended with %v", err)
		}
	})
	return appeared, gone
}

func take[T any](t *testing.T, from <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(20 * time.Second):
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}

// TestSecondPXEServer: one that appears later is reported by the next question that
// it answers, once, and counts as gone ten minutes after its last answer.
func TestSecondPXEServer(t *testing.T) {
	s := nstest.Enter(t)
	if s == nil {
		return
	}
	if 2*WatchEvery >= time.Minute {
		t.Errorf("two questions do not fit into a minute: %s", WatchEvery)
	}
	clock := make(chan time.Time, 1)
	clock <- time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	now := func() time.Time { at := <-clock; clock <- at; return at }
	w := &Watcher{Interface: nstest.Link, Network: func() network.Snapshot { return network.Snapshot{} }, Known: func() []string { return nil }, Rivals: &Rivals{}, Now: now, Every: 100 * time.Millisecond}
	appeared, gone := run(t, w)

	dnsmasq(t, s, "foreign", "--dhcp-range=192.168.77.100,192.168.77.110,1h")
	s.IP(t, "client", "addr", "add", nstest.ClientAddr+"/24", "dev", nstest.Link)
	stop := dnsmasq(t, s, "client", "--dhcp-range=192.168.77.0,proxy", "--pxe-service=x86PC,Other,other", "--pxe-service=x86-64_EFI,Other,other.efi")
	r := take(t, appeared, "the second PXE server")
	if r.Server.String() != nstest.ClientAddr || r.MAC != nstest.ClientMAC || r.Class != "PXEClient" || !strings.HasPrefix(r.String(), "another PXE server answers on eth0: 192.168.77.50 (MAC 52:54:00:00:00:50;") {
		t.Errorf("reported: %s", r)
	}
	// The test sees it too, and the plain server beside it.
	offers, err := Ask(t.Context(), nstest.Link, 2*time.Second, Questions...)
	if err != nil {
		t.Fatal(err)
	}
	seg := Judge(Observed{Interface: nstest.Link, Carrier: true, Address: netip.MustParseAddr(nstest.BoxAddr), MTU: 1500, Offers: offers, Switch: &api.SwitchPort{}})
	if len(seg.Servers) != 2 || !seg.Servers[0].DHCP || seg.Servers[0].PXE || !seg.Servers[1].PXE || seg.Servers[1].DHCP {
		t.Errorf("servers: %+v", seg.Servers)
	}
	if len(seg.Findings) != 1 || seg.Findings[0].Severity != api.FindingProblem || !strings.Contains(seg.Findings[0].Text, "another PXE server "+nstest.ClientAddr) {
		t.Errorf("findings: %+v", seg.Findings)
	}
	stop()
	if len(appeared) > 0 {
		t.Errorf("reported again: %s", <-appeared)
	}
	for deadline := time.After(20 * time.Second); ; {
		clock <- (<-clock).Add(goneAfter) // more than once: a last answer may still be under way
		select {
		case r := <-gone:
			if r.Server.String() != nstest.ClientAddr {
				t.Errorf("gone: %s", r)
			}
			return
		case <-time.After(500 * time.Millisecond):
		case <-deadline:
			t.Fatal("it is never gone")
		}
	}
}

// TestSegment: what a test of a segment with a plain DHCP server, a switch that speaks
// LLDP, and a gateway with a small MTU finds.
func TestSegment(t *testing.T) {
	s := nstest.Enter(t)
	if s == nil {
		return
	}
	dnsmasq(t, s, "foreign", "--dhcp-range=192.168.77.100,192.168.77.110,1h", "--dhcp-option=66,old-server")
	s.IP(t, "box", "route", "add", "default", "via", nstest.ForeignAddr)
	w := &Watcher{Interface: nstest.Link, Network: func() network.Snapshot { return network.Snapshot{} }, Known: func() []string { return nil }, Rivals: &Rivals{}, Now: time.Now}
	tester := &Tester{Box: here{t, []string{nstest.Link}}, Now: time.Now, Wait: 2 * time.Second}
	tester.Watch(w)
	run(t, w)
	spoken(t, s, w)

	got, err := tester.Run(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	seg := got.Segments[0]
	if seg.Switch == nil || *seg.Switch != portOfLLDPD || seg.Address != nstest.BoxAddr || seg.MTU != 1500 {
		t.Errorf("segment: %+v, switch %s", seg, seg.Switch)
	}
	if len(seg.Findings) != 1 || seg.Findings[0].Severity != api.FindingWarning || !strings.Contains(seg.Findings[0].Text, `option 66 (TFTP server "old-server")`) {
		t.Errorf("findings: %+v", seg.Findings)
	}
	if tester.Last().Time != got.Time {
		t.Errorf("the result is not kept: %+v", tester.Last())
	}
	if _, err := tester.Run(t.Context(), "eth9"); err != ErrNoInterface {
		t.Errorf("an interface that is not there: %v", err)
	}

	s.IP(t, "foreign", "link", "set", nstest.Link, "mtu", "1400")
	if p, err := path(t.Context(), nstest.Link, 1500, 2*time.Second); err != nil || !p.Small || p.Large {
		t.Errorf("path with a small MTU: %+v %v", p, err)
	}
}

// spoken lets the switch say by LLDP what it is, until the watcher has heard it: it may
// not listen yet.
func spoken(t *testing.T, s *nstest.Segment, w *Watcher) {
	t.Helper()
	var conn *packet.Conn
	s.Do(t, "switch", func() {
		link, err := net.InterfaceByName("p0")
		if err == nil {
			conn, err = packet.Listen(link, packet.Raw, unix.ETH_P_ALL, nil)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if conn == nil {
		t.FailNow()
	}
	defer conn.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for w.port.now(time.Now()).port == nil {
		if _, err := conn.WriteTo(frameOfLLDPD(t), &packet.Addr{HardwareAddr: toThePort[0]}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the switch is not heard")
		}
	}
}
