package pxe

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

func offer(name string, mandatory bool, image string) policy.Offer {
	return policy.Offer{Advertisement: osd.Advertisement{Meta: osd.Meta{Name: name}}, Mandatory: mandatory, Why: "mandatory for collection Ward",
		Sequence: policy.Sequence{Name: "Wipe", BootImage: image, Destructive: true}}
}

func TestIntend(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	no, none := false, 0
	asks := Machine{MAC: testMAC, Firmware: UEFIX64PXE, Interface: "eth0", Port: dhcp.ServerPort}
	facts := func(p osd.PXE, offers ...policy.Offer) Facts {
		return Facts{Policy: &p, Now: now, Decision: policy.Decision{Computer: &osd.Computer{}, Offers: offers, Why: []string{"known"},
			Refusals: []policy.Refusal{{Advertisement: "Old", Why: "its grant was used"}}},
			Image: func(id string) Image {
				return Image{ID: id, Architecture: map[string]string{"ARM": osd.ArchARM64}[id]}
			}}
	}
	with := func(f Facts, change func(*Facts)) Facts { change(&f); return f }
	available, mandatory := offer("A", false, "CEN1"), offer("B", true, "CEN2")
	abort := osd.PXE{NoAdvertisement: osd.PXEAbort}
	known := offer("W", false, "WIM")
	wim := func(f Facts, i Image) Facts { // of a computer that the site knows, unless the test says otherwise
		if i.ID, i.Agentless = "WIM", true; i.Windows == nil {
			i.Windows = &osd.WindowsBoot{File: "sources/boot.wim"}
		}
		f.Image = func(string) Image { return i }
		return f
	}
	for _, tt := range []struct {
		name   string
		m      Machine
		f      Facts
		action Action
		image  string
		prompt time.Duration
		why    string
	}{
		{"no policy", asks, Facts{}, Silent, "", 0, "no policy yet"},
		{"respond off", asks, facts(osd.PXE{Respond: &no, NoAdvertisement: osd.PXEAbort}, mandatory), Silent, "", 0, "not to respond"},
		{"excluded", asks, facts(osd.PXE{ExcludeMACs: []string{"5254.0012.3456"}, NoAdvertisement: osd.PXEAbort}, mandatory), Silent, "", 0, "excluded"},
		{"another excluded", asks, facts(osd.PXE{ExcludeMACs: []string{"5254.0012.3457"}}, mandatory), Boot, "CEN2", 0, "B is mandatory"},
		{"chosen interface", asks, facts(osd.PXE{Interfaces: []string{"eth1", "eth0"}}, mandatory), Boot, "CEN2", 0, ""},
		{"another interface", asks, facts(osd.PXE{Interfaces: []string{"eth1"}, NoAdvertisement: osd.PXEAbort}, mandatory), Silent, "", 0, "asks by eth0, and the site told this box to answer by eth1 only"},
		{"interface not known", Machine{MAC: testMAC}, facts(osd.PXE{Interfaces: []string{"eth1"}}, mandatory), Boot, "CEN2", 0, ""},
		{"no memory", asks, with(facts(abort, mandatory), func(f *Facts) { f.Unread = errors.New("disk gone") }), Silent, "", 0, "disk gone"},
		{"nothing, silent", asks, facts(osd.PXE{}), Silent, "", 0, "known; Old: its grant was used; nothing is offered"},
		{"nothing, abort", asks, facts(abort), NextDevice, "", 0, "nothing is offered; policy sends such a machine to its next boot device"},
		{"mandatory first", asks, facts(osd.PXE{}, available, mandatory), Boot, "CEN2", 0, "B is mandatory"},
		{"available", asks, facts(osd.PXE{}, available), Boot, "CEN1", osd.DefaultPrompt, "a person may choose A"},
		{"available, nobody is asked", asks, facts(osd.PXE{PromptSeconds: &none}, available), Boot, "CEN1", 0, ""},
		{"delayed", asks, with(facts(osd.PXE{DelaySeconds: 10}, mandatory), func(f *Facts) { f.Asking = 8 * time.Second }), Silent, "", 0, "delayed by 10s: the machine asks again"},
		{"delay is over", asks, with(facts(osd.PXE{DelaySeconds: 10}, mandatory), func(f *Facts) { f.Asking = 10 * time.Second }), Boot, "CEN2", 0, "has asked for so long"},
		{"abort is delayed too", asks, facts(osd.PXE{DelaySeconds: 10, NoAdvertisement: osd.PXEAbort}), Silent, "", 0, "delayed"},
		{"no delay on the second port", Machine{MAC: testMAC, Port: dhcp.ProxyPort}, facts(osd.PXE{DelaySeconds: 10}, mandatory), Boot, "CEN2", 0, ""},
		{"stopped", asks, with(facts(osd.PXE{}, mandatory), func(f *Facts) { f.Stopped = "too many" }), Silent, "", 0, "interlock has stopped the box: too many"},
		{"stopped, abort", asks, with(facts(abort, mandatory), func(f *Facts) { f.Stopped = "too many" }), NextDevice, "", 0, "too many"},
		{"stopped, a person chooses", asks, with(facts(osd.PXE{}, available), func(f *Facts) { f.Stopped = "too many" }), Boot, "CEN1", osd.DefaultPrompt, ""},
		{"declined just now", asks, with(facts(osd.PXE{}, available), func(f *Facts) { f.Declined = now }), Silent, "", 0, "nobody came to its screen at 09:00:00"},
		{"declined, abort", asks, with(facts(abort, available), func(f *Facts) { f.Declined = now.Add(-time.Minute) }), NextDevice, "", 0, "nobody came"},
		{"declined long ago", asks, with(facts(osd.PXE{}, available), func(f *Facts) { f.Declined = now.Add(-DeclineTime) }), Boot, "CEN1", osd.DefaultPrompt, ""},
		{"declined in 2099", asks, with(facts(osd.PXE{}, available), func(f *Facts) { f.Declined = now.AddDate(73, 0, 0) }), Boot, "CEN1", osd.DefaultPrompt, ""},
		{"declined, mandatory", asks, with(facts(osd.PXE{}, mandatory), func(f *Facts) { f.Declined = now }), Boot, "CEN2", 0, ""},
		{"wrong architecture", asks, facts(osd.PXE{}, offer("C", true, "ARM")), Silent, "", 0, "C: there is no boot image for x64: ARM, which the task sequence names, is for arm64"},
		{"the next one fits", asks, facts(osd.PXE{}, offer("C", false, "ARM"), available), Boot, "CEN1", osd.DefaultPrompt, "a person may choose A"},
		{"no other in place of a mandatory one", asks, facts(osd.PXE{}, offer("C", true, "ARM"), available), Silent, "", 0, "C: there is no boot image for x64: ARM"},
		{"arm64", Machine{MAC: testMAC, Firmware: UEFIARM64HTTP}, facts(osd.PXE{}, available, offer("C", false, "ARM")), Boot, "ARM", osd.DefaultPrompt, ""},
		{"agentless, UEFI cannot ask", asks, wim(facts(osd.PXE{}, known), Image{}), Silent, "", 0, "it would start with nobody present"},
		{"agentless, UEFI, accepted", asks, wim(facts(osd.PXE{}, known), Image{StartUnasked: true}), Boot, "WIM", osd.DefaultPrompt, ""},
		{"agentless, UEFI, accepted, a stranger", asks, wim(with(facts(osd.PXE{}, known), func(f *Facts) { f.Decision.Computer = nil }), Image{StartUnasked: true}), Silent, "", 0, "machines that the site does not know"},
		{"agentless, BIOS asks", Machine{MAC: testMAC, Firmware: BIOSPXE}, wim(facts(osd.PXE{}, known), Image{}), Boot, "WIM", osd.DefaultPrompt, ""},
		{"agentless, BIOS without pxeboot.com", Machine{MAC: testMAC, Firmware: BIOSPXE}, wim(facts(osd.PXE{}, known), Image{NoF12: true}), Silent, "", 0, "nobody present"},
		{"agentless, the image asks", Machine{MAC: testMAC, Firmware: BIOSPXE}, wim(facts(osd.PXE{PromptSeconds: &none}, known), Image{Windows: &osd.WindowsBoot{AskF12: true}}), Boot, "WIM", 0, ""},
		{"agentless, policy asks nobody", Machine{MAC: testMAC, Firmware: BIOSPXE}, wim(facts(osd.PXE{PromptSeconds: &none}, known), Image{}), Silent, "", 0, "nobody present"},
		{"mandatory, the image asks", Machine{MAC: testMAC, Firmware: BIOSPXE}, with(facts(osd.PXE{}, mandatory), func(f *Facts) {
			f.Image = func(id string) Image { return Image{ID: id, Windows: &osd.WindowsBoot{AskF12: true}} }
		}), Boot, "CEN2", 0, "B: its boot image asks for F12, and waits in vain"},
		{"mandatory, the image cannot but ask", Machine{MAC: testMAC, Firmware: BIOSPXE}, with(facts(osd.PXE{}, mandatory), func(f *Facts) {
			f.Image = func(id string) Image { return Image{ID: id, Windows: &osd.WindowsBoot{}, OnlyF12: true} }
		}), Boot, "CEN2", 0, "waits in vain"},
		{"refused", Machine{MAC: testMAC, Firmware: UEFIIA32}, facts(osd.PXE{}, mandatory), Silent, "", 0, "32-bit UEFI starts no 64-bit boot image"},
		{"refused, abort", Machine{MAC: testMAC, Firmware: UEFIIA32}, facts(abort, mandatory), NextDevice, "", 0, "32-bit UEFI starts no 64-bit boot image: switch the firmware to BIOS (legacy) boot if it has that; policy sends such a machine to its next boot device"},
		{"refused, excluded", Machine{MAC: testMAC, Firmware: UEFIIA32}, facts(osd.PXE{ExcludeMACs: []string{"5254.0012.3456"}, NoAdvertisement: osd.PXEAbort}), Silent, "", 0, "excluded"},
		{"refused, abort, not known", Machine{MAC: testMAC, Firmware: OtherFirmware}, facts(abort, mandatory), Silent, "", 0, "there is no boot image for this architecture"},
		{"firmware not known", Machine{MAC: testMAC}, facts(osd.PXE{}, offer("C", false, "ARM")), Boot, "ARM", osd.DefaultPrompt, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, words := Intend(tt.m, tt.f)
			if in.Action != tt.action || in.Image.ID != tt.image || in.Prompt != tt.prompt {
				t.Errorf("got %+v", in)
			}
			if !strings.Contains(in.Reason, tt.why) || in.Reason != strings.Join(words, "; ") || in.Reason == "" {
				t.Errorf("why %q, want %q in it", in.Reason, tt.why)
			}
		})
	}
}

// TestLocalBoot: option 43 is, byte for byte, what dnsmasq 2.90 sends for
// --pxe-service=x86PC,"Bootward: next boot device",0 with a --pxe-prompt of 0 seconds.
func TestLocalBoot(t *testing.T) {
	const dnsmasq = "\x06\x01\x03\t\x1d\x00\x00\x1aBootward: next boot device\n\x1b\x00Bootward: next boot device\xff"
	if got := string(localBoot()); got != dnsmasq {
		t.Errorf("got %q, want %q", got, dnsmasq)
	}
}
