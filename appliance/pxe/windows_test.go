package pxe

import (
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/osd"
)

func TestWindows(t *testing.T) {
	for _, tc := range []struct {
		name   string
		class  string
		arch   int
		ipxe   bool
		mode   dhcp.Mode
		boot   osd.WindowsBoot
		prompt time.Duration
		only   bool   // there is no pxeboot.n12
		file   string // "" means silent
		bcd    string
		why    string
	}{
		{name: "windows-bios", class: biosClass, file: `CEN0000B\boot\pxeboot.n12`, bcd: `\CEN0000B\boot\bcd`},
		{name: "windows-bios-dhcp", class: biosClass, mode: dhcp.DHCP, file: `CEN0000B\boot\pxeboot.n12`, bcd: `\CEN0000B\boot\bcd`},
		{name: "windows-bios-f12", class: biosClass, boot: osd.WindowsBoot{AskF12: true}, file: `CEN0000B\boot\pxeboot.com`, bcd: `\CEN0000B\boot\bcd`, why: "asks for F12"},
		{name: "windows-bios-prompt", class: biosClass, prompt: 10 * time.Second, file: `CEN0000B\boot\pxeboot.com`, bcd: `\CEN0000B\boot\bcd`, why: "asks for F12"},
		{name: "windows-bios-f12", class: biosClass, only: true, file: `CEN0000B\boot\pxeboot.com`, bcd: `\CEN0000B\boot\bcd`, why: "asks for F12"},
		{name: "windows-bios-ipxe", class: biosClass, ipxe: true, file: `CEN0000B\boot\pxeboot.n12`, bcd: `\CEN0000B\boot\bcd`},
		{name: "windows-uefi", class: uefiClass, arch: 7, file: `CEN0000B\efi\bootmgfw.efi`, bcd: `\CEN0000B\efi\bcd`},
		{name: "windows-uefi-2023", class: uefiClass, arch: 9, boot: osd.WindowsBoot{BootManager: osd.BootManager2023}, file: `CEN0000B\efi\bootmgfw_ex.efi`, bcd: `\CEN0000B\efi\bcd`},
		{name: "windows-uefi-ipxe", class: uefiClass, arch: 7, ipxe: true, file: `CEN0000B\efi\bootmgfw.efi`, bcd: `\CEN0000B\efi\bcd`},
		{name: "windows-http", class: httpClass, arch: 16, why: "choose PXE over IPv4"},
		{name: "windows-ia32", class: "PXEClient:Arch:00006:UNDI:003001", arch: 6, why: "32-bit"},
		{name: "windows-arm64", class: "PXEClient:Arch:00011:UNDI:003001", arch: 11, why: "arm64"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := discover(t, tc.class, tc.arch, tc.ipxe)
			r, err := Parse(m, dhcp.ServerPort)
			if err != nil {
				t.Fatal(err)
			}
			s := testBox
			s.Mode = tc.mode
			tc.boot.File = "sources/boot.wim"
			a := Decide(r, Intent{Action: Boot, Image: Image{ID: "CEN0000B", Windows: &tc.boot, OnlyF12: tc.only}, Prompt: tc.prompt}, s)
			if a.Send != (tc.file != "") || a.File != tc.file || !strings.Contains(strings.Join(a.Why, "; "), tc.why) {
				t.Fatalf("answer %+v, want file %q, why %q", a, tc.file, tc.why)
			}
			if !a.Send {
				return
			}
			p := dhcp.Build(m, a.reply())
			if got := string(p.Options[optionBCD]); got != tc.bcd+"\x00" || !p.ServerIPAddr.Equal(testBox.Address.AsSlice()) {
				t.Errorf("option 252 %q, siaddr %s", got, p.ServerIPAddr)
			}
			golden(t, tc.name, p)
		})
	}
	r, err := Parse(discover(t, uefiClass, 7, false), dhcp.ServerPort)
	if err != nil {
		t.Fatal(err)
	}
	if a := Decide(r, Intent{Action: Boot, Image: Image{ID: "CEN0000B", Windows: &osd.WindowsBoot{}}}, testBox); a.Send || !strings.Contains(strings.Join(a.Why, "; "), "names no WIM") {
		t.Errorf("without a WIM: %+v", a)
	}
}
