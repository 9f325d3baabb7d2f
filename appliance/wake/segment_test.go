package wake

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/network/nstest"
)

// TestSegment: the packet arrives at every host of the segment, at both ports,
// also from a box that has no address yet; on an interface that is not there it
// fails.
func TestSegment(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	mac := net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}
	conns := map[uint16]*net.UDPConn{}
	seg.Do(t, "client", func() {
		for _, port := range ports {
			conn, err := net.ListenUDP("udp4", &net.UDPAddr{Port: int(port)})
			if err != nil {
				t.Error(err)
				return
			}
			conns[port] = conn
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	for _, addressed := range []bool{true, false} {
		if !addressed {
			seg.IP(t, "box", "addr", "flush", "dev", nstest.Link)
		}
		if err := Send(t.Context(), nstest.Link, []net.HardwareAddr{mac}); err != nil {
			t.Fatalf("with an address %v: %v", addressed, err)
		}
		for port, conn := range conns {
			if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 1500)
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil || !bytes.Equal(buf[:n], Packet(mac)) {
				t.Errorf("port %d, with an address %v: %x, %v", port, addressed, buf[:n], err)
			}
			if want := netip.MustParseAddr(nstest.BoxAddr); addressed && from.Addr() != want {
				t.Errorf("it came from %s, not %s", from, want)
			}
		}
	}
	if err := Send(t.Context(), "nothing0", []net.HardwareAddr{mac}); err == nil || !strings.Contains(err.Error(), "nothing0") {
		t.Errorf("on an interface that is not there: %v", err)
	}
}
