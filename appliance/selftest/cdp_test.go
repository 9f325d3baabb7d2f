package selftest

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"github.com/bootward/bootward/api"
)

// frameOfCDP is made by hand; tshark 4.0 reads it whole, with its checksum, as version
// 2, TTL 180, device sw-7.ward.example, port GigabitEthernet1/0/12 and native VLAN 77.
func frameOfCDP(t testing.TB) []byte {
	b, err := os.ReadFile("testdata/cdp.frame")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var portOfCDP = api.SwitchPort{Switch: "sw-7.ward.example", Port: "GigabitEthernet1/0/12", VLAN: 77}

// cdpTLV makes one TLV.
func cdpTLV(kind byte, v string) string { return string([]byte{0, kind, 0, byte(4 + len(v))}) + v }

func TestParseCDP(t *testing.T) {
	const head = "\x02\xb4\x00\x00"
	for _, c := range []struct {
		name, in string
		want     api.SwitchPort // none if it is refused
	}{
		{"least", head + cdpTLV(3, "Gi1") + cdpTLV(1, "sw"), api.SwitchPort{Switch: "sw", Port: "Gi1"}},
		{"version 1", "\x01\xb4\x00\x00" + cdpTLV(1, "sw") + cdpTLV(3, "Gi1"), api.SwitchPort{Switch: "sw", Port: "Gi1"}},
		{"unknown and empty ones", head + cdpTLV(99, "x") + cdpTLV(7, "") + cdpTLV(1, "sw") + cdpTLV(3, "Gi1"), api.SwitchPort{Switch: "sw", Port: "Gi1"}},
		{"a VLAN of one byte", head + cdpTLV(1, "sw") + cdpTLV(3, "Gi1") + cdpTLV(10, "\x07"), api.SwitchPort{Switch: "sw", Port: "Gi1"}},
		{"control characters", head + cdpTLV(1, "a\x1b[2J\xff") + cdpTLV(3, "Gi1\x00"), api.SwitchPort{Switch: "a?[2J?", Port: "Gi1"}},
		{"long", head + cdpTLV(1, strings.Repeat("s", 200)) + cdpTLV(3, "Gi1"), api.SwitchPort{Switch: strings.Repeat("s", maxText), Port: "Gi1"}},
		{"three bytes too many", head + cdpTLV(1, "sw") + cdpTLV(3, "Gi1") + "\x00\x0a\x00", api.SwitchPort{Switch: "sw", Port: "Gi1"}},
		{"empty", "", api.SwitchPort{}},
		{"cut head", "\x02\xb4\x00", api.SwitchPort{}},
		{"no version", "\x00\xb4\x00\x00" + cdpTLV(1, "sw") + cdpTLV(3, "Gi1"), api.SwitchPort{}},
		{"cut TLV", head + cdpTLV(1, "sw") + cdpTLV(3, "Gi1")[:6], api.SwitchPort{}},
		{"TLV shorter than its head", head + cdpTLV(1, "sw") + cdpTLV(3, "Gi1") + "\x00\x05\x00\x03", api.SwitchPort{}},
		{"no port", head + cdpTLV(1, "sw"), api.SwitchPort{}},
		{"no device", head + cdpTLV(3, "Gi1"), api.SwitchPort{}},
	} {
		d, err := parseCDP([]byte(c.in))
		if refused := c.want == (api.SwitchPort{}); refused != (err != nil) || !refused && (d.SwitchPort != c.want || d.ttl != 3*time.Minute) {
			t.Errorf("%s: %+v %v, want %+v", c.name, d, err, c.want)
		}
	}
}

// TestCDPBesideLLDP: CDP fills in where LLDP is silent, until its TTL.
func TestCDPBesideLLDP(t *testing.T) {
	at := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	is := func(what string, n neighbour, now time.Time, want *api.SwitchPort) {
		t.Helper()
		if p := n.present(now).port; (p == nil) != (want == nil) || p != nil && *p != *want {
			t.Errorf("%s: %v, want %v", what, p, want)
		}
	}
	var n neighbour
	padded := append(frameOfCDP(t), make([]byte, 20)...)
	n.heard(padded, at)
	is("CDP", n, at.Add(179*time.Second), &portOfCDP)
	is("after its TTL", n, at.Add(181*time.Second), nil)
	n.heard(frameOfLLDPD(t), at)
	is("LLDP", n, at, &portOfLLDPD)
	n.heard(frameOfCDP(t), at.Add(time.Minute))
	is("CDP while LLDP holds", n, at.Add(time.Minute), &portOfLLDPD)
	n.heard(frameOfCDP(t), at.Add(time.Hour))
	is("CDP after LLDP", n, at.Add(time.Hour), &portOfCDP)
	n.heard(frameOfLLDPD(t), at.Add(time.Hour))
	is("LLDP after CDP", n, at.Add(time.Hour), &portOfLLDPD)
	for name, b := range map[string][]byte{"cut": frameOfCDP(t)[:100], "another protocol of Cisco": bytes.Replace(frameOfCDP(t), []byte("\x0c\x20\x00"), []byte("\x0c\x20\x04"), 1), "a length of nothing": change(frameOfCDP(t), 13, 3)} {
		var n neighbour
		if n.heard(change(b, 12, 0), at); n.port != nil {
			t.Errorf("%s: %v", name, n.port)
		}
	}
}

// TestFromTheSwitch: the kernel lets through what the switch says, and nothing else. (It
// alone knows which frames the box sent.)
func TestFromTheSwitch(t *testing.T) {
	vm, err := bpf.NewVM(append([]bpf.Instruction{bpf.LoadConstant{Dst: bpf.RegA}}, fromTheSwitch[1:]...))
	if err != nil {
		t.Fatal(err)
	}
	eapol := append([]byte("\x01\x80\xc2\x00\x00\x03\x00\x11\x22\x33\x44\x55\x88\x8e"), 2, 0, 0, 5, 1, 1, 0, 5, 1)
	ip := append([]byte("\xff\xff\xff\xff\xff\xff\x00\x11\x22\x33\x44\x55\x08\x00"), make([]byte, 46)...)
	stp := append([]byte("\x01\x80\xc2\x00\x00\x00\x00\x11\x22\x33\x44\x55\x00\x26\x42\x42\x03"), make([]byte, 43)...)
	for _, c := range []struct {
		name string
		b    []byte
		want bool
	}{{"LLDP", frameOfLLDPD(t), true}, {"CDP", frameOfCDP(t), true}, {"EAPOL", eapol, true}, {"IP", ip, false}, {"STP", stp, false},
		{"VTP", bytes.Replace(frameOfCDP(t), []byte("\x0c\x20\x00"), []byte("\x0c\x20\x03"), 1), false}, {"short", ip[:15], false}} {
		if n, err := vm.Run(c.b); err != nil || n > 0 != c.want {
			t.Errorf("%s: %d bytes, %v", c.name, n, err)
		}
	}
}

// FuzzCDP: nothing that a switch says panics or reaches a console raw.
func FuzzCDP(f *testing.F) {
	f.Add(frameOfCDP(f))
	f.Add(frameOfCDP(f)[:60])
	f.Add([]byte("\x01\x00\x0c\xcc\xcc\xcc\x00\x11\x22\x33\x44\x55\x00\x10" + snapHead + "\x02\xb4\x00\x00\x00\x01\x00\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := cdpPayload(bytes.Clone(b))
		if !ok {
			return
		}
		d, err := parseCDP(p)
		for _, s := range []string{d.Switch, d.Port} {
			if len(s) > maxText || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q is not fit for a console", s)
			}
		}
		if err == nil && (d.Switch == "" || d.Port == "" || d.VLAN > 4095) {
			t.Errorf("taken: %+v", d)
		}
	})
}
