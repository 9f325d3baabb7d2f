package selftest

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
)

// tlv makes one TLV.
func tlv(kind int, v string) string {
	n := kind<<9 | len(v)
	return string([]byte{byte(n >> 8), byte(n)}) + v
}

const (
	chassisMAC = "\x04\x00\x11\x22\x33\x44\x55"
	portName   = "\x05Gi1/0/12"
)

// lldp is a frame's payload with these TLVs behind the three mandatory ones.
func lldp(chassis, port string, more ...string) []byte {
	return []byte(tlv(tlvChassis, chassis) + tlv(tlvPort, port) + tlv(tlvTTL, "\x00\x78") + strings.Join(more, "") + tlv(tlvEnd, ""))
}

func TestParseLLDP(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		want api.SwitchPort
	}{
		{"least", lldp(chassisMAC, portName), api.SwitchPort{Switch: "00:11:22:33:44:55", Port: "Gi1/0/12"}},
		{"all", lldp(chassisMAC, portName, tlv(4, "ward 7\x00"), tlv(5, "sw-7"), tlv(6, "an OS"), tlv(8, "\x05\x01"), tlv(127, portVLAN+"\x00\x4d"), tlv(127, maxFrame+"\x24\x00"), tlv(127, "\x00")),
			api.SwitchPort{Switch: "sw-7", Port: "Gi1/0/12", Description: "ward 7", VLAN: 77, MaxFrame: 9216}},
		{"addresses", lldp("\x05\x01\x0a\x4d\x00\x01", "\x03\x00\x11\x22\x33\x44\x66"), api.SwitchPort{Switch: "10.77.0.1", Port: "00:11:22:33:44:66"}},
		{"without an end", lldp(chassisMAC, portName)[:9+11+4], api.SwitchPort{Switch: "00:11:22:33:44:55", Port: "Gi1/0/12"}},
		{"control characters", lldp(chassisMAC, "\x07a\x1b[2Jb\xff"), api.SwitchPort{Switch: "00:11:22:33:44:55", Port: "a?[2Jb?"}},
		{"long", lldp(chassisMAC, "\x07"+strings.Repeat("p", 200)), api.SwitchPort{Switch: "00:11:22:33:44:55", Port: strings.Repeat("p", maxText)}},
	} {
		if d, err := parseLLDP(c.in); err != nil || d.SwitchPort != c.want || d.ttl != 2*time.Minute {
			t.Errorf("%s: %+v %v, want %+v", c.name, d, err, c.want)
		}
	}
	for name, in := range map[string][]byte{
		"empty": nil, "cut": lldp(chassisMAC, portName)[:15], "order": []byte(tlv(tlvPort, portName) + tlv(tlvChassis, chassisMAC) + tlv(tlvTTL, "\x00\x78")),
		"no TTL": []byte(tlv(tlvChassis, chassisMAC) + tlv(tlvPort, portName) + tlv(tlvSystemName, "x")), "short TTL": []byte(tlv(tlvChassis, chassisMAC) + tlv(tlvPort, portName) + tlv(tlvTTL, "")),
		"no port": lldp(chassisMAC, "\x05"),
	} {
		if d, err := parseLLDP(in); err == nil {
			t.Errorf("%s: taken as %+v", name, d)
		}
	}
}

// frameOfLLDPD is a frame that lldpd 1.0.16 sent, called sw-7, whose TLVs of 802.1 and
// 802.3 tshark reads as VLAN 77 and 9216 bytes.
func frameOfLLDPD(t testing.TB) []byte {
	b, err := os.ReadFile("testdata/lldpd-1.0.16.frame")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var portOfLLDPD = api.SwitchPort{Switch: "sw-7", Port: "Gi1/0/12", Description: "p12", VLAN: 77, MaxFrame: 9216}

func TestLLDPD(t *testing.T) {
	var n neighbour
	at := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	n.heard(frameOfLLDPD(t), at)
	if n.port == nil || *n.port != portOfLLDPD || n.until != at.Add(2*time.Minute) {
		t.Errorf("%+v", n)
	}
}

func TestNeighbour(t *testing.T) {
	at := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	frame := func(kind string, payload []byte) []byte {
		return append([]byte("\x01\x80\xc2\x00\x00\x0e\x00\x11\x22\x33\x44\x55"+kind), payload...)
	}
	var n neighbour
	n.heard(frame("\x88\xcc", lldp(chassisMAC, portName, tlv(5, "sw-7"))), at)
	n.heard(frame("\x88\xcc", []byte("nonsense")), at)
	n.heard([]byte("short"), at)
	if p := n.present(at.Add(time.Minute)).port; p == nil || p.Switch != "sw-7" {
		t.Errorf("after a minute: %v", p)
	}
	if p := n.present(at.Add(3 * time.Minute)).port; p != nil {
		t.Errorf("after its TTL: %v", p)
	}
	n.heard(frame("\x88\x8e", []byte{2, 1, 0, 0}), at) // EAPOL-Start: a machine asks
	n.heard(frame("\x88\x8e", []byte{2, 0, 0, 5, 2, 1, 0, 5, 1}), at)
	if !n.eapol.IsZero() {
		t.Error("what machines say counts as the switch asking who is there")
	}
	n.heard(frame("\x88\x8e", []byte{2, 0, 0, 5, 1, 1, 0, 5, 1}), at)
	if n.eapol != at {
		t.Error("the switch asks who is there, and it is not noticed")
	}
}

// FuzzLLDP: nothing that a switch says panics or reaches a console raw.
func FuzzLLDP(f *testing.F) {
	f.Add(lldp(chassisMAC, portName, tlv(4, "ward 7"), tlv(5, "sw-7"), tlv(127, portVLAN+"\x00\x4d"), tlv(127, maxFrame+"\x24\x00")))
	f.Add(lldp("\x05\x02\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", "\x04\x01\x0a"))
	f.Add(lldp("\x05", "\x04"))
	f.Add(frameOfLLDPD(f)[etherHead:])
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseLLDP(bytes.Clone(b))
		for _, s := range []string{d.Switch, d.Port, d.Description} {
			if len(s) > maxText || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q is not fit for a console", s)
			}
		}
		if err == nil && (d.Switch == "" || d.Port == "" || d.VLAN > 4095) {
			t.Errorf("taken: %+v", d)
		}
	})
}
