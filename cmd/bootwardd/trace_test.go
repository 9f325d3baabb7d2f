package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"
)

// captureTo names the folder to which TestTraceOnASegment writes what is on the wire;
// it then plays what takes real pauses too. A flag would not reach the segment.
const captureTo = "BOOTWARD_CAPTURE"

// rom is a client on the segment that says and does what firmware does.
type rom struct {
	t    *testing.T
	s    *nstest.Segment
	mac  net.HardwareAddr
	conn *net.UDPConn
	id   byte // of the next transaction
}

// The kinds of firmware: option 60 and option 93.
var (
	uefiPXE  = [2]string{"PXEClient:Arch:00007:UNDI:003016", "\x00\x07"}
	uefiHTTP = [2]string{"HTTPClient:Arch:00016:UNDI:003016", "\x00\x10"}
	uefi32   = [2]string{"PXEClient:Arch:00006:UNDI:003016", "\x00\x06"}
)

// message is a packet of firmware, with the options that OVMF sends.
func (r *rom) message(kind [2]string, of dhcpv4.MessageType, mods ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	r.t.Helper()
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(r.mac), dhcpv4.WithMessageType(of), dhcpv4.WithBroadcast(true),
		dhcpv4.WithTransactionID(dhcpv4.TransactionID{0x77, 0, 0, r.id}),
		dhcpv4.WithGeneric(dhcpv4.OptionMaximumDHCPMessageSize, []byte{0x05, 0xc0}),
		dhcpv4.WithGeneric(dhcpv4.OptionParameterRequestList, []byte{1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97, 128, 129, 130, 131, 132, 133, 134, 135}),
		dhcpv4.WithGeneric(dhcpv4.OptionClientMachineIdentifier, append([]byte{0}, "segment-test-uid"...)),
		dhcpv4.WithGeneric(dhcpv4.OptionClientNetworkInterfaceIdentifier, []byte{1, 3, 16}),
		dhcpv4.WithGeneric(dhcpv4.OptionClientSystemArchitectureType, []byte(kind[1])),
		dhcpv4.WithOption(dhcpv4.OptClassIdentifier(kind[0]))}, mods...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// send sends m and waits for n answers in its transaction, two seconds at most.
func (r *rom) send(m *dhcpv4.DHCPv4, to string, n int) (answers []*dhcpv4.DHCPv4) {
	r.t.Helper()
	addr, err := net.ResolveUDPAddr("udp4", to)
	if err == nil {
		_, err = r.conn.WriteToUDP(m.ToBytes(), addr)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	buf := make([]byte, 1500)
	for len(answers) < n {
		k, err := r.conn.Read(buf)
		if err != nil {
			r.t.Fatalf("%d answers of %d to %s: %v", len(answers), n, m.MessageType(), err)
		}
		if a, err := dhcpv4.FromBytes(buf[:k]); err == nil && a.TransactionID == m.TransactionID {
			answers = append(answers, a)
		}
	}
	return answers
}

// discover asks anew and waits for n offers.
func (r *rom) discover(kind [2]string, n int) []*dhcpv4.DHCPv4 {
	r.id++
	return r.send(r.message(kind, dhcpv4.MessageTypeDiscover), "255.255.255.255:67", n)
}

// take takes the address that one of the offers gives, as far as the ACK.
func (r *rom) take(kind [2]string, offers []*dhcpv4.DHCPv4) {
	r.t.Helper()
	i := slices.IndexFunc(offers, func(o *dhcpv4.DHCPv4) bool { return !o.YourIPAddr.IsUnspecified() })
	if i < 0 {
		r.t.Fatalf("no offer gives an address: %v", offers)
	}
	o := offers[i]
	r.send(r.message(kind, dhcpv4.MessageTypeRequest, dhcpv4.WithOption(dhcpv4.OptServerIdentifier(o.ServerIdentifier())),
		dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(o.YourIPAddr))), "255.255.255.255:67", 1)
	r.s.IP(r.t, "client", "addr", "replace", o.YourIPAddr.String()+"/24", "dev", nstest.Link)
}

