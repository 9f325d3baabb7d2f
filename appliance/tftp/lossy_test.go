package tftp

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/tftp/tftptest"
)

// faults are the shares of packets, in each direction, that a link loses, doubles, and lets
// be overtaken by the next one.
type faults struct{ lost, doubled, overtaken float64 }

// link stands between clients and a server and spoils packets. Requests are lost as well,
// but never doubled: two requests are two transfers.
type link struct {
	faults
	server netip.AddrPort
	front  *net.UDPConn // where clients ask
	mu     sync.Mutex
	random *rand.Rand
	spoilt int // packets
}

func newLink(t *testing.T, server netip.AddrPort, f faults) *link {
	t.Helper()
	front, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	l := &link{faults: f, server: server, front: front, random: rand.New(rand.NewPCG(1, 2))}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { l.run(ctx, &wg) })
	t.Cleanup(func() { cancel(); front.Close(); wg.Wait() })
	return l
}

func (l *link) addr() netip.AddrPort { return l.front.LocalAddr().(*net.UDPAddr).AddrPort() }

// run takes requests; each client gets two ports, one to the server and one back to it.
func (l *link) run(ctx context.Context, wg *sync.WaitGroup) {
	clients := map[netip.AddrPort]*net.UDPConn{}
	buf := make([]byte, 2048)
	for {
		n, from, err := l.front.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		up := clients[from]
		if up == nil {
			up, _ = net.ListenUDP("udp4", nil)
			down, _ := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
			context.AfterFunc(ctx, func() { up.Close(); down.Close() })
			clients[from] = up
			transfer := make(chan netip.AddrPort, 1)
			wg.Go(func() {
				l.pass(up, down, func(p netip.AddrPort) netip.AddrPort { // from the server
					select {
					case transfer <- p:
					default:
					}
					return from
				})
			})
			wg.Go(func() { // from the client
				to := netip.AddrPort{}
				l.pass(down, up, func(netip.AddrPort) netip.AddrPort {
					if !to.IsValid() {
						to = <-transfer
					}
					return to
				})
			})
		}
		if !l.happens(l.lost) {
			up.WriteToUDPAddrPort(buf[:n], l.server)
		}
	}
}

// pass moves packets one way. One that is held back goes on behind the next, or soon.
func (l *link) pass(in, out *net.UDPConn, to func(netip.AddrPort) netip.AddrPort) {
	buf := make([]byte, 2048)
	var held []byte
	var dest netip.AddrPort
	for {
		in.SetReadDeadline(time.Time{})
		if held != nil {
			in.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
		}
		n, from, err := in.ReadFromUDPAddrPort(buf)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err == nil {
			dest = to(from)
			if held == nil && l.happens(l.overtaken) {
				held = bytes.Clone(buf[:n])
				continue
			}
			l.spoil(out, buf[:n], dest)
		}
		if held != nil {
			out.WriteToUDPAddrPort(held, dest)
			held = nil
		}
	}
}

// spoil sends a packet once, twice, or not at all.
func (l *link) spoil(out *net.UDPConn, b []byte, to netip.AddrPort) {
	if l.happens(l.lost) {
		return
	}
	out.WriteToUDPAddrPort(b, to)
	if l.happens(l.doubled) {
		out.WriteToUDPAddrPort(b, to)
	}
}

func (l *link) happens(share float64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.random.Float64() < share {
		l.spoilt++
		return true
	}
	return false
}

// TestSpoiltLinks completes at each window over links that lose a fifth of all packets,
// double and reorder them. All of them run at once, as most of the time is waiting.
func TestSpoiltLinks(t *testing.T) {
	t.Parallel()
	for name, how := range waits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spoiltLinks(t, how)
		})
	}
}

func spoiltLinks(t *testing.T, how func(*Server)) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for name, f := range map[string]faults{
		"loss": {lost: 0.2}, "doubling": {doubled: 0.2}, "reordering": {overtaken: 0.2}, "all": {0.1, 0.1, 0.1},
	} {
		for window, blocks := range map[int]int{0: 6, 1: 6, 4: 60, 16: 200, 64: 200} {
			data := content(512*blocks + 100)
			at, _, _ := serve(t, "127.0.0.1:0", map[string][]byte{"f": data}, how)
			l := newLink(t, at, f)
			wg.Go(func() {
				var got bytes.Buffer
				c := tftptest.Client{Server: l.addr(), Window: window, Timeout: 300 * time.Millisecond, Tries: 100, Into: &got}
				r, err := c.Fetch(ctx, "f")
				if err != nil || !bytes.Equal(got.Bytes(), data) {
					t.Errorf("%s, window %d: %+v, %v", name, window, r, err)
				}
			})
		}
	}
}

// TestForeignClientOverLoss has atftp fetch with windows over a link that loses packets.
func TestForeignClientOverLoss(t *testing.T) {
	t.Parallel()
	data := content(100_000)
	at, _, _ := serve(t, "127.0.0.1:0", map[string][]byte{"f": data})
	l := newLink(t, at, faults{lost: 0.05, doubled: 0.05, overtaken: 0.05})
	out := filepath.Join(t.TempDir(), "out")
	cmd := exec.CommandContext(t.Context(), "atftp", "--option", "blksize 1428", "--option", "windowsize 16", "--option", "timeout 1",
		"-g", "-r", "f", "-l", out, "127.0.0.1", strconv.Itoa(int(l.addr().Port())))
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, data) || l.spoilt == 0 {
		t.Errorf("%d bytes of %d, %v, %d packets spoilt", len(got), len(data), err, l.spoilt)
	}
}

// TestCrowd serves many clients at once, each from an address of its own.
func TestCrowd(t *testing.T) {
	data := content(100_000)
	at, s, done := serve(t, "127.0.0.1:0", map[string][]byte{"f": data})
	const clients = 300
	go func() {
		for range done { // ends with the test
		}
	}()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			c := tftptest.Client{Server: at, Local: netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), Block: 1428, Window: 1 + i%64}
			if r, err := c.Fetch(t.Context(), "f"); err != nil || r.Bytes != int64(len(data)) {
				t.Errorf("client %d: %+v, %v", i, r, err)
			}
		})
	}
	wg.Wait()
	if st := s.Stats(); st.Failed != 0 || st.Refused != 0 {
		t.Errorf("stats %+v", st)
	}
}
