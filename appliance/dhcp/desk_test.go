package dhcp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"
)

// TestSlowDecisions: while decisions hang, others are answered, until as many hang as
// there are workers; each is answered once it is made.
func TestSlowDecisions(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	for _, mode := range []Mode{Proxy, DHCP} {
		t.Run(mode.String(), func(t *testing.T) { slowDecisions(t, seg, mode) })
	}
}

func slowDecisions(t *testing.T, seg *nstest.Segment, mode Mode) {
	const workers = 4
	hang, began := make(chan struct{}), make(chan struct{}, workers)
	s := &Server{Mode: mode, Workers: workers, Handler: func(ctx context.Context, p Packet) Reply {
		if p.Message.ClientHWAddr[5] == 1 {
			began <- struct{}{}
			<-hang
		}
		return bootHandler(ctx, p)
	}}
	if mode == DHCP {
		s.Leases = Pools{openPool(t, &memory{leases: map[netip.Addr]Lease{}}, nil)}
	}
	start(t, s)
	release := sync.OnceFunc(func() { close(hang) })
	t.Cleanup(release)
	c := newClient(t, seg, clientPort)
	question := func(mac byte) *dhcpv4.DHCPv4 {
		return message(t, net.HardwareAddr{2, 0, 0, 0, 0, mac}, dhcpv4.MessageTypeDiscover, pxeClass)
	}
	slow, quick := func() *dhcpv4.DHCPv4 { return question(1) }, func() *dhcpv4.DHCPv4 { return question(2) }
	askSlow := func() {
		c.ask(t, slow(), "255.255.255.255:67", 0, 0)
		select {
		case <-began:
		case <-time.After(5 * time.Second):
			t.Fatal("nobody reads")
		}
	}
	for begun := time.Now(); ; { // a link that has just come up may lose a packet
		if a, _ := c.ask(t, quick(), "255.255.255.255:67", 1, time.Second); len(a) == 1 {
			break
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatal("no answer")
		}
	}
	for range workers - 1 {
		askSlow()
		if a, _ := c.ask(t, quick(), "255.255.255.255:67", 1, 5*time.Second); len(a) != 1 {
			t.Fatal("a slow decision holds up others")
		}
	}
	askSlow() // now all hang
	if a, _ := c.ask(t, quick(), "255.255.255.255:67", 1, 100*time.Millisecond); len(a) != 0 {
		t.Error("more workers than allowed")
	}
	release()
	c.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	for range workers + 1 { // what hung, and what waited
		if _, _, err := c.conn.ReadFromUDPAddrPort(make([]byte, 1500)); err != nil {
			t.Fatal(err)
		}
	}
	if a, _ := c.ask(t, quick(), "255.255.255.255:67", 1, 5*time.Second); len(a) != 1 {
		t.Error("nobody reads on")
	}
}

// TestDeskWatches: a worker is relieved at the second look at the same answer, not
// before, and the desk looks no longer than there is something to see.
func TestDeskWatches(t *testing.T) {
	var hired atomic.Int32
	leave := make(chan struct{})
	d := &desk{most: 2, work: func() { hired.Add(1); <-leave }}
	d.open()
	d.mu.Lock()
	d.timer.Stop() // the test looks
	d.mu.Unlock()
	look := func() { d.look(); d.mu.Lock(); d.timer.Stop(); d.mu.Unlock() }

	one := d.begin()
	look()
	if !d.end(one) {
		t.Error("relieved at the first look")
	}
	two := d.begin()
	look()
	look()
	if d.end(two) {
		t.Error("not relieved at the second look")
	}
	three := d.begin()
	look()
	look()
	if !d.end(three) {
		t.Error("relieved although there are no more workers")
	}
	look()
	if d.looked.Load() {
		t.Error("it goes on looking although nothing happens")
	}
	d.begin()
	if !d.looked.Load() {
		t.Error("it does not look although something happens")
	}
	close(leave)
	d.close()
	if n := hired.Load(); n != 2 {
		t.Errorf("%d workers", n)
	}
}

// TestPortCloses: Close wakes who reads, may come twice, and nothing is sent after it.
func TestPortCloses(t *testing.T) {
	p, err := listen("lo", 0)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	for range cap(ended) {
		go func() {
			_, _, err := p.read(make([]byte, 1500))
			ended <- err
		}()
	}
	blocked(t, cap(ended))
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for range cap(ended) {
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("reading ended with %v", err)
		}
	}
	to := netip.MustParseAddrPort("127.0.0.1:9")
	if err := p.send(make([]byte, Headers+1), to.Addr(), to); !errors.Is(err, net.ErrClosed) || p.Close() != nil {
		t.Errorf("sent after close: %v", err)
	}
}

// blocked waits until that many threads wait for a datagram in the kernel.
func blocked(t *testing.T, want int) {
	t.Helper()
	call := strconv.Itoa(unix.SYS_RECVFROM) + " "
	for end := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		calls, err := filepath.Glob("/proc/self/task/*/syscall")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, name := range calls {
			if b, err := os.ReadFile(name); err == nil && strings.HasPrefix(string(b), call) {
				n++
			}
		}
		if n >= want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d threads read, want %d", n, want)
		}
	}
}