// ask4011 asks a proxy for its boot file.
func (r *rom) ask4011(server string, n int) []*dhcpv4.DHCPv4 {
	return r.send(r.message(uefiPXE, dhcpv4.MessageTypeRequest), server+":4011", n)
}

func (r *rom) tftp(name string) {
	r.s.Command(r.t, "client", "atftp", "--option", "blksize 1428", "-g", "-r", name, "-l", filepath.Join(r.t.TempDir(), "file"), nstest.BoxAddr).Run() // may fail: files are missing
}

// pause is one of firmware.
func (r *rom) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.t.Context().Done():
	}
}

// boots is what machines do, and what is to be said of it.
var boots = []struct {
	name    string
	dnsmasq []string // nil: there is no DHCP server
	pauses  bool     // it is made of pauses: played for captures only
	play    func(*rom)
	want    trace.Code
	certain bool
}{
	{"option-60", []string{"--dhcp-option-force=60,PXEClient"}, false, func(r *rom) {
		for range 2 {
			r.take(uefiPXE, r.discover(uefiPXE, 2))
			r.ask4011(nstest.ForeignAddr, 0)
		}
	}, trace.Option60, true},
	{"option-60-unheard", []string{"--dhcp-option-force=60,PXEClient", "--dhcp-range=192.168.77.100,192.168.77.100,1h"}, true, func(r *rom) {
		for range 2 { // without the broadcast flag the switch keeps the other server's offer from the box
			r.id++
			direct := dhcpv4.WithBroadcast(false)
			r.send(r.message(uefiPXE, dhcpv4.MessageTypeDiscover, direct), "255.255.255.255:67", 1)
			r.send(r.message(uefiPXE, dhcpv4.MessageTypeRequest, direct, dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(nstest.ForeignAddr))),
				dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IP{192, 168, 77, 100}))), "255.255.255.255:67", 0)
			r.pause(11 * time.Second)
		}
	}, trace.Option60, false},
	{"other-server", []string{"--dhcp-boot=grubx64.efi"}, false, func(r *rom) { r.take(uefiPXE, r.discover(uefiPXE, 2)) }, trace.OtherServer, true},
	{"other-proxy", []string{}, false, func(r *rom) {
		r.s.IP(r.t, "switch", "addr", "replace", "192.168.77.8/24", "dev", "br0")
		until(r.t, dnsmasq(r.t, r.s, "switch", "br0", "--dhcp-range=192.168.77.0,proxy", "--pxe-service=X86-64_EFI,Another,grubx64"), "sockets bound", os.Kill)
		r.take(uefiPXE, r.discover(uefiPXE, 3))
		r.ask4011("192.168.77.8", 1)
	}, trace.OtherServer, true},
	{"impostor", []string{}, false, func(r *rom) {
		r.s.IP(r.t, "switch", "addr", "flush", "dev", "br0", "scope", "global")
		r.s.IP(r.t, "switch", "addr", "replace", nstest.BoxAddr+"/24", "dev", "br0")
		until(r.t, dnsmasq(r.t, r.s, "switch", "br0", "--dhcp-range=192.168.77.0,proxy", "--pxe-service=X86-64_EFI,Another,grubx64"), "sockets bound", os.Kill)
		r.take(uefiPXE, r.discover(uefiPXE, 3))
		r.s.IP(r.t, "switch", "addr", "del", nstest.BoxAddr+"/24", "dev", "br0")
	}, trace.Impostor, true},
	{"no-request", nil, false, func(r *rom) { r.discover(uefiPXE, 1); r.discover(uefiPXE, 1) }, trace.NoRequest, true},
	{"ignores-proxy", []string{}, false, func(r *rom) { r.take(uefiPXE, r.discover(uefiPXE, 2)) }, trace.IgnoresProxy, true},
	{"ignores-proxy-http", []string{}, false, func(r *rom) { r.take(uefiHTTP, r.discover(uefiHTTP, 2)) }, trace.IgnoresProxy, true},
	{"no-boot-image", []string{}, false, func(r *rom) { r.discover(uefi32, 1) }, trace.NoBootImage, true},
	{"not-fetched", []string{}, false, func(r *rom) {
		r.take(uefiPXE, r.discover(uefiPXE, 2))
		r.ask4011(nstest.BoxAddr, 1)
	}, trace.NotFetched, true},
	{"file-missing", []string{}, false, func(r *rom) {
		r.take(uefiPXE, r.discover(uefiPXE, 2))
		r.tftp("pxelinux.0")
	}, trace.FileMissing, true},
	{"file-missing-http", []string{}, false, func(r *rom) {
		r.take(uefiHTTP, r.discover(uefiHTTP, 2))
		if text, err := r.s.Command(r.t, "client", "curl", "-sS", "http://"+nstest.BoxAddr+"/boot/CEN00099/uki.efi").CombinedOutput(); err != nil {
			r.t.Errorf("curl: %v %s", err, text)
		}
	}, trace.FileMissing, true},
	{"loaded", []string{}, false, func(r *rom) {
		r.take(uefiPXE, r.discover(uefiPXE, 2))
		r.tftp(r.ask4011(nstest.BoxAddr, 1)[0].BootFileName)
	}, trace.NotStarted, true},
}

