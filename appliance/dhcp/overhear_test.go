package dhcp

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/net/bpf"
)

// ipPacket puts a payload into UDP over IPv4.
func ipPacket(payload []byte, port uint16) []byte {
	b := make([]byte, 28, 28+len(payload))
	b[0], b[8], b[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(b[2:], uint16(28+len(payload)))
	copy(b[12:], []byte{10, 77, 0, 9})
	copy(b[16:], []byte{255, 255, 255, 255})
	binary.BigEndian.PutUint16(b[20:], ServerPort)
	binary.BigEndian.PutUint16(b[22:], port)
	binary.BigEndian.PutUint16(b[24:], uint16(8+len(payload)))
	return append(b, payload...)
}

func TestOverhear(t *testing.T) {
	m := foreignOffer(option(60, "PXEClient"))
	m.ClientHWAddr, m.HWType = net.HardwareAddr{2, 0, 0, 0, 0, 1}, 1
	whole := ipPacket(m.ToBytes(), clientPort)
	o, ok := Overhear(whole)
	if !ok || o.Type != dhcpv4.MessageTypeOffer || o.Relayed || o.Server.String() != "10.77.0.1" || o.Address.String() != "10.77.0.100" || o.Class != "PXEClient" || len(o.Words) != 1 || o.MAC.String() != "02:00:00:00:00:01" {
		t.Errorf("%+v", o)
	}
	m.GatewayIPAddr = net.IP{10, 78, 0, 1}
	m.UpdateOption(dhcpv4.OptMessageType(dhcpv4.MessageTypeAck))
	if o, ok := Overhear(ipPacket(m.ToBytes(), clientPort)); !ok || !o.Relayed || o.Type != dhcpv4.MessageTypeAck || o.From.String() != "10.77.0.9" {
		t.Errorf("an ACK through a relay: %+v", o)
	}
	delete(m.Options, dhcpv4.OptionServerIdentifier.Code())
	if o, ok := Overhear(ipPacket(m.ToBytes(), clientPort)); !ok || o.Server.String() != "10.77.0.9" {
		t.Errorf("without option 54: %+v", o)
	}
	fragment := append([]byte(nil), whole...)
	fragment[7] = 1
	tcp := append([]byte(nil), whole...)
	tcp[9] = 6
	nak := foreignOffer(dhcpv4.WithMessageType(dhcpv4.MessageTypeNak))
	for name, b := range map[string][]byte{"nothing": nil, "short": whole[:27], "a fragment": fragment, "TCP": tcp, "to a server": ipPacket(m.ToBytes(), ServerPort),
		"no DHCP": ipPacket([]byte("noise"), clientPort), "a NAK": ipPacket(nak.ToBytes(), clientPort), "an options header beyond the end": {0x4f, 20: 0, 39: 0}} {
		if _, ok := Overhear(b); ok {
			t.Errorf("%s was taken for an answer", name)
		}
	}
}

// TestFilterAgrees: the kernel lets through what the code would take, and no more.
func TestFilterAgrees(t *testing.T) {
	vm, err := bpf.NewVM(ForClients())
	if err != nil {
		t.Fatal(err)
	}
	whole := ipPacket([]byte("payload"), clientPort)
	fragment := append([]byte(nil), whole...)
	fragment[7] = 1
	tcp := append([]byte(nil), whole...)
	tcp[9] = 6
	long := append([]byte{0x46}, whole[1:20]...)
	long = append(append(long, 0, 0, 0, 0), whole[20:]...)
	for _, b := range [][]byte{whole, fragment, tcp, long, ipPacket(nil, ServerPort), ipPacket(nil, clientPort)} {
		n, err := vm.Run(b)
		_, _, want := ToClient(b)
		if err != nil || n > 0 != want {
			t.Errorf("% x: filter %d, %v; code %v", b, n, err, want)
		}
	}
}

func FuzzOverhear(f *testing.F) {
	m := foreignOffer(option(60, "PXEClient"))
	m.ClientHWAddr, m.HWType = net.HardwareAddr{2, 0, 0, 0, 0, 1}, 1
	f.Add(ipPacket(m.ToBytes(), clientPort))
	f.Add(ipPacket(foreignOffer(option(60, "PXEClient"), option(67, "x/\x1b.efi")).ToBytes(), clientPort))
	f.Add(ipPacket([]byte("noise"), clientPort))
	f.Add([]byte{0x4f, 20: 0, 39: 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, ok := Overhear(b)
		if ok && (len(o.MAC) != 6 || !o.Server.Is4()) {
			t.Fatalf("%+v", o)
		}
		text := o.File + o.Class + strings.Join(o.Words, "")
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%q is not fit for a console", text)
		}
	})
}
