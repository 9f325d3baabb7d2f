package tftp

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/bootward/bootward/appliance/tftp/tftptest"
)

// lines are the ways to wait for a client.
var lines = map[string]func(netip.Addr, netip.AddrPort) (line, error){"polled": openPolled, "threaded": openThreaded}

// waits are the ways a server's only transfer can be made to wait.
var waits = map[string]func(*Server){"threaded": func(*Server) {}, "polled": func(s *Server) { s.thread.Store(true) }}

// pair is a line to a socket that answers it.
func pair(t *testing.T, open func(netip.Addr, netip.AddrPort) (line, error), from netip.Addr) (ours line, theirs *net.UDPConn) {
	t.Helper()
	theirs, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	theirs.SetReadBuffer(1 << 20)
	theirs.SetDeadline(time.Now().Add(10 * time.Second))
	ours, err = open(from, theirs.LocalAddr().(*net.UDPAddr).AddrPort())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	return ours, theirs
}

func TestLines(t *testing.T) {
	const patience, other = 20 * time.Millisecond, time.Millisecond
	for name, open := range lines {
		t.Run(name, func(t *testing.T) {
			asked := netip.MustParseAddr("127.0.0.2") // not what the kernel would choose
			ours, theirs := pair(t, open, asked)
			if err := ours.patience(patience); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 100)
			ours.Write([]byte("hello"))
			n, from, err := theirs.ReadFromUDPAddrPort(b)
			if err != nil || string(b[:n]) != "hello" || from.Addr().Unmap() != asked {
				t.Fatalf("%q came from %v, %v", b[:n], from, err)
			}
			for _, wait := range []time.Duration{patience, other} {
				start := time.Now()
				if n, err := ours.receive(b, wait); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) < wait/2 {
					t.Errorf("without a packet: %d bytes, %v after %v, want to wait %v", n, err, time.Since(start), wait)
				}
			}
			for _, packet := range []string{"answer", "", "last"} {
				theirs.WriteToUDPAddrPort([]byte(packet), from)
				if n, err := ours.receive(b, 10*time.Second); err != nil || string(b[:n]) != packet {
					t.Errorf("%q came as %q, %v", packet, b[:n], err)
				}
			}
			theirs.Close()
			ours.Write([]byte("anybody there?"))
			if n, err := ours.receive(b, 10*time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("from a port that is closed: %d bytes, %v", n, err)
			}
		})
	}
}

// TestEndOfServer ends a server while a client is silent that may be so for half a minute.
// The server must end at once, which serve holds, and say so to the client.
func TestEndOfServer(t *testing.T) {
	for name, wait := range waits {
		conn, err := net.ListenUDP("udp4", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(15 * time.Second))
		b := make([]byte, 600)
		t.Run(name, func(t *testing.T) {
			at, _, _ := serve(t, "127.0.0.1:0", map[string][]byte{"f": content(5000)}, wait)
			conn.WriteToUDPAddrPort([]byte("\x00\x01f\x00octet\x00timeout\x0030\x00"), at)
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil || b[1] != opOACK {
				t.Fatalf("% x, %v", b[:n], err)
			}
			conn.WriteToUDPAddrPort([]byte{0, opAck, 0, 0}, from)
			if n, err := conn.Read(b); err != nil || b[1] != opData {
				t.Fatalf("% x, %v", b[:n], err)
			}
		})
		if n, err := conn.Read(b); err != nil || b[1] != opError {
			t.Errorf("%s: at the end of the server the client was told % x, %v", name, b[:n], err)
		}
	}
}

// TestOneThread has one transfer run beside another: the thread is that of the first until
// it ends.
func TestOneThread(t *testing.T) {
	before := runtime.GOMAXPROCS(2) // with one processor there is no thread
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	at, s, done := serve(t, "127.0.0.1:0", map[string][]byte{"f": content(5000)})
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	conn.WriteToUDPAddrPort([]byte("\x00\x01f\x00octet\x00tsize\x000\x00"), at)
	_, from, err := conn.ReadFromUDPAddrPort(make([]byte, 600))
	if err != nil || !s.thread.Load() {
		t.Fatalf("the only transfer has the thread: %t, %v", s.thread.Load(), err)
	}
	r, err := tftptest.Client{Server: at, Window: 4}.Fetch(t.Context(), "f")
	if err != nil || r.Bytes != 5000 {
		t.Fatalf("%+v, %v", r, err)
	}
	if wait(t, done); !s.thread.Load() {
		t.Error("the second transfer gave the thread of the first away")
	}
	conn.WriteToUDPAddrPort(leave, from)
	if wait(t, done); s.thread.Load() {
		t.Error("the thread is taken, and nobody has it")
	}
}

// TestLinkTakesNothing: a client on a link that takes nothing is given up, as one that is silent.
func TestLinkTakesNothing(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	seg.IP(t, "box", "neigh", "replace", nstest.ClientAddr, "lladdr", nstest.ClientMAC, "dev", nstest.Link)
	if out, err := seg.Command(t, "box", "tc", "qdisc", "add", "dev", nstest.Link, "root", "tbf", "rate", "8bit", "burst", "1540", "limit", "100mb").CombinedOutput(); err != nil {
		t.Fatalf("tc: %v: %s", err, out)
	}
	for name, open := range lines {
		t.Run(name, func(t *testing.T) {
			l, err := open(netip.Addr{}, netip.AddrPortFrom(netip.MustParseAddr(nstest.ClientAddr), 1))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			for range 10_000 { // more than any buffer for sending holds
				if _, err = l.Write(make([]byte, 1400)); err != nil {
					break
				}
			}
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}