// TestTraceOnASegment plays machines that do not boot beside a real DHCP server, and
// compares what the box says of each.
func TestTraceOnASegment(t *testing.T) {
	r, s := onSegment(t)
	if r == nil {
		return
	}
	r.startBox()
	r.ready()
	mac, err := net.ParseMAC(mac1)
	if err != nil {
		t.Fatal(err)
	}
	s.IP(t, "client", "link", "set", nstest.Link, "address", mac1)
	s.IP(t, "client", "route", "replace", "255.255.255.255/32", "dev", nstest.Link)
	rom := &rom{s: s, mac: mac}
	for _, b := range boots {
		if b.pauses && os.Getenv(captureTo) == "" {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			rom.t = t
			rom.conn = bootPort(t, s)
			s.IP(t, "client", "addr", "flush", "dev", nstest.Link, "scope", "global")
			if b.dnsmasq != nil {
				foreign(t, s, b.dnsmasq)
			}
			start := time.Now()
			if os.Getenv(captureTo) != "" {
				capturing(t, s, b.name)
			}
			b.play(rom)
			r.eventually("diagnosis of "+b.name, func() error {
				events, err := r.site.Flight(t.Context(), "ann", mac1)
				events = slices.DeleteFunc(events, func(e status.FlightEvent) bool { return e.Time.Before(start) })
				d := trace.Diagnose(events, nil, time.Now().Add(5*time.Minute))
				if err == nil && (d.Code != b.want || d.Certain != b.certain) {
					err = fmt.Errorf("%+v of %+v", d, events)
				}
				return err
			})
		})
	}
}

