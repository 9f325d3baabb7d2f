package appliance

import (
	"encoding/json"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/osd/policy"
)

// TestExplainInEachMode: what is explained is decided on the packet that reaches the box
// in that mode, and what must hold for it to come is said.
func TestExplainInEachMode(t *testing.T) {
	const file = "CEN00002/uki.efi"
	boots := pxe.Intent{Action: pxe.Boot, Image: pxe.Image{ID: "CEN00002"}, Reason: "Install is mandatory"}
	sent := func(a api.BootAnswer, code uint8) bool {
		for _, o := range a.Options {
			if o.Code == code {
				return true
			}
		}
		return false
	}
	for _, tt := range []struct {
		name string
		mode PXEMode
		kind pxe.Firmware
		in   pxe.Intent
		port uint16 // at which policy is asked
		send bool
		file string
		says string // in the words about the packet, "" if they are those of proxy mode
		is60 bool
	}{
		{"proxy", PXEProxy, pxe.UEFIX64PXE, boots, dhcp.ServerPort, true, file, "", true},
		{"dhcp", PXEDHCP, pxe.UEFIX64PXE, boots, dhcp.ServerPort, true, file, "", false},
		{"relay", PXERelay, pxe.UEFIX64PXE, boots, dhcp.ServerPort, true, file, "pxe: relay: if a relay hands its question on", true},
		{"relay, HTTP", PXERelay, pxe.UEFIX64HTTP, boots, dhcp.ServerPort, true, "http://10.77.0.2/boot/" + file, "pxe: relay", true},
		{"4011", PXEProxy4011, pxe.UEFIX64PXE, boots, dhcp.ProxyPort, true, file, "pxe: proxy-4011: asks on UDP 4011, if the DHCP server of this host sends it option 60 PXEClient and no boot file", true},
		{"4011, BIOS", PXEProxy4011, pxe.BIOSPXE, boots, dhcp.ProxyPort, true, "undionly.kpxe", "asks on UDP 4011", true},
		{"4011, HTTP", PXEProxy4011, pxe.UEFIX64HTTP, boots, dhcp.ServerPort, false, "", "UEFI HTTP Boot asks on UDP 67 only", false},
		{"4011, refused firmware", PXEProxy4011, pxe.UEFIIA32, boots, dhcp.ProxyPort, false, "", "32-bit UEFI", false},
		{"4011, policy says no", PXEProxy4011, pxe.UEFIX64PXE, pxe.Intent{Reason: "nothing is offered"}, dhcp.ProxyPort, false, "", "policy says silent", false},
		{"off", PXEOff, pxe.UEFIX64PXE, boots, dhcp.ServerPort, false, "", "pxe: off", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := pxe.Server{Address: netip.MustParseAddr("10.77.0.2")}
			if tt.mode == PXEDHCP {
				s.Mode = dhcp.DHCP
			}
			m := pxe.Machine{MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, Firmware: tt.kind, Port: dhcp.ServerPort}
			var port uint16
			a := answerIn(tt.mode, m, s, func(m pxe.Machine) (pxe.Intent, []string) { port = m.Port; return tt.in, []string{tt.in.Reason} })
			if a.Send != tt.send || a.File != tt.file || port != tt.port || a.Firmware != string(tt.kind) || sent(a, 60) != tt.is60 {
				t.Errorf("asked at port %d: %+v", port, a)
			}
			words := strings.Join(a.Packet, "; ")
			if !strings.Contains(words, tt.says) || tt.says == "" && strings.Contains(words, "pxe: ") || !a.Send && !strings.Contains(a.Brief(), tt.says) {
				t.Errorf("words: %s; in short: %s", words, a.Brief())
			}
			if b, err := json.Marshal(a); err != nil || !strings.Contains(string(b), `"packet":[`) {
				t.Errorf("%s %v", b, err)
			}
		})
	}
	a := answerIn(PXERelay, pxe.Machine{MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, Firmware: pxe.UEFIX64PXE}, pxe.Server{}, func(pxe.Machine) (pxe.Intent, []string) { return boots, nil })
	if a.Send || !strings.Contains(a.Brief(), "no address on that interface") {
		t.Errorf("without an address: %+v", a)
	}
}

func TestModeOf(t *testing.T) {
	all := []Interface{{Name: AnyInterface, PXE: PXERelay}, {Name: "eth1", PXE: PXEDHCP}, {Name: "eth2", PXE: PXEProxy4011}}
	for name, want := range map[string]PXEMode{"eth0": PXERelay, "eth1": PXEDHCP, "eth2": PXEProxy4011} {
		if got := modeOf(all, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := modeOf(all[1:], "eth0"); got != PXEOff {
		t.Errorf("an interface without an entry: %s", got)
	}
}

// TestExplainCommandSupport: who asks what a machine gets is warned of a shell.
func TestExplainCommandSupport(t *testing.T) {
	for _, tt := range []struct {
		action    pxe.Action
		supported bool
		want      bool
	}{{pxe.Boot, true, true}, {pxe.Boot, false, false}, {pxe.NextDevice, true, false}} {
		in := pxe.Intent{Action: tt.action, Image: pxe.Image{ID: "CEN00002", CommandSupport: tt.supported}}
		why := []string{"Install is mandatory"}
		if a := bootAnswer(pxe.UEFIX64PXE, in, why, pxe.Answer{}); strings.Contains(strings.Join(a.Lines(), "\n"), policy.CommandSupportText) != tt.want || len(why) != 1 {
			t.Errorf("%+v: %q", in, a.Policy)
		}
	}
}
