package pxe

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Request is what a DHCP message says about the machine that sent it.
type Request struct {
	Type          dhcpv4.MessageType
	TransactionID uint32
	MAC           net.HardwareAddr // 6 bytes
	UUID          string           // SMBIOS GUID as in 00112233-4455-6677-8899-aabbccddeeff, lower case; "" if unknown
	MachineID     []byte           // option 97 as sent, to be echoed; nil without one
	Arch          uint16           // RFC 4578 section 2.1, RFC 5970 section 3.3
	HasArch       bool
	VendorClass   string     // option 60
	UserClass     string     // option 77, without length bytes
	IPXE          bool       // user class iPXE
	Port          uint16     // the port of ours that was asked: 67 or 4011
	Relay         netip.Addr // giaddr, zero without a relay
	Client        netip.Addr // ciaddr, zero before the client has an address
	ServerID      netip.Addr // option 54, zero without one
}

// Parse reads a client message that came to the given port of ours. It fails on
// messages that are not from an Ethernet client.
func Parse(m *dhcpv4.DHCPv4, port uint16) (Request, error) {
	if m.OpCode != dhcpv4.OpcodeBootRequest {
		return Request{}, fmt.Errorf("dhcp message: op code %d is no request", m.OpCode)
	}
	if len(m.ClientHWAddr) != 6 {
		return Request{}, fmt.Errorf("dhcp message: hardware address of %d bytes, want 6", len(m.ClientHWAddr))
	}
	r := Request{
		Type:          dhcp.TypeOf(m),
		TransactionID: binary.BigEndian.Uint32(m.TransactionID[:]),
		MAC:           slices.Clone(m.ClientHWAddr),
		VendorClass:   text(m.GetOneOption(dhcpv4.OptionClassIdentifier)),
		UserClass:     userClass(m.GetOneOption(dhcpv4.OptionUserClassInformation)),
		Port:          port,
		Relay:         address(m.GatewayIPAddr),
		Client:        address(m.ClientIPAddr),
		ServerID:      address(m.GetOneOption(dhcpv4.OptionServerIdentifier)),
	}
	r.IPXE = r.UserClass == "iPXE"
	r.Arch, r.HasArch = architecture(m.GetOneOption(dhcpv4.OptionClientSystemArchitectureType), r.VendorClass)
	if id := m.GetOneOption(dhcpv4.OptionClientMachineIdentifier); len(id) == 17 && id[0] == 0 {
		r.MachineID = slices.Clone(id)
		r.UUID = guid(id[1:])
	}
	return r, nil
}

// http says whether the machine asks by UEFI HTTP Boot.
func (r Request) http() bool { return strings.HasPrefix(r.VendorClass, classHTTP) }

// architecture prefers option 93 and falls back to the vendor class
// "PXEClient:Arch:00007:UNDI:003016" (PXE 2.1 table 2-1).
func architecture(option []byte, class string) (uint16, bool) {
	if len(option) >= 2 {
		return binary.BigEndian.Uint16(option), true
	}
	_, rest, ok := strings.Cut(class, ":Arch:")
	if !ok {
		return 0, false
	}
	digits, _, _ := strings.Cut(rest, ":")
	n, err := strconv.ParseUint(digits, 10, 16)
	return uint16(n), err == nil
}

// userClass reads option 77. RFC 3004 wants a length byte before each class; iPXE
// sends the bare word.
func userClass(b []byte) string {
	if len(b) > 1 && int(b[0]) == len(b)-1 {
		b = b[1:]
	}
	return text(b)
}

// guid writes option 97's GUID as SMBIOS tools show it: the first three fields
// are little-endian on the wire (RFC 4578 section 2.3, SMBIOS 2.6 section 7.2.1).
// A GUID of all zeros or all ones is what boards without one send.
func guid(b []byte) string {
	if allSame(b, 0x00) || allSame(b, 0xff) {
		return ""
	}
	e := slices.Clone(b)
	slices.Reverse(e[0:4])
	slices.Reverse(e[4:6])
	slices.Reverse(e[6:8])
	h := hex.EncodeToString(e)
	return h[0:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:32]
}

func allSame(b []byte, v byte) bool {
	return !slices.ContainsFunc(b, func(x byte) bool { return x != v })
}

// text drops the zero bytes that some ROMs end their strings with.
func text(b []byte) string { return strings.TrimRight(string(b), "\x00") }

func address(ip net.IP) netip.Addr {
	a, ok := netip.AddrFromSlice(ip.To4())
	if !ok || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}
