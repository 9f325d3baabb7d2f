package selftest

import (
	"bytes"
	"net"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/net/bpf"
	"golang.org/x/net/ipv4"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/pxe"
)

var ownMAC = net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}

// TestQuestions: our own PXE service point takes each for what it is to be.
func TestQuestions(t *testing.T) {
	for q, want := range map[Question]pxe.Firmware{Own: pxe.NotBoot, Plain: pxe.NotBoot, BIOS: pxe.BIOSPXE, UEFI: pxe.UEFIX64PXE, HTTP: pxe.UEFIX64HTTP} {
		m, err := q.discover(ownMAC)
		if err != nil {
			t.Fatal(err)
		}
		r, err := pxe.Parse(m, 67)
		if err != nil {
			t.Fatal(err)
		}
		if got, why := pxe.Classify(r); got != want {
			t.Errorf("%s: %s (%s), want %s", q, got, why, want)
		}
		if own := bytes.Equal(m.ClientHWAddr, ownMAC); own != (q == Own) || !m.IsBroadcast() || m.MessageType() != dhcpv4.MessageTypeDiscover || r.UUID != "" {
			t.Errorf("%s: %s", q, m.Summary())
		}
	}
	for own, want := range map[string]string{"52:54:00:00:00:01": "56:54:00:00:00:01", "3c:ec:ef:00:00:01": "3e:ec:ef:00:00:01"} {
		mac, _ := net.ParseMAC(own)
		if got := MadeUp(mac).String(); got != want {
			t.Errorf("made up of %s: %s, want %s", own, got, want)
		}
	}
}

func TestBroadcast(t *testing.T) {
	b := broadcast([]byte("hello"))
	h, err := ipv4.ParseHeader(b)
	if err != nil || h.TotalLen != len(b) || h.Dst.String() != "255.255.255.255" || h.Src.String() != "0.0.0.0" {
		t.Errorf("header %v %v", h, err)
	}
}

// answer is a packet of a server.
func answer(payload string) []byte {
	b := broadcast([]byte(payload))
	copy(b[12:16], []byte{192, 168, 77, 9})
	b[20], b[21], b[22], b[23] = 0, serverPort, 0, clientPort
	return b
}

func change(b []byte, at int, v byte) []byte { b[at] = v; return b }

// TestToClient holds parser and kernel filter against the same packets.
func TestToClient(t *testing.T) {
	vm, err := bpf.NewVM(dhcp.ForClients())
	if err != nil {
		t.Fatal(err)
	}
	withOptions := append(change(answer("hello"), 0, 0x46)[:20:20], append([]byte{1, 1, 1, 1}, answer("hello")[20:]...)...)
	for _, c := range []struct {
		name string
		b    []byte
		want string // "" is not taken
	}{
		{"plain", answer("hello"), "hello"}, {"padded", append(answer("hello"), 0, 0, 0), "hello"}, {"IP options", withOptions, "hello"},
		{"TCP", change(answer("hello"), 9, 6), ""}, {"fragment", change(answer("hello"), 6, 0x20), ""}, {"another fragment", change(answer("hello"), 7, 1), ""},
		{"another port", change(answer("hello"), 23, 67), ""}, {"short", answer("")[:22], ""},
	} {
		got, from, ok := dhcp.ToClient(c.b)
		if ok != (c.want != "") || string(got) != c.want || ok && from.String() != "192.168.77.9" {
			t.Errorf("%s: %q from %s, %v", c.name, got, from, ok)
		}
		if n, err := vm.Run(c.b); err != nil || (n > 0) != ok {
			t.Errorf("%s: the filter lets %d bytes through, %v", c.name, n, err)
		}
	}
	for _, bad := range [][]byte{change(answer("hello"), 0, 0x65), change(answer("hello"), 0, 0x42), change(answer("hello"), 25, 200), change(answer("hello"), 25, 3)} {
		if got, _, ok := dhcp.ToClient(bad); ok {
			t.Errorf("% x is taken: %q", bad[:28], got)
		}
	}
}
