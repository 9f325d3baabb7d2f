package dhcp

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// TestPutHeaders holds both checksums against RFC 1071's own words: with them in it, a
// sum is 0.
func TestPutHeaders(t *testing.T) {
	from, to := netip.MustParseAddrPort("192.168.77.1:67"), netip.MustParseAddrPort("255.255.255.255:68")
	for _, payload := range []string{"", "a", "hello", "\xff\xff", string(bytes.Repeat([]byte{0xfe, 7, 9}, 400))} {
		b := append(bytes.Repeat([]byte{0xee}, Headers), payload...)
		PutHeaders(b, from, to)
		h, err := ipv4.ParseHeader(b)
		if err != nil || h.TotalLen != len(b) || h.Src.String() != "192.168.77.1" || h.Dst.String() != "255.255.255.255" || h.Protocol != unix.IPPROTO_UDP || h.Flags != ipv4.DontFragment {
			t.Errorf("header %v %v", h, err)
		}
		if got, sender, ok := ToClient(b); !ok || string(got) != payload || sender != from.Addr() {
			t.Errorf("%q reads as %q from %s", payload, got, sender)
		}
		if sum(b[:ipHead], 0) != 0 || sum(b[12:], unix.IPPROTO_UDP+len(payload)+udpHead) != 0 {
			t.Errorf("%q: wrong checksum in % x", payload, b[:Headers])
		}
	}
}

// sum is the Internet checksum by its definition, two bytes at a time.
func sum(b []byte, begin int) int {
	for i, c := range b {
		begin += int(c) << (8 * (1 - i%2))
		begin = begin&0xffff + begin>>16
	}
	return ^(begin&0xffff + begin>>16) & 0xffff
}

// TestLongAnswer: what does not fit into a frame is cut by the host's IP.
func TestLongAnswer(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	seg.IP(t, "box", "link", "set", nstest.Link, "mtu", "600")
	seg.IP(t, "box", "route", "add", "255.255.255.255/32", "dev", nstest.Link)
	p, err := listen(nstest.Link, ServerPort)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := newClient(t, seg, clientPort)
	m := message(t, c.mac, dhcpv4.MessageTypeOffer, option(224, string(make([]byte, 800))))
	x := newExchange(p)
	if err := p.send(x.encode(m), netip.MustParseAddr(nstest.BoxAddr), netip.AddrPortFrom(broadcast, clientPort)); err != nil {
		t.Fatal(err)
	}
	c.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 1500)
	n, from, err := c.conn.ReadFromUDPAddrPort(buf)
	if err != nil || !bytes.Equal(buf[:n], m.ToBytes()) || !net.ParseIP(nstest.BoxAddr).Equal(from.Addr().AsSlice()) || from.Port() != ServerPort {
		t.Errorf("%d bytes from %s: %v", n, from, err)
	}
}
