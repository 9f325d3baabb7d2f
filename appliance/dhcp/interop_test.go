package dhcp

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/insomniacslk/dhcp/dhcpv4"
)

// asROM is what boot ROMs ask for: some servers send only that.
var asROM = dhcpv4.WithRequestedOptions(dhcpv4.OptionClassIdentifier, dhcpv4.OptionVendorSpecificInformation,
	dhcpv4.OptionTFTPServerName, dhcpv4.OptionBootfileName)

// TestProxyBesideForeignServers: beside each server, bare and wrongly set up, a PXE
// client hears our whole offer, and what is wrong there is said in words.
func TestProxyBesideForeignServers(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	start(t, &Server{Handler: bootHandler})
	c := newClient(t, seg, clientPort)
	for _, server := range foreignServers {
		for _, tc := range []struct {
			name string
			settings
			says string
		}{
			{"bare", settings{}, ""},
			{"option 60", settings{class: "PXEClient"}, "sends option 60 PXEClient: UEFI firmware then asks it on UDP 4011"},
			{"boot file", settings{file: "wrong.0"}, `sends the boot file "wrong.0"`},
		} {
			t.Run(server.name+" "+tc.name, func(t *testing.T) {
				stop := server.start(t, seg, "foreign", tc.settings)
				defer stop()
				lease := besideOurs(t, c)
				said := strings.Join(Foreign(lease), "; ")
				if tc.says == "" && said != "" || !strings.Contains(said, tc.says) {
					t.Errorf("said of it: %q, want %q; it sent %s", said, tc.says, lease.Summary())
				}
			})
		}
	}
}

// besideOurs asks as a ROM until the foreign server and we have answered, checks our
// offer, and returns the foreign one.
func besideOurs(t *testing.T, c *client) (lease *dhcpv4.DHCPv4) {
	t.Helper()
	var boot *dhcpv4.DHCPv4
	answers, _ := c.ask(t, message(t, c.mac, dhcpv4.MessageTypeDiscover, pxeClass, asROM), "255.255.255.255:67", 2, 5*time.Second)
	for _, a := range answers {
		if addr4(a.YourIPAddr).IsValid() {
			lease = a
		} else {
			boot = a
		}
	}
	if lease == nil || boot == nil {
		t.Fatalf("answers: %v", answers)
	}
	if boot.BootFileName != "x/uki.efi" || boot.ClassIdentifier() != "PXEClient" || !boot.ServerIdentifier().Equal(net.ParseIP(nstest.BoxAddr)) {
		t.Errorf("our offer: %s", boot.Summary())
	}
	return lease
}

// TestProxy4011BesideServersOfTheHost: each server has port 67 of our own host and sends
// option 60; the client then asks the same address on 4011.
func TestProxy4011BesideServersOfTheHost(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	socks, err := ListenProxy(nstest.Link)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Handler: bootHandler}
	startOn(t, s, socks)
	seg.IP(t, "box", "route", "replace", "255.255.255.255/32", "dev", nstest.Link)
	for _, server := range foreignServers {
		t.Run(server.name, func(t *testing.T) {
			stop := server.start(t, seg, "box", settings{class: "PXEClient"})
			defer stop()
			c := newClient(t, seg, clientPort)
			defer c.conn.Close()
			answers, _ := c.ask(t, message(t, c.mac, dhcpv4.MessageTypeDiscover, pxeClass, asROM), "255.255.255.255:67", 1, 5*time.Second)
			if len(answers) != 1 || answers[0].ClassIdentifier() != "PXEClient" || answers[0].BootFileName != "" {
				t.Fatalf("the host's server offered %v", answers)
			}
			if plain, _ := c.ask(t, message(t, c.mac, dhcpv4.MessageTypeDiscover), "255.255.255.255:67", 1, 5*time.Second); len(plain) != 1 || plain[0].ClassIdentifier() != "" {
				t.Errorf("the host's server offered ordinary clients %v", plain)
			}
			agent := message(t, c.mac, dhcpv4.MessageTypeDiscover, pxeClass)
			if a, _ := c.ask(t, agent, "255.255.255.255:4011", 1, 2*time.Second); len(a) != 1 || a[0].MessageType() != dhcpv4.MessageTypeOffer {
				t.Errorf("an agent's question on 4011: %v", a)
			}
			id := addr4(answers[0].ServerIdentifier())
			seg.IP(t, "client", "addr", "replace", nstest.ClientAddr+"/24", "dev", nstest.Link)
			defer seg.IP(t, "client", "addr", "flush", "dev", nstest.Link)
			req := message(t, c.mac, dhcpv4.MessageTypeRequest, pxeClass, dhcpv4.WithClientIP(net.ParseIP(nstest.ClientAddr)),
				dhcpv4.WithOption(dhcpv4.OptServerIdentifier(id.AsSlice())))
			answers, from := c.ask(t, req, netip.AddrPortFrom(id, ProxyPort).String(), 1, 2*time.Second)
			if len(answers) != 1 || answers[0].MessageType() != dhcpv4.MessageTypeAck || answers[0].BootFileName != "x/uki.efi" {
				t.Errorf("4011 of %s: %v from %v", id, answers, from)
			}
		})
	}
}

// relayedLink is the cable between relay and client behind it.
const relayedLink = "eth1"

