package pxe

import "github.com/bootward/bootward/osd/status"

// Sub-options of option 43 for PXE (PXE 2.1 table 2-1).
const (
	pxeDiscoveryControl = 6
	pxeBootMenu         = 9
	pxeMenuPrompt       = 10
)

// nextText stands on the screen of firmware that is sent on.
const nextText = "Bootward: next boot device"

// next sends a machine to its next boot device, in the form that its firmware
// understands, without anything being loaded (docs/decisions/0026-nobody-is-stranded.md).
func (a Answer) next(r Request, s Server) Answer {
	switch a.Firmware {
	case BIOSIPXE, UEFIX64IPXE, UEFIARM64IPXE:
		a.File = s.scriptURL(nextID, r.MAC, 0)
		a = a.because("iPXE gets a script that goes on to the next device")
	case UEFIX64HTTP, UEFIARM64HTTP:
		a.File = s.url(nextID, "uki.efi")
		a = a.because("UEFI by HTTP gets the address of a file that is not there, and goes on when loading fails")
	default:
		a = a.because("PXE firmware gets a boot menu of one entry, the local disk, that is taken at once")
	}
	return a.causedBy(status.CauseNext).send(r, s)
}

// localBoot is option 43 with a boot menu whose only entry is boot server type 0,
// "local boot", and a prompt of 0 seconds, so that the entry is taken at once. A BIOS
// ROM returns to the BIOS; EDK2 ends the boot option with EFI_ABORTED
// (PxeBcDiscoverBootFile). It works only in an answer without a file name.
func localBoot() []byte {
	return append(append(append(
		// neither broadcast nor multicast discovery; bit 3, "use the file", is clear
		subOption(pxeDiscoveryControl, "\x03"),
		subOption(pxeBootMenu, "\x00\x00"+string(rune(len(nextText)))+nextText)...),
		subOption(pxeMenuPrompt, "\x00"+nextText)...), 0xff)
}
