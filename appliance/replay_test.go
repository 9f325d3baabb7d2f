package appliance

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/httpboot"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/appliance/selftest"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/appliance/tftp"
	"github.com/bootward/bootward/internal/pcap"
	"github.com/bootward/bootward/osd/trace"
)

var update = flag.Bool("update", false, "write the golden files anew")

// capture is what its file does not say of the box.
type capture struct {
	box, image string
	arch       string // of the boot image; x64 when empty
	next       bool   // nothing is advertised, and policy says abort
	lacks      bool   // the content of the boot image is not on the box
}

// captureOf is where the captures of testdata/trace were taken: those of real firmware
// by TestBoots of lab/systemtest, the synthetic ones by TestTraceOnASegment.
func captureOf(name string) capture {
	if strings.HasPrefix(name, "synthetic-") {
		return capture{box: "192.168.77.1", image: "CEN00002"}
	}
	c := capture{box: "10.77.0.2", image: "img", next: strings.HasSuffix(name, "-sent-on"), lacks: strings.HasSuffix(name, "-file-missing")}
	if name == "uefi-relayed" || name == "uefi-not-fetched" {
		c.box = "10.78.0.2" // beside the router, which is the relay
	}
	return c
}

// replayed is a box without sockets that hears a capture.
type replayed struct {
	t *testing.T
	capture
	address netip.Addr
	clock   time.Time
	store   *store.Store
	flight  *recorder
	dhcp    *dhcp.Server
}

func replayBox(t *testing.T, name string) *replayed {
	t.Helper()
	r := &replayed{t: t, capture: captureOf(name)}
	r.address = netip.MustParseAddr(r.box)
	quiet := slog.New(slog.DiscardHandler)
	var err error
	if r.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "box.db"), quiet, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.store.Close() })
	r.flight = newRecorder(r.store, func() time.Time { return r.clock })
	r.dhcp = &dhcp.Server{Sockets: &dhcp.Sockets{Interface: "eth0"}, Address: func() netip.Addr { return r.address }, Observe: r.flight.dhcp, Log: quiet,
		Handler: pxe.Handler(func(context.Context, pxe.Machine) pxe.Intent {
			if r.next {
				return pxe.Intent{Action: pxe.NextDevice, Reason: "nothing is advertised, and policy says abort"}
			}
			return pxe.Intent{Action: pxe.Boot, Image: pxe.Image{ID: r.image}, Reason: "the capture's machine is to boot"}
		}, pxe.Server{BoxID: "CEN00005", SiteCode: "CEN"})}
	return r
}

// withoutOwnQuestions drops what the box's watch for other servers asks, under addresses that
// are made up: its sockets do not hear what it broadcasts itself.
func withoutOwnQuestions(packets []pcap.Packet) []pcap.Packet {
	return slices.DeleteFunc(packets, func(p pcap.Packet) bool {
		m, err := dhcpv4.FromBytes(p.Payload)
		return err == nil && p.Source.Addr().IsUnspecified() && !bytes.Equal(m.ClientHWAddr, p.SourceMAC)
	})
}

