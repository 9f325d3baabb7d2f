package selftest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Types of TLVs (IEEE 802.1AB-2016 table 8-1), and the organizations whose own ones
// are read here.
const (
	tlvEnd         = 0
	tlvChassis     = 1
	tlvPort        = 2
	tlvTTL         = 3
	tlvDescription = 4
	tlvSystemName  = 5
	tlvOrganized   = 127

	portVLAN = "\x00\x80\xc2\x01" // IEEE 802.1Q annex D.2.1: port VLAN ID
	maxFrame = "\x00\x12\x0f\x04" // IEEE 802.3 clause 79.3.4: maximum frame size
)

// parseLLDP reads the payload of a frame of type 0x88cc. Chassis, port and TTL come
// first, in this order (section 8.2); what else is there may come in any order, and
// unknown TLVs are passed over.
func parseLLDP(b []byte) (discovered, error) {
	var d discovered
	chassis := ""
	for i := 0; len(b) >= 2; i++ {
		head := binary.BigEndian.Uint16(b)
		kind, n := int(head>>9), int(head&0x1ff)
		if kind == tlvEnd {
			break
		}
		if len(b) < 2+n {
			return d, fmt.Errorf("LLDP: TLV %d of %d bytes is cut off", kind, n)
		}
		v := b[2 : 2+n]
		b = b[2+n:]
		if i < tlvTTL && kind != i+1 {
			return d, fmt.Errorf("LLDP: TLV %d stands where %d must", kind, i+1)
		}
		switch kind {
		case tlvChassis:
			chassis = identifier(v, map[byte]bool{4: true}, 5)
		case tlvPort:
			d.Port = identifier(v, map[byte]bool{3: true}, 4)
		case tlvTTL:
			if n < 2 {
				return d, errors.New("LLDP: the TTL is cut off")
			}
			d.ttl = time.Duration(binary.BigEndian.Uint16(v)) * time.Second
		case tlvDescription:
			d.Description = printable(v)
		case tlvSystemName:
			d.Switch = printable(v)
		case tlvOrganized:
			d.organized(v)
		}
	}
	if chassis == "" || d.Port == "" {
		return d, errors.New("LLDP: chassis or port is missing")
	}
	if d.Switch == "" {
		d.Switch = chassis
	}
	return d, nil
}

// organized reads the TLVs of IEEE 802.1 and 802.3 that matter here.
func (d *discovered) organized(v []byte) {
	if len(v) < 6 {
		return
	}
	switch n := int(binary.BigEndian.Uint16(v[4:])); string(v[:4]) {
	case portVLAN:
		d.VLAN = n & 0xfff
	case maxFrame:
		d.MaxFrame = n
	}
}

// identifier reads a chassis ID or port ID: a byte says of which kind the rest is
// (tables 8-2 and 8-3). macs are the kinds that are a MAC, address is the one that is
// a network address: IANA's number of the family, then the address.
func identifier(v []byte, macs map[byte]bool, address byte) string {
	if len(v) < 2 {
		return ""
	}
	kind, rest := v[0], v[1:]
	switch {
	case macs[kind] && len(rest) == 6:
		return net.HardwareAddr(rest).String()
	case kind == address:
		if a, ok := netip.AddrFromSlice(rest[1:]); ok {
			return a.String()
		}
	}
	return printable(rest)
}

// maxText is how much is kept of what a switch calls itself.
const maxText = 80

// printable makes what came from the wire fit for a console.
func printable(b []byte) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, strings.TrimRight(string(b[:min(len(b), maxText)]), "\x00"))
	return strings.TrimSpace(s)[:min(len(strings.TrimSpace(s)), maxText)]
}