// TestExplainOnASegment: what the box explains is what it sends, and explaining
// changes nothing.
func TestExplainOnASegment(t *testing.T) {
	r, s := onSegment(t)
	if r == nil {
		return
	}
	r.startBox()
	r.ready()
	r.stopBox()
	r.staff()
	r.startBox()
	r.ready()
	c := r.technician()
	explain := func(mac, firmware string) api.BootExplanation {
		t.Helper()
		x, err := c.Explain(t.Context(), mac, firmware)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	if _, err := c.SignIn(t.Context(), "bob", technicianPIN); err != nil {
		t.Fatal(err)
	}
	before := explain(mac1, "")
	sent := map[string]bool{}
	for _, a := range before.Answers {
		sent[a.Firmware] = a.Send
	}
	if len(before.Answers) < 8 || !sent["bios-pxe"] || !sent["uefi-x64-http"] || sent["uefi-ia32"] || before.Interface != nstest.Link || before.Mode != "proxy" {
		t.Errorf("%+v", before)
	}
	if x, err := c.Trace(t.Context(), mac1); err != nil || x.Diagnosis.Code != trace.Nothing {
		t.Errorf("explaining left a trace: %+v, %v", x, err)
	}
	offer := discover(t, s, mac1, "PXEClient:Arch:00007:UNDI:003016")
	r.eventually("firmware that was shown", func() error {
		x := explain(mac1, "")
		if len(x.Answers) != 1 || x.Firmware != "uefi-x64-pxe" {
			return fmt.Errorf("%+v", x)
		}
		a := x.Answers[0]
		if offer == nil || a.File != offer.BootFileName || a.NextServer != offer.ServerIPAddr.String() || len(a.Options) != 3 || !strings.Contains(fmt.Sprint(a.Policy), "ward7-pc1") {
			return fmt.Errorf("%+v, and it was sent %v", a, offer)
		}
		return nil
	})
	if x := explain("52:54:00:99:99:99", "uefi-x64-pxe"); x.Answers[0].Send || x.Answers[0].Action != "silent" {
		t.Errorf("a machine that policy does not know: %+v", x)
	}
	_, err := c.Explain(t.Context(), mac1, "toaster")
	wants(t, "a toaster", err, api.CodeInvalid)
}

// bootPort is UDP port 68 of the client, which has no address yet.
func bootPort(t *testing.T, s *nstest.Segment) (conn *net.UDPConn) {
	s.Do(t, "client", func() {
		var err error
		if conn, err = net.ListenUDP("udp4", &net.UDPAddr{Port: 68}); err != nil {
			t.Error(err)
			return
		}
		raw, err := conn.SyscallConn()
		if err == nil {
			var set error
			err = raw.Control(func(fd uintptr) {
				set = errors.Join(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1), unix.BindToDevice(int(fd), nstest.Link))
			})
			err = errors.Join(err, set)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// foreign runs the segment's DHCP server for one test.
func foreign(t *testing.T, s *nstest.Segment, options []string) {
	t.Helper()
	if !slices.ContainsFunc(options, func(o string) bool { return strings.HasPrefix(o, "--dhcp-range=") }) {
		options = append(slices.Clone(options), "--dhcp-range=192.168.77.100,192.168.77.110,1h")
	}
	until(t, dnsmasq(t, s, "foreign", nstest.Link, options...), "sockets bound", os.Kill)
}

func dnsmasq(t *testing.T, s *nstest.Segment, host, link string, options ...string) *exec.Cmd {
	return s.Command(t, host, "dnsmasq", append([]string{"--conf-file=/dev/null", "--no-daemon", "--port=0", "--interface=" + link, "--bind-interfaces",
		"--leasefile-ro", "--no-ping", "--user=root", "--log-facility=-"}, options...)...)
}

// capturing writes what the box's link carries of a boot to NAME.pcap.
func capturing(t *testing.T, s *nstest.Segment, name string) {
	t.Helper()
	file := filepath.Join(os.Getenv(captureTo), "synthetic-"+name+".pcap")
	until(t, s.Command(t, "box", "tcpdump", "-U", "--immediate-mode", "-i", nstest.Link, "-w", file,
		"udp port 67 or udp port 68 or udp port 4011 or udp port 69 or tcp port 80"), "listening on", os.Interrupt)
}

// until starts a program, waits until it says that it is ready, and ends it with
// the test.
func until(t *testing.T, c *exec.Cmd, words string, end os.Signal) {
	t.Helper()
	out, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	go func() {
		var all strings.Builder
		told := false
		buf := make([]byte, 512)
		for {
			n, err := out.Read(buf)
			all.Write(buf[:n])
			if !told && strings.Contains(all.String(), words) {
				told = true
				close(ready)
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { c.Process.Signal(end); c.Wait() })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	select {
	case <-ready:
	case <-ctx.Done():
		t.Fatalf("%s did not say %q", c.Path, words)
	}
}
