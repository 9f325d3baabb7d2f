package winpe

import (
	"fmt"
	"strings"
)

// WIM is where the WIM itself stands in the content.
const WIM = "sources/boot.wim"

// file is something that starts Windows PE: where the content has it, and where
// images of Windows have it.
type file struct {
	name  string   // in the content, which is what TFTP serves; lower case
	paths []string // in the WIM; the first that is there is taken
	lacks string   // what does not work without it
}

// files are those that boot managers are and ask for (ipxe/wimboot, src/main.c and
// src/efifile.c, lists the same).
var files = []file{
	{"boot/boot.sdi", []string{"/Windows/Boot/DVD/PCAT/boot.sdi", "/Windows/Boot/DVD/EFI/boot.sdi"}, "no machine can start it: the WIM is mounted in this empty disk"},
	{"boot/pxeboot.n12", []string{"/Windows/Boot/PXE/pxeboot.n12"}, "BIOS machines can start it only after F12 (askF12)"},
	{"boot/pxeboot.com", []string{"/Windows/Boot/PXE/pxeboot.com"}, "BIOS machines cannot be asked for F12"},
	{"boot/bootmgr.exe", []string{"/Windows/Boot/PXE/bootmgr.exe"}, "BIOS machines cannot start it"},
	{"efi/bootmgfw.efi", []string{"/Windows/Boot/EFI/bootmgfw.efi"}, "UEFI machines can start it only with bootManager 2023"},
	{"efi/bootmgfw_ex.efi", []string{"/Windows/Boot/EFI_EX/bootmgfw_EX.efi"}, "bootManager 2023 cannot be chosen: machines that trust the CA of 2023 alone cannot start it with Secure Boot"},
	{"efi/boot.stl", []string{"/Windows/Boot/EFI/boot.stl"}, "the boot manager of Windows 11 24H2 and later does not start"},
}

// fonts of the boot manager's own screens, one for each script.
const (
	fontPattern = "/Windows/Boot/Fonts/*.ttf"
	fontFolder  = "boot/fonts"
	fontsLack   = "the boot manager may show its messages without letters"
)

// Missing is a file that the WIM does not hold.
type Missing struct {
	Path  string // in the WIM
	Lacks string // what does not work without it
}

func (m Missing) String() string { return m.Path + " is not in the WIM: " + m.Lacks }

// startable says why no machine could start what was found, nil if some can.
func startable(has func(name string) bool) error {
	var lacks []string
	if !has("boot/boot.sdi") {
		lacks = append(lacks, "boot.sdi")
	}
	bios := has("boot/bootmgr.exe") && (has("boot/pxeboot.n12") || has("boot/pxeboot.com"))
	if !bios && !has("efi/bootmgfw.efi") && !has("efi/bootmgfw_ex.efi") {
		lacks = append(lacks, "pxeboot.n12 with bootmgr.exe, or bootmgfw.efi")
	}
	if len(lacks) == 0 {
		return nil
	}
	return fmt.Errorf("neither BIOS nor UEFI machines could start it: the WIM lacks %s; take boot.wim of a Windows installation medium, or the winpe.wim of the Windows ADK", strings.Join(lacks, ", and "))
}
