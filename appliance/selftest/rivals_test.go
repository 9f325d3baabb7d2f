package selftest

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/network"
)

// TestUnderOurAddress: who answers under the box's own address, from other hardware,
// is an impostor, whatever policy knows and whether it boots machines or not; what comes
// from the box's own cards, or from the box through a relay, is not.
func TestUnderOurAddress(t *testing.T) {
	box, far := netip.MustParseAddr("10.77.0.2"), netip.MustParseAddr("10.77.0.9")
	ours, theirs := net.HardwareAddr{2, 0, 0, 0, 0, 1}, net.HardwareAddr{2, 0, 0, 0, 0, 9}
	elsewhere := netip.MustParseAddr("10.78.0.2")
	own := network.Snapshot{Links: []network.Link{{Index: 1, Name: "lo"}, {Index: 2, Name: "eth0", MAC: ours}, {Index: 3, Name: "eth1"}},
		Addresses: []network.Address{{Link: 1, Prefix: netip.MustParsePrefix("127.0.0.1/8")}, {Link: 2, Prefix: netip.PrefixFrom(box, 24)}, {Link: 3, Prefix: netip.PrefixFrom(elsewhere, 24)}}}
	for _, tt := range []struct {
		name   string
		offer  Offer
		alarm  string // what Appeared is told, or its beginning
		others bool
	}{
		{"the box", Offer{Answer: dhcp.Answer{Server: box, From: box, Boots: true}, Sender: ours}, "", false},
		{"the box, through a relay", Offer{Answer: dhcp.Answer{Server: box, From: far, Boots: true, Relayed: true}, Sender: theirs}, "", false},
		{"the box's other interface, through a relay", Offer{Answer: dhcp.Answer{Server: elsewhere, From: far, Boots: true, Relayed: true}, Sender: theirs}, "", false},
		{"an address of another segment of the box", Offer{Answer: dhcp.Answer{Server: elsewhere, From: elsewhere}, Sender: theirs}, "", true},
		{"a server that calls itself 127.0.0.1", Offer{Answer: dhcp.Answer{Server: netip.MustParseAddr("127.0.0.1"), From: far}, Sender: theirs}, "", true},
		{"another PXE server", Offer{Answer: dhcp.Answer{Server: far, From: far, Boots: true}, Sender: theirs}, "another PXE server answers on eth0: 10.77.0.9 (MAC 02:00:00:00:00:09", true},
		{"a DHCP server", Offer{Answer: dhcp.Answer{Server: far, From: far}, Sender: theirs}, "", true},
		{"a PXE server under the address", Offer{Answer: dhcp.Answer{Server: box, From: box, Boots: true, File: "x.efi"}, Sender: theirs},
			"ALARM: somebody else answers on eth0 under this box's own address 10.77.0.2 (MAC 02:00:00:00:00:09; option 60 none, file \"x.efi\")", true},
		{"a DHCP server under the address", Offer{Answer: dhcp.Answer{Server: box, From: box}, Sender: theirs}, "ALARM: somebody else", true},
		{"under the address, as a server of another", Offer{Answer: dhcp.Answer{Server: far, From: box}, Sender: theirs}, "ALARM: somebody else answers on eth0 under this box's own address 10.77.0.2", true},
		{"in the name of the box", Offer{Answer: dhcp.Answer{Server: box, From: far}, Sender: theirs}, "ALARM: somebody else", true},
		{"in its name, as a relay", Offer{Answer: dhcp.Answer{Server: box, From: box, Relayed: true}, Sender: theirs}, "ALARM: somebody else", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var alarms []string
			var heard []Offer
			w := &Watcher{Interface: "eth0", Network: func() network.Snapshot { return own }, Known: func() []string { return []string{box.String()} }, Rivals: &Rivals{}, Now: time.Now,
				Appeared: func(r Rival) { alarms = append(alarms, r.String()) }, Heard: func(o Offer) { heard = append(heard, o) }}
			tt.offer.Interface, tt.offer.Type = "eth0", dhcpv4.MessageTypeOffer
			w.heard(tt.offer)
			if (tt.alarm != "") != (len(alarms) == 1) || tt.alarm != "" && !strings.HasPrefix(alarms[0], tt.alarm) {
				t.Errorf("alarms %q", alarms)
			}
			if (len(heard) == 1) != tt.others {
				t.Errorf("heard %+v", heard)
			}
			if strings.HasPrefix(tt.alarm, "ALARM") && (!heard[0].Impostor || !slices.Equal(heard[0].Words, alarms)) {
				t.Errorf("heard %+v", heard)
			}
			tt.offer.Question = UEFI
			if w.heard(tt.offer); len(heard) > 1 {
				t.Error("an answer to the box's own question is told as one to a machine")
			}
		})
	}
	if Owns(own, nil) {
		t.Error("no hardware address is the box's")
	}
}
