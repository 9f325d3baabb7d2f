//go:build system

package systemtest

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/lab/segment"
)

// The modes: what the box is on its segment, and who gives addresses there.
const (
	modeProxy  = "proxy"         // beside a DHCP server that says nothing of network boot
	modeNext   = "proxy-next"    // beside one whose next-server names the box
	modeKea    = "proxy-kea"     // beside Kea, bare
	modeDHCPD  = "proxy-dhcpd"   // beside ISC's dhcpd, bare
	mode60     = "proxy-60"      // beside one that wrongly sends option 60
	modeFile   = "proxy-file"    // beside one that wrongly sends a boot file
	modeBoth   = "proxy-60-file" // beside one that wrongly sends both, and so is a PXE server
	modeRival  = "proxy-rival"   // beside another PXE server
	modeIgnore = "proxy-ignored" // beside one that tells iPXE to leave proxies alone
	modeAlone  = "proxy-alone"   // nobody gives addresses
	modeRelay  = "relay"         // behind a relay, in a network of servers
	modeACL    = "relay-acl"     // the same, and the router drops TFTP and HTTP to the box
	mode4011   = "proxy-4011"    // on the host of the DHCP server, which has port 67
	modeDHCP   = "dhcp"          // the only DHCP server
)

// bootMode is the network of some rows.
type bootMode struct {
	name    string
	options []string // of dnsmasq as the segment's DHCP server
	bare    bool     // dnsmasq is the segment's DHCP server
	next    bool     // it names the box as next-server
	server  func(ctx context.Context, s *segment.Segment, dir string) error
}

// To whom dnsmasq sends option 60: docs/formats/box-config.md.
var option60 = []string{"--dhcp-vendorclass=set:pxe,PXEClient", "--dhcp-option-force=tag:pxe,60,PXEClient"}

func bootModes() []bootMode {
	file := []string{"--dhcp-boot=pxelinux.0"}
	return []bootMode{
		{name: modeProxy, bare: true},
		{name: modeNext, bare: true, next: true},
		{name: modeKea, server: startKea},
		{name: modeDHCPD, server: startDHCPD},
		{name: mode60, bare: true, options: option60},
		{name: modeFile, bare: true, options: file},
		{name: modeBoth, bare: true, options: slices.Concat(option60, file)},
		{name: modeRival, bare: true, server: startRival},
		{name: modeIgnore, bare: true, options: []string{"--dhcp-option=encap:175,176,1b"}},
		{name: modeAlone},
		{name: modeRelay, server: startRelay},
		{name: modeACL, server: func(ctx context.Context, s *segment.Segment, dir string) error {
			for protocol, port := range map[string]string{"udp": "69", "tcp": "80"} {
				if err := ip("-n", s.Namespace(), "rule", "add", "ipproto", protocol, "dport", port, "blackhole"); err != nil {
					return err
				}
			}
			return startRelay(ctx, s, dir)
		}},
		{name: mode4011, server: startBeside},
		{name: modeDHCP},
	}
}

// relayed says whether the box is in another network than the machines.
func relayed(mode string) bool { return mode == modeRelay || mode == modeACL }

// boxAddress is where the box is in this mode.
func boxAddress(mode string) string {
	if relayed(mode) {
		return "10.78.0.2"
	}
	return bootBox
}

// bootNetwork is a segment with a host for the box's servers and a tap for machines.
func bootNetwork(t *testing.T, m bootMode) *segment.Segment {
	t.Helper()
	c := segment.Config{Name: bootSegment, DHCPOptions: m.options}
	if m.next {
		c.NextServer = netip.MustParseAddr(bootBox)
	}
	s, err := segment.Open(t.Context(), c, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	box, rival := s.Namespace()+"-box", s.Namespace()+"-rival"
	clear := func() { exec.Command("ip", "netns", "del", box).Run(); exec.Command("ip", "netns", "del", rival).Run() }
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		clear()
	})
	clear() // of a run that was killed
	if err := host(s, "box", boxAddress(m.name)); err != nil {
		t.Fatal(err)
	}
	if err := s.Tap(t.Context(), bootTap); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(bootsDir(t), "dhcp")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if m.bare {
		if _, err := s.StartDHCP(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
	}
	if m.server != nil {
		if err := m.server(t.Context(), s, dir); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// host puts a host on the segment, or behind its router if its address is elsewhere.
func host(s *segment.Segment, name, address string) error {
	ns, port := s.Namespace()+"-"+name, name+"port"
	commands := []string{
		"netns add " + ns, "-n " + ns + " link set lo up",
		"-n " + s.Namespace() + " link add " + port + " type veth peer name eth0 netns " + ns,
		"-n " + ns + " addr add " + address + "/24 dev eth0", "-n " + ns + " link set eth0 up",
	}
	if a := netip.MustParseAddr(address); s.Gateway().Contains(a) {
		commands = append(commands, "-n "+s.Namespace()+" link set "+port+" master "+segment.Bridge+" up")
	} else {
		router := netip.PrefixFrom(a, 24).Masked().Addr().Next().String()
		commands = append(commands, "-n "+s.Namespace()+" addr add "+router+"/24 dev "+port, "-n "+s.Namespace()+" link set "+port+" up",
			"-n "+ns+" route add default via "+router)
	}
	for _, c := range commands {
		if err := ip(strings.Fields(c)...); err != nil {
			return err
		}
	}
	return nil
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}
