package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/bootward/bootward/osd/status"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"
)

// TestBootOnASegment boots a machine's firmware on a segment of its own as far
// as its boot files: DHCP, TFTP, HTTP and the flight recorder.
func TestBootOnASegment(t *testing.T) {
	r, s := onSegment(t)
	if r == nil {
		return
	}
	r.startBox()
	r.ready()
	s.IP(t, "client", "addr", "add", nstest.ClientAddr+"/24", "dev", nstest.Link)

	offer := discover(t, s, mac1, "PXEClient:Arch:00007:UNDI:003016")
	if offer == nil || !strings.HasSuffix(offer.BootFileName, "/uki.efi") || !offer.YourIPAddr.IsUnspecified() {
		t.Fatalf("offer to a machine with a grant: %v", offer)
	}
	if offer := discover(t, s, "52:54:00:99:99:99", "PXEClient:Arch:00007:UNDI:003016"); offer != nil {
		t.Errorf("a machine that is not in policy was offered %v", offer)
	}
	out := filepath.Join(t.TempDir(), "uki.efi")
	if text, err := s.Command(t, "client", "atftp", "--option", "blksize 1428", "-g", "-r", offer.BootFileName, "-l", out, nstest.BoxAddr).CombinedOutput(); err != nil {
		t.Errorf("atftp: %v %s", err, text)
	}
	var script string
	s.Do(t, "client", func() {
		id, _, _ := strings.Cut(offer.BootFileName, "/")
		resp, err := http.Get("http://" + nstest.BoxAddr + "/boot/" + id + "/boot.ipxe?mac=" + mac1)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		script = string(text)
	})
	if !strings.Contains(script, "kernel http://"+nstest.BoxAddr+"/boot/") || !strings.Contains(script, "console=ttyS0") {
		t.Errorf("script: %s", script)
	}
	r.eventually("flight recorder at the site", func() error {
		events, err := r.site.Flight(t.Context(), "ann", mac1)
		var words []string
		for _, e := range events {
			words = append(words, e.What)
		}
		if all := strings.Join(words, " "); err != nil || !strings.Contains(all, "dhcp-discover") || !strings.Contains(all, "dhcp-offer") || !strings.Contains(all, "http") {
			return errors.Join(err, errors.New("events: "+all))
		}
		return nil
	})
}

// discover broadcasts a DHCPDISCOVER of PXE firmware and returns the answer,
// nil if none comes within a second.
func discover(t *testing.T, s *nstest.Segment, mac, class string) *dhcpv4.DHCPv4 {
	t.Helper()
	hw, err := net.ParseMAC(mac)
	if err != nil {
		t.Fatal(err)
	}
	m, err := dhcpv4.NewDiscovery(hw, dhcpv4.WithOption(dhcpv4.OptClassIdentifier(class)),
		dhcpv4.WithGeneric(dhcpv4.OptionClientSystemArchitectureType, []byte{0, 7}))
	if err != nil {
		t.Fatal(err)
	}
	var answer *dhcpv4.DHCPv4
	s.Do(t, "client", func() {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{Port: 68})
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		raw, err := conn.SyscallConn()
		if err != nil {
			t.Error(err)
			return
		}
		raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1)
			unix.BindToDevice(int(fd), nstest.Link)
		})
		if _, err := conn.WriteToUDP(m.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: 67}); err != nil {
			t.Error(err)
			return
		}
		conn.SetReadDeadline(time.Now().Add(time.Second))
		buf := make([]byte, 1500)
		if n, err := conn.Read(buf); err == nil {
			answer, _ = dhcpv4.FromBytes(buf[:n])
		}
	})
	return answer
}

// TestAnotherPXEServer: a box beside one tells console and site, and tests its segment
// when policy comes.
func TestAnotherPXEServer(t *testing.T) {
	r, s := onSegment(t)
	if r == nil {
		return
	}
	s.IP(t, "client", "addr", "add", nstest.ClientAddr+"/24", "dev", nstest.Link)
	until(t, dnsmasq(t, s, "client", nstest.Link, "--dhcp-range=192.168.77.0,proxy", "--pxe-service=x86PC,Other,other"), "sockets bound", os.Kill)
	r.startBox()
	const want = "another PXE server answers on eth0: 192.168.77.50 (MAC 52:54:00:00:00:50; option 60 PXEClient,"
	r.eventually("alarm at the site", func() error {
		events, err := r.site.Flight(t.Context(), "ann", nstest.ClientMAC)
		for _, e := range events {
			if e.What == status.FlightAlarm && strings.Contains(e.Text, want) {
				return nil
			}
		}
		return errors.Join(err, fmt.Errorf("events: %+v", events))
	})
	r.eventually("self-test at the site", func() error {
		boxes, err := r.site.Boxes(t.Context(), "ann")
		if err != nil || boxes[0].CheckIn == nil || boxes[0].CheckIn.SelfTest == nil {
			return errors.Join(err, errors.New("the site has heard of no test"))
		}
		text := strings.Join(boxes[0].CheckIn.SelfTest.Lines(), "\n")
		if !strings.Contains(text, "server   PXE server 192.168.77.50 (MAC 52:54:00:00:00:50)") || !strings.Contains(text, "problem  no DHCP server offers an address") {
			return errors.New(text)
		}
		return nil
	})
}
