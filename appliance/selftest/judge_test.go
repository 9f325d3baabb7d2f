package selftest

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/network"
)

var (
	sender = net.HardwareAddr{2, 0, 0, 0, 0, 9}
	given  = netip.MustParseAddr("192.168.77.100")
	usual  = netip.MustParseAddr("192.168.77.9")
	other  = netip.MustParseAddr("192.168.77.8")
)

// gives are the offers of a DHCP server that keeps out of network boot.
func gives(server netip.Addr, to ...Question) (all []Offer) {
	for _, q := range to {
		all = append(all, Offer{Answer: dhcp.Answer{Server: server, Address: given}, Sender: sender, Question: q})
	}
	return all
}

// rival is the offer of another PXE server.
func rival(server netip.Addr) Offer {
	return Offer{Answer: dhcp.Answer{Server: server, Class: "PXEClient", File: "wdsnbp.com", Boots: true,
		Words: []string{"another PXE server " + server.String() + " answers on this segment"}}, Sender: sender, Question: BIOS}
}

// impostor is the offer of a plain DHCP server under the address of the box.
func impostor() Offer {
	o := gives(netip.MustParseAddr("192.168.77.1"), Plain)[0]
	o.Interface = "eth0"
	o, _ = o.foreign(network.Snapshot{Links: []network.Link{{Name: "eth0"}}, Addresses: []network.Address{{Prefix: netip.MustParsePrefix("192.168.77.1/24")}}})
	return o
}

// healthy is a segment with nothing to say about.
func healthy() Observed {
	return Observed{Interface: "eth0", Carrier: true, Address: netip.MustParseAddr("192.168.77.1"), MTU: 1500, Offers: gives(usual, Questions...),
		Switch: &api.SwitchPort{Switch: "sw-7", Port: "Gi1/0/12"}, Listened: time.Minute, Path: &Path{Peer: other, Size: 1500, Small: true, Large: true}}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name string
		but  func(*Observed)
		want []string // severity and a part of the text, or of the question behind ?
	}{
		{"nothing", func(*Observed) {}, nil},
		{"no cable", func(o *Observed) { o.Carrier, o.Offers = false, nil }, []string{"problem nothing is at the other end", "?cable"}},
		{"no address", func(o *Observed) { o.Address = netip.Addr{} }, []string{"problem the box has no address"}},
		{"no DHCP server", func(o *Observed) { o.Offers = nil }, []string{"problem no DHCP server offers an address", "?IP helper"}},
		{"own MAC only", func(o *Observed) { o.Offers = gives(usual, Own) }, []string{"warning a DHCP server answers the box's own MAC", "?dhcp snooping trust"}},
		{"no network boot", func(o *Observed) { o.Offers = gives(usual, Own, Plain) }, []string{"problem a DHCP server answers ordinary machines but none that boot", "?vendor class PXEClient"}},
		{"two DHCP servers", func(o *Observed) { o.Offers = append(o.Offers, gives(other, Plain)...) }, []string{"note 2 DHCP servers answer: DHCP server 192.168.77.8", "?failover"}},
		{"the box is the DHCP server", func(o *Observed) { o.GivesAddresses, o.Offers = true, nil }, nil},
		{"and another one too", func(o *Observed) { o.GivesAddresses = true }, []string{"problem the box gives addresses here, and so does the DHCP server 192.168.77.9", "?only one of the two"}},
		{"PXE server", func(o *Observed) { o.Offers = append(o.Offers, rival(other), rival(other)) }, []string{"problem another PXE server 192.168.77.8"}},
		{"known PXE server", func(o *Observed) { o.Offers, o.Known = append(o.Offers, rival(other)), []string{other.String()} }, []string{"note another PXE server 192.168.77.8 answers on this segment (policy knows"}},
		{"impostor", func(o *Observed) {
			o.Offers, o.Known = append(o.Offers, impostor()), []string{o.Address.String()}
		}, []string{"problem ALARM: somebody else answers on eth0 under this box's own address 192.168.77.1 (MAC 02:00:00:00:00:09; option 60 none, no file)", "?which port"}},
		{"stray option", func(o *Observed) { o.Offers[1].Words = []string{"sends option 66"} }, []string{"warning sends option 66"}},
		{"snooping", func(o *Observed) { o.Deaf = []string{"a", "b", "c", "d"} }, []string{"problem no machine reacts to the box's offers; 4 ask again and again (a, b, c and others)", "?trusted port"}},
		{"snooping elsewhere", func(o *Observed) { o.Deaf, o.Reacted = []string{"a"}, 7 }, []string{"warning 1 machines ask again", "?is not trusted"}},
		{"path", func(o *Observed) { o.Path.Large = false }, []string{"problem the gateway 192.168.77.8 answers small pings but none of 1500 bytes", "?let packets of 1500"}},
		{"silent gateway", func(o *Observed) { o.Path = &Path{Peer: other, Size: 1500} }, []string{"note the gateway 192.168.77.8 does not answer pings"}},
		{"small MTU", func(o *Observed) { o.MTU = 1400 }, []string{"warning the MTU is 1400", "?an MTU of 1500"}},
		{"large MTU", func(o *Observed) { o.MTU = 9000 }, []string{"warning the MTU is 9000, but firmware boots with 1500"}},
		{"small frames", func(o *Observed) { o.Switch.MaxFrame = 1500 }, []string{"warning the switch says that its largest frame has 1500"}},
		{"802.1X shut", func(o *Observed) { o.AsksWho, o.Offers = true, nil }, []string{"problem the switch asks who is there (802.1X) and lets nothing pass", "?(MAB)", "problem no DHCP server"}},
		{"802.1X open", func(o *Observed) { o.AsksWho = true }, []string{"warning the switch asks who is there (802.1X); it lets the box in"}},
		{"no LLDP yet", func(o *Observed) { o.Switch, o.Listened = nil, 8*time.Second }, []string{"note the switch has not told its port yet (LLDP, CDP); the box has listened for 8s"}},
		{"no LLDP", func(o *Observed) { o.Switch, o.Listened = nil, switchPause }, []string{"note the switch does not tell its port", "?LLDP or CDP on the box's port"}},
		{"trouble", func(o *Observed) { o.Trouble = []string{"no packet socket"} }, []string{"warning no packet socket"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := healthy()
			c.but(&o)
			s := Judge(o)
			var said []string
			for i, f := range s.Findings {
				said = append(said, f.Severity+" "+f.Text)
				if f.Ask != "" {
					said = append(said, "?"+f.Ask)
				}
				if i > 0 && rank[s.Findings[i-1].Severity] > rank[f.Severity] {
					t.Errorf("%q stands behind what matters less", f.Text)
				}
			}
			for _, w := range c.want {
				if !containsPart(said, w) {
					t.Errorf("want %q, found %q", w, said)
				}
			}
			if len(c.want) == 0 && len(said) > 0 {
				t.Errorf("want nothing, found %q", said)
			}
		})
	}
}

