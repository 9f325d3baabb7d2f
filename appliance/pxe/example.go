package pxe

import (
	"encoding/hex"
	"fmt"
	"net"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/insomniacslk/dhcp/dhcpv4"
)

// examples are what each kind of firmware says of itself in its first packet: vendor
// class and architecture.
var examples = []struct {
	kind  Firmware
	class string
	arch  uint16
	ipxe  bool
}{
	{BIOSPXE, classPXE, 0, false},
	{BIOSIPXE, classPXE, 0, true},
	{UEFIX64PXE, classPXE, 7, false},
	{UEFIX64HTTP, classHTTP, 16, false},
	{UEFIX64IPXE, classPXE, 7, true},
	{UEFIIA32, classPXE, 6, false},
	{UEFIARM64PXE, classPXE, 11, false},
	{UEFIARM64HTTP, classHTTP, 19, false},
	{UEFIARM64IPXE, classPXE, 11, true},
}

// Kinds are the kinds of firmware that Example knows, those first that are met most.
func Kinds() []Firmware {
	var all []Firmware
	for _, e := range examples {
		all = append(all, e.kind)
	}
	return all
}

// Example is the DISCOVER of a machine with such firmware; false for a kind that is
// no firmware of its own.
func Example(kind Firmware, mac net.HardwareAddr) (Request, bool) {
	for _, e := range examples {
		if e.kind == kind {
			return Request{Type: dhcpv4.MessageTypeDiscover, MAC: mac, Arch: e.arch, HasArch: true, IPXE: e.ipxe, Port: dhcp.ServerPort,
				VendorClass: fmt.Sprintf("%s:Arch:%05d:UNDI:003016", e.class, e.arch)}, true
		}
	}
	return Request{}, false
}

// String is the word of an action: silent, next or boot.
func (a Action) String() string {
	switch a {
	case Boot:
		return "boot"
	case NextDevice:
		return "next"
	}
	return "silent"
}

// Describe names a DHCP option of an answer and shows its value: an address, a text,
// or bytes.
func Describe(o dhcp.Option) (name, value string) {
	switch o.Code {
	case dhcpv4.OptionServerIdentifier.Code():
		name, value = "server identifier", net.IP(o.Data).String()
	case dhcpv4.OptionClassIdentifier.Code():
		name, value = "vendor class", string(o.Data)
	case dhcpv4.OptionVendorSpecificInformation.Code():
		name, value = "vendor information", hex.EncodeToString(o.Data)
	case dhcpv4.OptionClientMachineIdentifier.Code():
		name, value = "machine identifier", hex.EncodeToString(o.Data)
	case dhcpv4.OptionEtherboot.Code():
		name, value = "iPXE settings", hex.EncodeToString(o.Data)
	default:
		name, value = fmt.Sprintf("option %d", o.Code), hex.EncodeToString(o.Data)
	}
	return name, value
}
