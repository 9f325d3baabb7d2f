package pxe

import (
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Names of the files of a boot image of Windows, as its content and TFTP have them.
// The boot manager of each firmware has a BCD of its own, which the box makes.
const (
	WindowsSDI     = "boot/boot.sdi"
	WindowsBIOSBCD = "boot/bcd"
	WindowsUEFIBCD = "efi/bcd"

	windowsBIOS    = "boot/pxeboot.n12" // starts at once
	windowsBIOSF12 = "boot/pxeboot.com" // asks for F12 first, and goes on to the next device without it
	windowsUEFI    = "efi/bootmgfw.efi"
	windowsUEFI23  = "efi/bootmgfw_ex.efi"
)

// optionBCD is the path of the BCD, with a NUL at its end (Windows Deployment
// Services, WdsBp.h). Without it the boot manager asks for \Boot\BCD.
const optionBCD = 252

// windows offers the boot managers of Windows, which fetch everything by TFTP from
// siaddr. iPXE, also as a card's ROM, starts them as the firmware below it would: it
// gives them the PXE API of BIOS and the PXE base code protocol of UEFI.
func (a Answer) windows(r Request, in Intent, s Server) Answer {
	w := in.Image.Windows
	if w.File == "" {
		return a.silent(fmt.Sprintf("boot image %s is to start Windows and names no WIM: import its boot.wim", in.Image.ID))
	}
	file, bcd := "", WindowsUEFIBCD
	switch a.Firmware {
	case BIOSPXE, BIOSIPXE:
		file, bcd = windowsBIOS, WindowsBIOSBCD
		a = a.because("BIOS loads pxeboot.n12, which loads bootmgr.exe, by TFTP")
		if in.Image.asksF12(a.Firmware, in.Prompt) {
			file = windowsBIOSF12
			a = a.because("pxeboot.com in its place asks for F12")
		}
	case UEFIX64PXE, UEFIX64IPXE:
		file = windowsUEFI
		if w.BootManager == osd.BootManager2023 {
			file = windowsUEFI23
		}
		a = a.because("UEFI loads the boot manager of Windows by TFTP")
	case UEFIX64HTTP:
		return a.silent("the boot manager of Windows fetches by TFTP only: the machine has to choose PXE over IPv4, not HTTP")
	default:
		return a.silent(fmt.Sprintf("boot image %s starts Windows, on x64 machines only", in.Image.ID))
	}
	// pxeboot.n12 looks for bootmgr.exe beside its own name, in which Windows'
	// servers write backslashes.
	a.File = WindowsPath(in.Image.ID, file)[1:]
	a.add(dhcpv4.GenericOptionCode(optionBCD), []byte(WindowsPath(in.Image.ID, bcd)+"\x00"))
	return a.send(r, s)
}

// asksF12 says whether what the firmware is sent first asks for F12: our script for
// iPXE, and pxeboot.com.
func (i Image) asksF12(f Firmware, prompt time.Duration) bool {
	bios := f == BIOSPXE || f == BIOSIPXE
	if i.Windows != nil {
		return bios && !i.NoF12 && (i.Windows.AskF12 || i.OnlyF12 || prompt > 0)
	}
	return (bios || f == UEFIX64IPXE || f == UEFIARM64IPXE) && prompt > 0
}

// Has says of an image which of the files that may be missing are in it: firmware is
// sent to none that is not there.
func (i Image) Has(file func(name string) bool) Image {
	if i.Loader == osd.LoaderShim && !file(ShimName) {
		i.Loader = osd.LoaderUKI
	}
	if i.Windows == nil {
		return i
	}
	w := *i.Windows
	if w.BootManager == osd.BootManager2023 && !file(windowsUEFI23) {
		w.BootManager = osd.BootManager2011
	}
	i.Windows, i.NoF12, i.OnlyF12 = &w, !file(windowsBIOSF12), !file(windowsBIOS)
	return i
}

// WindowsPath is a file of a boot image as Windows' boot managers ask for it:
// \CEN0000B\boot\boot.sdi.
func WindowsPath(id, file string) string {
	return `\` + id + `\` + strings.ReplaceAll(file, "/", `\`)
}