// containsPart: some line has the want's first byte and, somewhere, the rest.
func containsPart(lines []string, want string) bool {
	for _, l := range lines {
		if l[0] == want[0] && strings.Contains(l, want[1:]) {
			return true
		}
	}
	return false
}

func TestServers(t *testing.T) {
	o := healthy()
	o.Offers = append(o.Offers, rival(usual), rival(other), Offer{Answer: dhcp.Answer{Server: given, Address: given}, Sender: sender})
	o.Known = []string{other.String()}
	var said []string
	for _, s := range Judge(o).Servers {
		said = append(said, s.String())
	}
	want := "known PXE server 192.168.77.8 (MAC 02:00:00:00:00:09)|DHCP server that answers network boot too 192.168.77.9 (MAC 02:00:00:00:00:09)|DHCP server 192.168.77.100 (MAC 02:00:00:00:00:09)"
	if got := strings.Join(said, "|"); got != want {
		t.Errorf("servers: %s\nwant     %s", got, want)
	}
}

// TestMadeUpServers: who answers under many names does not fill the result.
func TestMadeUpServers(t *testing.T) {
	o := healthy()
	for i := range 1000 {
		o.Offers = append(o.Offers, rival(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})))
	}
	if s := Judge(o); len(s.Servers) > maxServers || len(s.Findings) > maxFindings {
		t.Errorf("%d servers, %d findings", len(s.Servers), len(s.Findings))
	}
}

func TestRivals(t *testing.T) {
	var r Rivals
	at := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	step := func(after time.Duration, iface string, o Offer, want bool) {
		t.Helper()
		at = at.Add(after)
		o.Interface = iface
		if seen, news := r.Heard(o, []string{"192.168.77.7"}, at); news != want {
			t.Errorf("%s %s: news %v, want %v", iface, seen, news, want)
		} else if news && !strings.HasPrefix(seen.String(), "another PXE server answers on "+iface+": "+o.Server.String()+" (MAC 02:00:00:00:00:09; option 60 ") {
			t.Errorf("words: %s", seen)
		}
	}
	step(0, "eth0", rival(other), true)
	step(25*time.Second, "eth0", rival(other), false)
	step(0, "eth1", rival(other), true)
	step(0, "eth0", rival(usual), true)
	step(0, "eth0", rival(netip.MustParseAddr("192.168.77.7")), false)
	step(0, "eth0", gives(given, BIOS)[0], false)
	step(9*time.Minute, "eth0", rival(other), false)
	if gone := r.Gone("eth0", at.Add(time.Minute)); len(gone) != 1 || gone[0].Server != usual {
		t.Errorf("gone: %v, want %s", gone, usual)
	}
	step(10*time.Minute, "eth0", rival(other), true)
	for i := range 2 * maxRivals {
		o := rival(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
		o.Interface = "eth2"
		r.Heard(o, nil, at)
	}
	if n := r.seen.Len(); n > maxRivals {
		t.Errorf("%d rivals are remembered", n)
	}
	impostor := rival(usual)
	impostor.Impostor, impostor.Interface = true, "eth2"
	if _, news := r.Heard(impostor, nil, at); !news {
		t.Error("made-up servers hide who answers under the box's address")
	}
}