// behindRelay puts the client behind ISC's relay on host foreign, which adds option 82,
// with 10.78.0.1 as its address there, and forwards.
func behindRelay(t *testing.T, seg *nstest.Segment) {
	t.Helper()
	seg.Connect(t, "foreign", "client", relayedLink)
	seg.IP(t, "client", "link", "set", nstest.Link, "down")
	seg.IP(t, "foreign", "addr", "add", "10.78.0.1/24", "dev", relayedLink)
	seg.IP(t, "box", "route", "add", "10.78.0.0/24", "via", nstest.ForeignAddr)
	if out, err := seg.Command(t, "foreign", "sysctl", "-q", "-w", "net.ipv4.ip_forward=1").CombinedOutput(); err != nil {
		t.Fatalf("forward: %v: %s", err, out)
	}
	run(t, seg.Command(t, "foreign", "dhcrelay", "-4", "-d", "-a", "--no-pid", "-id", relayedLink, "-iu", nstest.Link, nstest.BoxAddr), "Sending on   Socket/fallback")
}

// TestRelayInProxyMode: a relay brings our boot offer to a machine in another segment,
// which then asks on 4011 through the router. In mode relay our own segment hears
// nothing.
func TestRelayInProxyMode(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	s := &Server{Handler: bootHandler, RelayedOnly: true}
	start(t, s)
	c := newClient(t, seg, clientPort)
	discover := message(t, c.mac, dhcpv4.MessageTypeDiscover, pxeClass)
	discover.SetUnicast()
	if a, _ := c.ask(t, discover, "255.255.255.255:67", 1, 200*time.Millisecond); len(a) != 0 || s.Stats().Foreign != 1 {
		t.Errorf("mode relay answered on its own segment: %v", a)
	}
	c.conn.Close()
	behindRelay(t, seg)
	c = newClientOn(t, seg, relayedLink, clientPort)
	answers, _ := c.ask(t, discover, "255.255.255.255:67", 1, 5*time.Second)
	if len(answers) != 1 || answers[0].BootFileName != "x/uki.efi" || !answers[0].ServerIdentifier().Equal(net.ParseIP(nstest.BoxAddr)) {
		t.Fatalf("through the relay: %v, stats %+v", answers, s.Stats())
	}
	seg.IP(t, "client", "addr", "add", "10.78.0.50/24", "dev", relayedLink)
	seg.IP(t, "client", "route", "add", "default", "via", "10.78.0.1")
	req := message(t, c.mac, dhcpv4.MessageTypeRequest, pxeClass, dhcpv4.WithClientIP(net.IP{10, 78, 0, 50}))
	if a, from := c.ask(t, req, nstest.BoxAddr+":4011", 1, 2*time.Second); len(a) != 1 || a[0].MessageType() != dhcpv4.MessageTypeAck {
		t.Errorf("4011 through the router: %v from %v", a, from)
	}
}

// TestDHCPModeClients: the clients of Debian get a reserved address on our segment, and
// one of its range behind a relay.
func TestDHCPModeClients(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	m := &memory{leases: map[netip.Addr]Lease{}}
	r := testRange("192.168.77.100", "192.168.77.110")
	r.Reserved = map[string]netip.Addr{nstest.ClientMAC: netip.MustParseAddr("192.168.77.7")}
	own, err := OpenPool(t.Context(), r, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Mode: DHCP, Leases: Pools{own, relayedPool(t, m)}, Handler: bootHandler}
	start(t, s)
	udhcpc(t, seg, nstest.Link, "192.168.77.7", "")
	dhclient(t, seg, nstest.Link, "192.168.77.7")
	behindRelay(t, seg)
	udhcpc(t, seg, relayedLink, "10.78.0.100", "10.78.0.1")
	dhclient(t, seg, relayedLink, "10.78.0.101")
	if st := s.Stats(); st.NoLease != 0 || st.Naks != 0 {
		t.Errorf("stats %+v", st)
	}
}

// udhcpc is busybox's client; it releases nothing.
func udhcpc(t *testing.T, seg *nstest.Segment, link, address, router string) {
	t.Helper()
	script := write(t, t.TempDir(), "script", "#!/bin/sh\n[ \"$1\" = bound ] && echo \"$ip $router\"\nexit 0\n")
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := seg.Command(t, "client", "busybox", "udhcpc", "-f", "-n", "-q", "-t", "5", "-T", "1", "-i", link, "-s", script).CombinedOutput()
	if want := strings.TrimRight(address+" "+router, " "); err != nil || !strings.Contains(string(out), want) {
		t.Errorf("udhcpc on %s: %v, want %s: %s", link, err, want, out)
	}
}

// dhclient asks with a client identifier of its own, and is ISC's.
func dhclient(t *testing.T, seg *nstest.Segment, link, address string) {
	t.Helper()
	dir := t.TempDir()
	config := write(t, dir, "conf", "send dhcp-client-identifier \"an operating system\";\ntimeout 10;\ninitial-interval 1;\n")
	leases := write(t, dir, "leases", "")
	out, err := seg.Command(t, "client", "dhclient", "-4", "-1", "-v", "-cf", config, "-lf", leases, "-pf", dir+"/pid", "-sf", "/bin/true", link).CombinedOutput()
	defer seg.Command(t, "client", "dhclient", "-x", "-cf", config, "-lf", leases, "-pf", dir+"/pid", "-sf", "/bin/true", link).Run()
	text, _ := os.ReadFile(leases)
	if err != nil || !strings.Contains(string(text), "fixed-address "+address+";") {
		t.Errorf("dhclient on %s: %v, want %s: %s", link, err, address, out)
	}
}
