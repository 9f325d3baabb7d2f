package dhcp

import (
	"encoding/binary"
	"net"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
)

// Where the fields of a message are (RFC 2131 section 2, figure 1).
const (
	atFlags   = 10
	atCIAddr  = 12
	atYIAddr  = 16
	atSIAddr  = 20
	atGIAddr  = 24
	atCHAddr  = 28
	atSName   = 44
	atFile    = 108
	atCookie  = 236
	atOptions = 240
)

// Marks between options (RFC 2132 section 3).
const (
	optionPad   = 0
	optionRelay = 82
	optionEnd   = 255
)

var cookie = [4]byte{99, 130, 83, 99} // RFC 2131 section 3

// decode reads a message into m, which may be one that was used before, and says whether
// it is one. It takes what dhcpv4.FromBytes takes and gives what that gives, as
// FuzzDecode holds, but copies nothing: m is good until b changes. A flood is dropped,
// or answered, without a burden on memory.
func decode(m *dhcpv4.DHCPv4, b []byte) bool {
	if len(b) < atOptions || [4]byte(b[atCookie:]) != cookie {
		return false
	}
	o := m.Options
	if o == nil {
		o = dhcpv4.Options{}
	}
	clear(o)
	*m = dhcpv4.DHCPv4{
		OpCode: dhcpv4.OpcodeType(b[0]), HWType: iana.HWType(b[1]), HopCount: b[3], TransactionID: dhcpv4.TransactionID(b[4:8]),
		NumSeconds: binary.BigEndian.Uint16(b[8:]), Flags: binary.BigEndian.Uint16(b[10:]),
		ClientIPAddr: ip4(b, atCIAddr), YourIPAddr: ip4(b, atYIAddr), ServerIPAddr: ip4(b, atSIAddr), GatewayIPAddr: ip4(b, atGIAddr),
		ClientHWAddr:   net.HardwareAddr(b[atCHAddr : atCHAddr+min(int(b[2]), 16)]),
		ServerHostName: untilZero(b[atSName:atFile]), BootFileName: untilZero(b[atFile:atCookie]), Options: o,
	}
	return decodeOptions(o, b[atOptions:])
}

// decodeOptions puts values that were split together (RFC 3396).
func decodeOptions(o dhcpv4.Options, b []byte) bool {
	if len(b) == 0 {
		return true
	}
	for len(b) > 0 {
		code := b[0]
		switch {
		case code == optionEnd:
			return true
		case code == optionPad:
			b = b[1:]
			continue
		case len(b) < 2 || len(b) < 2+int(b[1]):
			return false
		}
		end := 2 + int(b[1])
		value := b[2:end:end] // to append to it copies
		if before := o[code]; len(before) > 0 || len(value) == 0 {
			value = append(before, value...)
		}
		o[code] = value
		b = b[end:]
	}
	return false // cut off
}

// TypeOf is the type of a message, MessageTypeNone without one. It is m.MessageType
// without its memory.
func TypeOf(m *dhcpv4.DHCPv4) dhcpv4.MessageType {
	if v := m.GetOneOption(dhcpv4.OptionDHCPMessageType); len(v) == 1 {
		return dhcpv4.MessageType(v[0])
	}
	return dhcpv4.MessageTypeNone
}

func ip4(b []byte, at int) net.IP { return net.IP(b[at : at+4 : at+4]) }

func untilZero(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
