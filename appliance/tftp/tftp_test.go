package tftp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/bootward/bootward/appliance/tftp/tftptest"
)

type memFile struct{ *bytes.Reader }

func (memFile) Close() error { return nil }

// content is repeatable and differs from block to block.
func content(n int) []byte {
	r := rand.NewChaCha8([32]byte{7})
	b := make([]byte, n)
	r.Read(b)
	return b
}

// serve runs a server with the files and returns its address and its transfers.
func serve(t testing.TB, address string, files map[string][]byte, set ...func(*Server)) (netip.AddrPort, *Server, chan Transfer) {
	t.Helper()
	conn, err := Listen(t.Context(), address, "")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan Transfer, 100)
	s := &Server{
		Conn: conn, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Done: func(x Transfer) { done <- x },
		Open: func(_ context.Context, _ netip.Addr, name string) (io.ReadSeekCloser, int64, error) {
			b, ok := files[name]
			if !ok {
				return nil, 0, fs.ErrNotExist
			}
			return memFile{bytes.NewReader(b)}, int64(len(b)), nil
		},
	}
	for _, f := range set {
		f(s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("server ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("server does not end")
		}
	})
	return conn.LocalAddr().(*net.UDPAddr).AddrPort(), s, done
}

func wait(t *testing.T, done chan Transfer) Transfer {
	t.Helper()
	select {
	case x := <-done:
		return x
	case <-time.After(10 * time.Second):
		t.Fatal("no transfer was reported in 10 s")
		return Transfer{}
	}
}

// TestForeignClients fetches files of awkward sizes with four other implementations, from a
// transfer that waits on a thread and from one that does not.
func TestForeignClients(t *testing.T) {
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) { foreignClients(t, wait) })
	}
}

func foreignClients(t *testing.T, how func(*Server)) {
	files := map[string][]byte{
		"id/uki.efi": content(1468*700 + 5), "empty": {}, "exact": content(512 * 4), "roll": content(512 * 66000),
	}
	at, _, done := serve(t, "127.0.0.1:0", files, how)
	port := strconv.Itoa(int(at.Port()))
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	for _, tc := range []struct {
		name, file string
		cmd        []string
		block      int
		window     int
	}{
		{"atftp plain", "exact", []string{"atftp", "-g", "-r", "exact", "-l", out, "127.0.0.1", port}, 512, 1},
		{"atftp blksize", "id/uki.efi", []string{"atftp", "--option", "blksize 1468", "-g", "-r", `/ID\uki.efi`, "-l", out, "127.0.0.1", port}, 1468, 1},
		{"atftp windowsize", "id/uki.efi", []string{"atftp", "--option", "blksize 1468", "--option", "windowsize 4", "-g", "-r", "id/uki.efi", "-l", out, "127.0.0.1", port}, 1468, 4},
		{"atftp empty", "empty", []string{"atftp", "-g", "-r", "empty", "-l", out, "127.0.0.1", port}, 512, 1},
		{"tftp-hpa", "id/uki.efi", []string{"tftp", "-m", "binary", "127.0.0.1", port, "-c", "get", "id/uki.efi", out}, 512, 1},
		{"curl", "id/uki.efi", []string{"curl", "-s", "-o", out, "tftp://127.0.0.1:" + port + "/id/uki.efi"}, 512, 1},
		{"curl blksize", "exact", []string{"curl", "-s", "--tftp-blksize", "1024", "-o", out, "tftp://127.0.0.1:" + port + "/exact"}, 1024, 1},
		{"atftp windowsize 64", "id/uki.efi", []string{"atftp", "--option", "windowsize 64", "-g", "-r", "id/uki.efi", "-l", out, "127.0.0.1", port}, 512, 64},
		{"busybox", "id/uki.efi", []string{"busybox", "tftp", "-g", "-r", "id/uki.efi", "-l", out, "127.0.0.1", port}, 512, 1},
		{"busybox blksize", "id/uki.efi", []string{"busybox", "tftp", "-g", "-b", "1468", "-r", "id/uki.efi", "-l", out, "127.0.0.1", port}, 1468, 1},
		{"block numbers roll over", "roll", []string{"curl", "-s", "-o", out, "tftp://127.0.0.1:" + port + "/roll"}, 512, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			os.Remove(out)
			if msg, err := exec.CommandContext(t.Context(), tc.cmd[0], tc.cmd[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, msg)
			}
			got, err := os.ReadFile(out)
			if err != nil || !bytes.Equal(got, files[tc.file]) {
				t.Fatalf("got %d bytes, want %d (%v)", len(got), len(files[tc.file]), err)
			}
			x := wait(t, done)
			if x.Err != nil || x.Name != tc.file || x.Bytes != int64(len(got)) || x.Block != tc.block || x.Window != tc.window {
				t.Errorf("reported %+v", x)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	at, s, done := serve(t, "127.0.0.1:0", map[string][]byte{"a": content(10)})
	conn, err := net.Dial("udp4", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 600)

	conn.Write([]byte("\x00\x02evil\x00octet\x00"))
	n, err := conn.Read(buf)
	if err != nil || buf[1] != opError || buf[3] != codeAccess {
		t.Errorf("write request: % x, %v", buf[:n], err)
	}
	for _, name := range []string{"nosuch", "../../etc/passwd", `..\..\boot.ini`, ""} {
		for _, options := range []string{"", "tsize\x000\x00"} {
			if name == "" {
				continue
			}
			if e := firstAnswer(t, at, "\x00\x01"+name+"\x00octet\x00"+options); e[1] != opError || e[3] != codeNotFound {
				t.Errorf("%q %q: % x", name, options, e)
			}
			if x := wait(t, done); !errors.Is(x.Err, fs.ErrNotExist) {
				t.Errorf("%q: reported %+v", name, x)
			}
		}
	}
	conn.Write([]byte("\x00\x01\x00"))
	conn.Write([]byte("noise"))
	conn.Write([]byte("\x00\x01a\x00mail\x00"))
	deadline := time.Now().Add(2 * time.Second)
	for s.Stats().Bad != 3 && time.Now().Before(deadline) {
		firstAnswer(t, at, "\x00\x01nosuch\x00octet\x00") // one round trip
		<-done
	}
	if st := s.Stats(); st.Bad != 3 || st.Refused != 1 {
		t.Errorf("stats %+v", st)
	}
}

// firstAnswer sends a request from a new port and returns what comes first.
func firstAnswer(t testing.TB, at netip.AddrPort, request string) []byte {
	t.Helper()
	b, _ := ask(t, at, request)
	return b
}

// leave is an ERROR packet by which a client ends a transfer.
var leave = []byte("\x00\x05\x00\x00enough\x00")

// ask sends a request from a new port and returns the first answer and a function that
// sends on to where that came from.
func ask(t testing.TB, at netip.AddrPort, request string) ([]byte, func(string) []byte) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() }) // runs after the one below
	read := func() ([]byte, netip.AddrPort) {
		buf := make([]byte, 2000)
		conn.SetReadDeadline(time.Now().Add(3 * time.Second))
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		return buf[:n], from
	}
	conn.WriteToUDPAddrPort([]byte(request), at)
	first, from := read()
	t.Cleanup(func() { conn.WriteToUDPAddrPort(leave, from) })
	return first, func(b string) []byte {
		conn.WriteToUDPAddrPort([]byte(b), from)
		next, _ := read()
		return next
	}
}

