package selftest

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/network"
)

// TestUnderOurAddress: who answers under the box's own address, from other hardware,
// is another server; what comes from the box's own cards is not.
func TestUnderOurAddress(t *testing.T) {
	ours, theirs := net.HardwareAddr{2, 0, 0, 0, 0, 1}, net.HardwareAddr{2, 0, 0, 0, 0, 9}
	own := network.Snapshot{Links: []network.Link{{Name: "lo"}, {Name: "eth0", MAC: ours}}}
	var heard []string
	w := &Watcher{Interface: "eth0", Own: func(m net.HardwareAddr) bool { return Owns(own, m) }, Known: func() []string { return nil }, Rivals: &Rivals{}, Now: time.Now,
		Appeared: func(r Rival) { heard = append(heard, r.MAC) }}
	for _, from := range []net.HardwareAddr{ours, theirs} {
		o := Offer{Sender: from}
		o.Server, o.Boots, o.File = netip.MustParseAddr("10.77.0.2"), true, "x.efi"
		w.heard(o)
	}
	if len(heard) != 1 || heard[0] != theirs.String() || Owns(own, nil) {
		t.Errorf("heard %q", heard)
	}
}