// hear does with one packet what the box's sockets and servers do with it.
func (r *replayed) hear(p pcap.Packet) {
	r.clock = p.Time
	ours, mac := p.Dest.Addr() == r.address, p.SourceMAC.String()
	if near := netip.PrefixFrom(r.address, 24).Masked(); !near.Contains(p.Source.Addr()) {
		mac = r.flight.whose(p.Source.Addr()) // the frame is the router's
	}
	switch port := p.Dest.Port(); {
	case p.Source.Addr() == r.address:
	case p.TCP:
		if ours && port == 80 {
			r.get(mac, p.Payload)
		}
	case port == dhcp.ServerPort && (ours || p.Dest.Addr() == netip.AddrFrom4([4]byte{255, 255, 255, 255})), port == dhcp.ProxyPort && ours:
		r.dhcp.Replay(r.t.Context(), p.Payload, p.Source, port)
	case port == 69 && ours:
		r.tftp(mac, p.Payload)
	default:
		if o, ok := dhcp.Overhear(p.IP); ok {
			r.flight.overheard(selftest.Offer{Answer: o, Sender: p.SourceMAC})
		}
	}
	for len(r.flight.queue) > 0 {
		if err := (<-r.flight.queue)(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
}

// tftp takes a file that the box has for sent: a capture holds the request only.
func (r *replayed) tftp(mac string, b []byte) {
	if len(b) < 4 || b[1] != 1 {
		return
	}
	name, _, _ := bytes.Cut(b[2:], []byte{0})
	n, err := tftp.Normalise(string(name))
	if err == nil && (r.lacks || !strings.HasPrefix(n, strings.ToLower(r.image)+"/") && n != "undionly.kpxe") {
		err = fs.ErrNotExist
	}
	r.flight.tftp(func() string { return mac }, tftp.Transfer{Name: n, Err: err})
}

func (r *replayed) get(mac string, b []byte) {
	if !bytes.HasPrefix(b, []byte("GET /boot/")) {
		return
	}
	h := &httpboot.Handler{Log: slog.New(slog.DiscardHandler), Done: func(t httpboot.Transfer) { r.flight.http(func() string { return mac }, t) },
		Open: func(_ context.Context, q httpboot.Request) (httpboot.File, error) {
			switch {
			case q.Name == pxe.Only32Name:
				r.flight.only32(mac)
			case q.ImageID == "next" && q.Name == "boot.ipxe":
			case q.ImageID != r.image, r.lacks:
				return httpboot.File{}, fs.ErrNotExist
			}
			return httpboot.File{Content: strings.NewReader("")}, nil
		}}
	target, _, _ := strings.Cut(string(b[len("GET "):]), " ")
	q, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, target, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	h.ServeHTTP(discard{http.Header{}}, q)
}

// discard is an answer that nobody reads.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// TestCaptures plays each capture of testdata/trace to a box and compares what it
// says of the machine five minutes later.
func TestCaptures(t *testing.T) {
	files, err := filepath.Glob("testdata/trace/*.pcap")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".pcap"), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			packets, err := pcap.Read(f)
			if err != nil {
				t.Fatal(err)
			}
			r := replayBox(t, strings.TrimSuffix(filepath.Base(file), ".pcap"))
			packets = withoutOwnQuestions(packets)
			for _, p := range packets {
				r.hear(p)
			}
			golden(t, strings.TrimSuffix(file, ".pcap")+".golden", r.said(packets))
		})
	}
}

// said is the trace of the machine that boots, as people read it.
func (r *replayed) said(packets []pcap.Packet) string {
	var s strings.Builder
	for _, mac := range clients(packets) {
		events, err := r.store.FlightOf(r.t.Context(), mac, 1000)
		if err != nil {
			r.t.Fatal(err)
		}
		x := trace.Of(mac, events, nil, r.clock.Add(5*time.Minute))
		for _, e := range x.Entries {
			fmt.Fprintf(&s, "%6.1f s  %s\n", e.After.Seconds(), e.Text)
		}
		fmt.Fprintf(&s, "%s: %s\n", x.Diagnosis.Code, strings.Join(x.Diagnosis.Lines(), "\n  "))
	}
	return s.String()
}

// clients are the machines that ask in a capture.
func clients(packets []pcap.Packet) []string {
	var all []string
	for _, p := range packets {
		m, err := dhcpv4.FromBytes(p.Payload)
		if err != nil || p.Dest.Port() != dhcp.ServerPort || m.OpCode != dhcpv4.OpcodeBootRequest {
			continue
		}
		if mac := m.ClientHWAddr.String(); !slices.Contains(all, mac) {
			all = append(all, mac)
		}
	}
	return all
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (refresh with -update):\n%s", file, d)
	}
}

// TestRealFirmwareShowsEachDiagnosis: what a trace says of a boot is held against a
// capture of firmware, not of our own client alone.
func TestRealFirmwareShowsEachDiagnosis(t *testing.T) {
	files, err := filepath.Glob("testdata/trace/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[trace.Code]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			code, _, ok := strings.Cut(line, ": ")
			if ok && !strings.HasPrefix(filepath.Base(file), "synthetic-") {
				shown[trace.Code(code)] = true
			}
		}
	}
	for _, code := range []trace.Code{trace.Booting, trace.Option60, trace.OtherServer, trace.NoRequest, trace.IgnoresProxy, trace.NoBootImage,
		trace.FileMissing, trace.NotStarted, trace.SentOn} {
		if !shown[code] {
			t.Errorf("no capture of firmware shows %q", code)
		}
	}
}