// TestProbe does what OVMF does first: it asks for the size and leaves with code 8. Without
// options a client that only looks leaves at block 1; at block 2 it gives up.
func TestProbe(t *testing.T) {
	at, s, done := serve(t, "127.0.0.1:0", map[string][]byte{"uki.efi": content(5000)})
	for _, tc := range []struct {
		request, acks string // blocks that are acknowledged
		last          string // first bytes of what came last
		probe         bool
	}{
		{"tsize\x000\x00blksize\x001468\x00", "", "\x00\x06blksize\x001468\x00tsize\x005000\x00", true},
		{"tsize\x000\x00", "\x00", "\x00\x03\x00\x01", false},
		{"", "", "\x00\x03\x00\x01", true},
		{"", "\x01", "\x00\x03\x00\x02", false},
	} {
		conn, err := net.ListenUDP("udp4", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		conn.WriteToUDPAddrPort([]byte("\x00\x01uki.efi\x00octet\x00"+tc.request), at)
		buf := make([]byte, 600)
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		for _, block := range []byte(tc.acks) {
			conn.WriteToUDPAddrPort([]byte{0, opAck, 0, block}, from)
			if err == nil {
				n, err = conn.Read(buf)
			}
		}
		if err != nil || !bytes.HasPrefix(buf[:n], []byte(tc.last)) {
			t.Fatalf("%q: %q, %v", tc.request, buf[:n], err)
		}
		conn.WriteToUDPAddrPort([]byte("\x00\x05\x00\x08User aborted the transfer\x00"), from)
		if x := wait(t, done); x.Probe != tc.probe || (x.Err == nil) != tc.probe {
			t.Errorf("%q, then ACKs of % x: reported %+v", tc.request, tc.acks, x)
		}
	}
	if st := s.Stats(); st.Probes != 2 || st.Failed != 2 {
		t.Errorf("stats %+v", st)
	}
}

// TestWindowLoss loses the middle of a window: the client acknowledges what it has, and
// the rest comes again at once.
func TestWindowLoss(t *testing.T) {
	data := content(512*6 + 3)
	at, _, done := serve(t, "127.0.0.1:0", map[string][]byte{"f": data})
	conn, _ := net.ListenUDP("udp4", nil)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 600)
	conn.WriteToUDPAddrPort([]byte("\x00\x01f\x00octet\x00windowsize\x004\x00"), at)
	n, from, err := conn.ReadFromUDPAddrPort(buf)
	if err != nil || string(buf[:n]) != "\x00\x06windowsize\x004\x00" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	start := time.Now()
	var got []byte
	want, lost := uint16(1), false
	conn.WriteToUDPAddrPort([]byte{0, opAck, 0, 0}, from)
	for in := 1; ; in++ {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		block := binary.BigEndian.Uint16(buf[2:])
		if block == 3 && !lost {
			lost = true
			conn.WriteToUDPAddrPort([]byte{0, opAck, 0, 2}, from)
			continue
		}
		if block != want {
			continue
		}
		got, want = append(got, buf[4:n]...), want+1
		if n < 516 {
			conn.WriteToUDPAddrPort([]byte{0, opAck, byte(block >> 8), byte(block)}, from)
			break
		}
		if block == 6 {
			conn.WriteToUDPAddrPort([]byte{0, opAck, 0, 6}, from)
		}
	}
	if !bytes.Equal(got, data) || time.Since(start) > resendAfter {
		t.Errorf("%d bytes of %d in %v", len(got), len(data), time.Since(start))
	}
	if x := wait(t, done); x.Err != nil || x.Resent == 0 || x.Bytes != int64(len(data)) {
		t.Errorf("reported %+v", x)
	}
}

