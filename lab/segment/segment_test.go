package segment

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
)

func open(t *testing.T, name string) *Segment {
	t.Helper()
	s, err := Open(t.Context(), Config{Name: name}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestValidate(t *testing.T) {
	tests := []struct {
		config Config
		want   string
	}{
		{Config{Name: "ward"}, ""},
		{Config{Name: ""}, `segment name ""`},
		{Config{Name: "Ward"}, `segment name "Ward"`},
		{Config{Name: "a-far-too-long"}, "want 1 to 10"},
		{Config{Name: "w", Gateway: netip.MustParsePrefix("fd00::1/64")}, "want an IPv4 prefix"},
		{Config{Name: "w", Gateway: netip.MustParsePrefix("10.0.0.1/30")}, "want an IPv4 prefix"},
		{Config{Name: "w", Site: netip.MustParseAddr("10.77.0.9")}, "outside 10.77.0.0/24"},
	}
	for _, tt := range tests {
		err := tt.config.Validate()
		if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: error %v, want %q in it", tt.config, err, tt.want)
		}
	}
}

func TestLineCutAndRestored(t *testing.T) {
	s := open(t, "t-line")
	site := netip.AddrPortFrom(s.Site(), 8443).String()
	listener, err := s.Listen(t.Context(), s.SiteNamespace(), "tcp", site)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn) }()
		}
	}()
	dial := func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		conn, err := s.DialContext(ctx, s.Namespace(), "tcp", site)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	if err := dial(5 * time.Second); err != nil {
		t.Fatalf("before the cut: %v", err)
	}
	for range 2 {
		if err := s.Cut(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := dial(300 * time.Millisecond); err == nil {
			t.Error("the cut line carries")
		}
		if err := s.Restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := dial(5 * time.Second); err != nil {
			t.Errorf("after the cut: %v", err)
		}
	}
}

func TestDHCPAndCapture(t *testing.T) {
	s, dir := open(t, "t-dhcp"), t.TempDir()
	const mac = "52:54:00:77:00:01"
	want := netip.MustParseAddr("10.77.0.42")
	dhcp, err := s.StartDHCP(t.Context(), dir, Reservation{MAC: mac, Addr: want})
	if err != nil {
		t.Fatal(err)
	}
	pcap := filepath.Join(dir, "ward.pcap")
	capture, err := s.Capture(t.Context(), pcap)
	if err != nil {
		t.Fatal(err)
	}
	// A client on the bridge by a veth pair, in place of a machine.
	for _, args := range []string{
		"link add c0 type veth peer name c1", "link set c0 master br0 up", "link set c1 address " + mac + " up",
	} {
		if err := ip(t.Context(), append([]string{"-n", s.Namespace()}, strings.Fields(args)...)...); err != nil {
			t.Fatal(err)
		}
	}
	err = inside(s.Namespace(), func() error {
		client, err := nclient4.New("c1")
		if err != nil {
			return err
		}
		defer client.Close()
		lease, err := client.Request(t.Context())
		if err != nil {
			return err
		}
		if lease.ACK.BootFileName != "" || lease.ACK.ServerHostName != "" || lease.ACK.ClassIdentifier() != "" {
			t.Errorf("the plain server speaks of booting: %v", lease.ACK.Summary())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	leases, err := dhcp.Leases()
	if err != nil || len(leases) != 1 || leases[0].MAC != mac || leases[0].Addr != want {
		t.Errorf("leases %v, %v; want %s at %v", leases, err, mac, want)
	}
	if err := capture.Stop(); err != nil {
		t.Error(err)
	}
	out, err := exec.Command("tcpdump", "-n", "-r", pcap, "port", "67").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "BOOTP/DHCP, Request") || !strings.Contains(string(out), "Reply") {
		t.Errorf("capture: %v\n%s", err, out)
	}
}

func TestStartQuotesFailure(t *testing.T) {
	s := open(t, "t-fail")
	err := s.Start(t.Context(), s.Namespace(), filepath.Join(t.TempDir(), "log"), "ready", "sh", "-c", "echo no such thing; exit 1")
	if err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("error %v, want what the program said", err)
	}
}

func TestOpenReplacesWhatACrashLeft(t *testing.T) {
	s := open(t, "t-crash")
	for range 2 {
		if err := s.Tap(t.Context(), "tap-pc"); err != nil {
			t.Fatal(err)
		}
	}
	out, err := s.Exec(t.Context(), "ip", "-brief", "link", "show", "master", Bridge)
	if err != nil || !strings.Contains(string(out), "tap-pc") {
		t.Errorf("bridge has %q, %v", out, err)
	}
	// A program that a killed run left behind has no parent any more.
	if _, err := s.Exec(t.Context(), "sh", "-c", "sleep 600 >/dev/null 2>&1 &"); err != nil {
		t.Fatal(err)
	}
	again := open(t, "t-crash")
	out, err = again.Exec(t.Context(), "ip", "-brief", "link", "show", "master", Bridge)
	if err != nil || len(out) != 0 {
		t.Errorf("new bridge has %q, %v", out, err)
	}
	if _, err := again.StartDHCP(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Name: "t-crash"}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("error %v, want that somebody lives there", err)
	}
}

func TestParseLeases(t *testing.T) {
	const file = "1700000000 52:54:00:AA:00:01 10.77.0.101 ward-1 ff:00\n" +
		"1700000001 52:54:00:aa:00:02 10.77.0.102 * *\n\nduid 00:01\n7 8 fd00::1 x y z\n"
	got, err := ParseLeases(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := []Lease{
		{time.Unix(1700000000, 0).UTC(), "52:54:00:aa:00:01", netip.MustParseAddr("10.77.0.101"), "ward-1"},
		{time.Unix(1700000001, 0).UTC(), "52:54:00:aa:00:02", netip.MustParseAddr("10.77.0.102"), ""},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("leases (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"1 2 3\n", "x m 10.0.0.1 * *\n", "1 m nowhere * *\n"} {
		if _, err := ParseLeases(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: error %v, want its line", bad, err)
		}
	}
}

func FuzzParseLeases(f *testing.F) {
	f.Add("1700000000 52:54:00:aa:00:01 10.77.0.101 ward-1 ff:00\n")
	f.Add("duid 1\n")
	f.Fuzz(func(t *testing.T, in string) {
		leases, err := ParseLeases(strings.NewReader(in))
		for _, l := range leases {
			if err != nil || !l.Addr.IsValid() {
				t.Errorf("%q gives %+v, %v", in, l, err)
			}
		}
	})
}

func TestMain(m *testing.M) {
	if os.Geteuid() != 0 {
		println("the tests of this package make network namespaces: run them as root")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestDHCPOptions(t *testing.T) {
	s := &Segment{config: Config{Name: "w", DHCPOptions: []string{"--dhcp-boot=x.0"}}.withDefaults()}
	args, err := s.dnsmasqArgs("leases", nil)
	if err != nil || !slices.Contains(args, "--dhcp-boot=x.0") {
		t.Errorf("dnsmasq is called with %q, %v", args, err)
	}
}
