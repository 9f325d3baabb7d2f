package selftest

import (
	"fmt"
	"net"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
)

// Question is as whom the box asks.
type Question string

// The questions.
const (
	Own   Question = "the box itself"     // an ordinary client, with the interface's own MAC
	Plain Question = "an ordinary client" // with a made-up MAC, as the questions below
	BIOS  Question = "BIOS PXE"
	UEFI  Question = "UEFI x64 PXE"
	HTTP  Question = "UEFI x64 HTTP Boot"
)

// Questions are all of them.
var Questions = []Question{Own, Plain, BIOS, UEFI, HTTP}

// boots are the questions that find other PXE servers, and what firmware says then:
// the class, and option 93 (RFC 4578 section 2.1).
var boots = map[Question]struct {
	class string
	arch  iana.Arch
}{
	BIOS: {"PXEClient", iana.INTEL_X86PC},
	UEFI: {"PXEClient", iana.EFI_BC},
	HTTP: {"HTTPClient", iana.EFI_X86_64_HTTP},
}

// hostName is option 12, by which a DHCP server's log shows who asks.
const hostName = "bootward-selftest"

// MadeUp is the MAC that a box asks with: that of its interface made into a
// locally administered one (IEEE 802, U/L bit), another one if it is that already. It is the same at each question, so that
// another server sets one address aside for it and no more. Frames still bear the
// interface's own MAC: a switch port that allows one MAC only stays up.
func MadeUp(own net.HardwareAddr) net.HardwareAddr {
	mac := append(net.HardwareAddr(nil), own...)
	const local, otherBit = 2, 4
	if mac[0]&local != 0 {
		mac[0] ^= otherBit
	}
	mac[0] |= local
	return mac
}

// discover is the DISCOVER of a question. Answers are wanted as broadcasts: the box
// has no address under that MAC.
func (q Question) discover(own net.HardwareAddr) (*dhcpv4.DHCPv4, error) {
	mac := MadeUp(own)
	if q == Own {
		mac = own
	}
	mods := []dhcpv4.Modifier{
		dhcpv4.WithHwAddr(mac), dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover), dhcpv4.WithBroadcast(true),
		dhcpv4.WithOption(dhcpv4.OptHostName(hostName)),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionVendorSpecificInformation, dhcpv4.OptionInterfaceMTU,
			dhcpv4.OptionClassIdentifier, dhcpv4.OptionTFTPServerName, dhcpv4.OptionBootfileName),
	}
	if b, ok := boots[q]; ok {
		mods = append(mods, dhcpv4.WithOption(dhcpv4.OptClassIdentifier(fmt.Sprintf("%s:Arch:%05d:UNDI:003016", b.class, b.arch))),
			dhcpv4.WithOption(dhcpv4.OptClientArch(b.arch)),
			dhcpv4.WithGeneric(dhcpv4.OptionClientNetworkInterfaceIdentifier, []byte{1, 3, 16}), // UNDI 3.16
			dhcpv4.WithGeneric(dhcpv4.OptionClientMachineIdentifier, make([]byte, 17)))          // no GUID
	}
	m, err := dhcpv4.New(mods...)
	if err != nil {
		return nil, fmt.Errorf("selftest: DISCOVER as %s: %w", q, err)
	}
	return m, nil
}