func TestLimits(t *testing.T) {
	at, _, _ := serve(t, "127.0.0.1:0", map[string][]byte{"f": content(5000)}, func(s *Server) { s.PerSource = 2 })
	for _, r := range []string{"\x00\x01f\x00octet\x00blksize\x00600\x00", "\x00\x01f\x00octet\x00"} {
		firstAnswer(t, at, r)
	}
	if e := firstAnswer(t, at, "\x00\x01f\x00octet\x00"); e[1] != opError || !strings.Contains(string(e), "too many") {
		t.Errorf("third transfer: %q", e)
	}
}

// TestRepeatedRequest: a client that asks again while its file is being opened is served
// once; asking again after the first answer, from the same port, is asking anew.
func TestRepeatedRequest(t *testing.T) {
	release := make(chan struct{})
	at, s, _ := serve(t, "127.0.0.1:0", map[string][]byte{"f": content(5000), "g": content(10)}, func(s *Server) {
		open := s.Open
		s.Open = func(ctx context.Context, client netip.Addr, name string) (io.ReadSeekCloser, int64, error) {
			if name == "f" {
				<-release
			}
			return open(ctx, client, name)
		}
	})
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	const request = "\x00\x01f\x00octet\x00tsize\x000\x00"
	ask := func(what string) { conn.WriteToUDPAddrPort([]byte(what), at) }
	answer := func() (string, netip.AddrPort) {
		t.Helper()
		buf := make([]byte, 600)
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n]), from
	}
	ask(request)
	ask(request)
	ask(strings.Replace(request, "f", "g", 1)) // read after the repetition
	if got, _ := answer(); !strings.Contains(got, "tsize\x0010\x00") {
		t.Fatalf("another file from the same port: %q", got)
	}
	close(release)
	got, first := answer()
	if !strings.Contains(got, "tsize\x005000\x00") {
		t.Fatalf("%q", got)
	}
	s.mu.Lock()
	if s.total != 2 {
		t.Errorf("%d transfers for two files", s.total)
	}
	s.mu.Unlock()
	ask(request)
	for {
		if got, from := answer(); strings.Contains(got, "tsize\x005000\x00") && from != first {
			return
		}
	}
}

// TestEndlessLack: a client that answers each block by saying that it lacks the first is
// given up after some hundred of them; in lock-step it counts as silent.
func TestEndlessLack(t *testing.T) {
	at, _, done := serve(t, "127.0.0.1:0", map[string][]byte{"f": content(200_000)})
	for _, window := range []string{"4", "64"} {
		conn, err := net.ListenUDP("udp4", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(30 * time.Second))
		conn.WriteToUDPAddrPort([]byte("\x00\x01f\x00octet\x00windowsize\x00"+window+"\x00"), at)
		for buf := make([]byte, 600); ; {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				t.Fatalf("window %s: it is still sent to: %v", window, err)
			}
			if n > 1 && buf[1] == opError {
				break
			}
			conn.WriteToUDPAddrPort([]byte{0, opAck, 0, 0}, from)
		}
		if x := wait(t, done); x.Err == nil || !strings.Contains(x.Err.Error(), "lacks block 1") {
			t.Errorf("window %s: %+v", window, x)
		}
	}
}

