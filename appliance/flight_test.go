package appliance

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/pxe"
)

// TestAlarmsBesideAFlood: packets that come faster than they are kept do not take the
// place of an alarm, and one that could not be kept is raised again.
func TestAlarmsBesideAFlood(t *testing.T) {
	r := newRecorder(nil, time.Now)
	for r.limit.Allow() {
	}
	r.alarm("52:54:00:00:00:01", "", "ALARM: another server")
	if len(r.queue) != 1 || r.Lost() != 0 || len(r.recent()) != 1 {
		t.Errorf("%d queued, %d lost, recent %q", len(r.queue), r.Lost(), r.recent())
	}
	for len(r.queue) < cap(r.queue) {
		r.queue <- nil
	}
	r.alarm("52:54:00:00:00:01", "", "ALARM: a third one")
	if r.Lost() != 1 || len(r.recent()) != 1 {
		t.Errorf("an alarm that is lost counts as raised: %d lost, recent %q", r.Lost(), r.recent())
	}
	<-r.queue
	r.alarm("52:54:00:00:00:01", "", "ALARM: a third one")
	if len(r.recent()) != 2 {
		t.Errorf("it is not raised again: %q", r.recent())
	}
}

// TestWhoseTransfer: behind a relay the box sees the router's MAC alone; who sent a
// DHCPREQUEST said which address it takes, and its transfers are its own from then on.
func TestWhoseTransfer(t *testing.T) {
	r := newRecorder(nil, time.Now)
	mac := net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}
	there, given, ordinary := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("198.51.100.8"), netip.MustParseAddr("198.51.100.9")
	r.dhcp(dhcp.Event{Kind: dhcp.Requested, MAC: mac, Has: there, Firmware: string(pxe.UEFIX64PXE)})
	r.dhcp(dhcp.Event{Kind: dhcp.Acked, MAC: mac, Client: given, Firmware: string(pxe.UEFIX64PXE)})
	r.dhcp(dhcp.Event{Kind: dhcp.Acked, MAC: mac, Client: ordinary})
	if r.whose(there) != mac.String() || r.whose(given) != mac.String() || r.whose(ordinary) != "" {
		t.Errorf("%q, %q, and an ordinary client's %q", r.whose(there), r.whose(given), r.whose(ordinary))
	}
	for i := range 2 * maxHearing {
		r.at(dhcp.Event{MAC: mac, Has: netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}), Firmware: string(pxe.UEFIX64PXE)})
	}
	if n := r.homes.Len(); n > maxHearing {
		t.Errorf("%d addresses are remembered", n)
	}
}
