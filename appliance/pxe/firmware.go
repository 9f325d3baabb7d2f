package pxe

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/bootward/bootward/osd"
)

// AgentClass is the vendor class by which our own agent asks for its box.
const AgentClass = "BootwardAgent"

// Vendor classes of network boot (PXE 2.1 section 2.2; UEFI 2.10 section 24.7.3).
const (
	classPXE  = "PXEClient"
	classHTTP = "HTTPClient"
)

// Firmware is the kind of client, as far as it matters for what it must be sent.
type Firmware string

// The kinds. UEFIIA32 and OtherFirmware are recognised and refused.
const (
	NotBoot       Firmware = ""                // an ordinary DHCP client
	Agent         Firmware = "bootward-agent"  // our agent looking for its box
	BIOSPXE       Firmware = "bios-pxe"        // a plain PXE ROM
	BIOSIPXE      Firmware = "bios-ipxe"       // iPXE: chained, or as the card's ROM (QEMU)
	UEFIX64PXE    Firmware = "uefi-x64-pxe"    // boots a PE file by TFTP
	UEFIX64HTTP   Firmware = "uefi-x64-http"   // boots a PE file by HTTP
	UEFIX64IPXE   Firmware = "uefi-x64-ipxe"   // iPXE as a UEFI program
	UEFIIA32      Firmware = "uefi-ia32"       // 32-bit UEFI
	UEFIARM64IPXE Firmware = "uefi-arm64-ipxe" // iPXE as a UEFI program for arm64
	UEFIARM64PXE  Firmware = "uefi-arm64-pxe"  // arm64, by TFTP
	UEFIARM64HTTP Firmware = "uefi-arm64-http" // arm64, by HTTP
	OtherFirmware Firmware = "other"           // an architecture that has no boot image
)

// Classify names the firmware and says by what it was recognised.
func Classify(r Request) (Firmware, string) {
	http := r.http()
	switch {
	case r.VendorClass == AgentClass:
		return Agent, "vendor class " + AgentClass + ": our agent looks for its box"
	case !http && !strings.HasPrefix(r.VendorClass, classPXE):
		return NotBoot, "vendor class is neither PXEClient nor HTTPClient: an ordinary DHCP client"
	case !r.HasArch:
		return OtherFirmware, "no architecture in option 93 or in the vendor class"
	}
	f, name := byArchitecture(r, http)
	why := "architecture " + strconv.Itoa(int(r.Arch)) + ": " + name
	if r.IPXE {
		why += ", user class iPXE"
	}
	return f, why
}

// byArchitecture follows the registry of RFC 4578 section 2.1 and RFC 5970. Number
// 9 ("EFI BC") is x64 too: RFC 4578 says so in its erratum, and old boards send it.
func byArchitecture(r Request, http bool) (Firmware, string) {
	switch r.Arch {
	case 0:
		switch {
		case http:
			return OtherFirmware, "BIOS by HTTP"
		case r.IPXE:
			return BIOSIPXE, "BIOS"
		}
		return BIOSPXE, "BIOS"
	case 7, 9, 16:
		switch {
		case r.IPXE:
			return UEFIX64IPXE, "UEFI x64"
		case http:
			return UEFIX64HTTP, "UEFI x64 by HTTP"
		case r.Arch == 16:
			return OtherFirmware, "UEFI x64 by HTTP under vendor class PXEClient"
		}
		return UEFIX64PXE, "UEFI x64"
	case 6, 15:
		return UEFIIA32, "UEFI IA32"
	case 11:
		if r.IPXE {
			return UEFIARM64IPXE, "UEFI arm64"
		}
		return UEFIARM64PXE, "UEFI arm64"
	case 19:
		return UEFIARM64HTTP, "UEFI arm64 by HTTP"
	}
	return OtherFirmware, "not one that Bootward knows"
}

// architecture is the one of the boot images that this firmware starts, "" if none is.
func (f Firmware) architecture() string {
	switch f {
	case BIOSPXE, BIOSIPXE, UEFIX64PXE, UEFIX64HTTP, UEFIX64IPXE:
		return osd.ArchX64
	case UEFIARM64PXE, UEFIARM64HTTP, UEFIARM64IPXE:
		return osd.ArchARM64
	}
	return ""
}

// Misfit says in words why this firmware cannot start a boot image because of its
// architecture, "" if it can, or if the firmware is not known.
func (f Firmware) Misfit(i Image) string {
	has, wants := cmp.Or(i.Architecture, osd.ArchX64), f.architecture()
	if wants == "" || wants == has {
		return ""
	}
	return fmt.Sprintf("there is no boot image for %s: %s, which the task sequence names, is for %s", wants, i.ID, has)
}

// sentOn says whether refused firmware reads the answer that sends it to its next boot
// device: EDK2 does for IA32 as for x64, of others it is not known.
func (f Firmware) sentOn() bool { return f == UEFIIA32 }

// Refused says in words why this firmware cannot be booted, "" if it can.
func (f Firmware) Refused() string {
	switch f {
	case UEFIIA32:
		return "32-bit UEFI starts no 64-bit boot image: switch the firmware to BIOS (legacy) boot if it has that"
	case OtherFirmware:
		return "there is no boot image for this architecture"
	}
	return ""
}