// TestOwnAddress asks two addresses of the box at once, by both senders: all of a file must
// come from the one that was asked, or firmware drops it.
func TestOwnAddress(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	seg.IP(t, "client", "addr", "add", nstest.ClientAddr+"/24", "dev", nstest.Link)
	data := content(300_000)
	serve(t, "0.0.0.0:69", map[string][]byte{"f": data}, func(s *Server) { s.PerSource = 20 })
	var wg sync.WaitGroup
	for _, a := range []string{nstest.BoxAddr, nstest.BoxSecond} {
		for _, request := range []string{"\x00\x01nosuch\x00octet\x00", "\x00\x01nosuch\x00octet\x00tsize\x000\x00", "\x00\x02f\x00octet\x00"} {
			wg.Go(func() { refusedFrom(t, seg, netip.MustParseAddrPort(a+":69"), request) })
		}
		for _, window := range []int{0, 1, 64} {
			wg.Go(func() {
				c := tftptest.Client{Server: netip.MustParseAddrPort(a + ":69"), Window: window}
				seg.Do(t, "client", func() {
					if r, err := c.Fetch(t.Context(), "f"); err != nil || r.Bytes != int64(len(data)) {
						t.Errorf("window %d from %s: %+v, %v", window, a, r, err)
					}
				})
			})
		}
	}
	wg.Wait()
}

// refusedFrom sends a request that cannot be served; the refusal must come from where it went.
func refusedFrom(t *testing.T, seg *nstest.Segment, at netip.AddrPort, request string) {
	seg.Do(t, "client", func() {
		conn, err := net.ListenUDP("udp4", nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		conn.WriteToUDPAddrPort([]byte(request), at)
		b := make([]byte, 600)
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if err != nil || b[1] != opError || from.Addr().Unmap() != at.Addr() {
			t.Errorf("%q to %v: answered by %v: % x, %v", request, at, from, b[:n], err)
		}
	})
}

func TestReadErrorIsTold(t *testing.T) {
	at, _, done := serve(t, "127.0.0.1:0", nil, func(s *Server) {
		s.Open = func(context.Context, netip.Addr, string) (io.ReadSeekCloser, int64, error) {
			return brokenFile{}, 10, nil
		}
	})
	e, next := ask(t, at, "\x00\x01f\x00octet\x00tsize\x000\x00")
	if e[1] != opOACK {
		t.Fatalf("% x", e)
	}
	if e := next("\x00\x04\x00\x00"); e[1] != opError || e[3] != codeUndefined {
		t.Errorf("% x", e)
	}
	if x := wait(t, done); x.Err == nil || !strings.Contains(x.Err.Error(), "bad sector") {
		t.Errorf("reported %+v", x)
	}
}

type brokenFile struct{ memFile }

func (brokenFile) Read([]byte) (int, error) { return 0, errors.New("bad sector") }
func (brokenFile) Close() error             { return nil }

func TestNormalise(t *testing.T) {
	for in, want := range map[string]string{
		"undionly.kpxe": "undionly.kpxe", "/ID/Uki.EFI": "id/uki.efi", `\Boot\BCD`: "boot/bcd", "a//./b/": "a/b",
		"..": "", "a/../b": "", `a\..\b`: "", "": "", "/": "", "a\x00b": "", "ü": "", "a\nb": "", strings.Repeat("a", 256): "",
		"a..b": "a..b",
	} {
		got, err := Normalise(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q gave %q, %v; want %q", in, got, err, want)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"undionly.kpxe", `\Boot\BCD`, "../../etc/passwd", "a//b", "...", ". ", "%2e%2e/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Normalise(s)
		if err != nil {
			return
		}
		if again, err := Normalise(n); err != nil || again != n {
			t.Fatalf("%q gave %q, then %q, %v", s, n, again, err)
		}
		if !filepath.IsLocal(n) || strings.ContainsAny(n, "\\\x00") || n != strings.ToLower(n) {
			t.Fatalf("%q gave %q", s, n)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte("\x00\x01f\x00octet\x00tsize\x000\x00blksize\x001468\x00windowsize\x004\x00"))
	f.Add([]byte("\x00\x02f\x00netascii\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRequest(b)
		if err != nil {
			return
		}
		x := negotiate(r.options, 1000, 1468)
		if x.block < minBlock || x.block > 1468 || x.window < 1 || x.window > maxWindow || len(x.oack)%2 != 0 {
			t.Fatalf("%+v", x)
		}
	})
}
