package selftest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/bootward/bootward/api"
)

// CDP, which Cisco's switches speak unasked, has no standard; the format is that of
// Wireshark's packet-cdp.c. It goes to a group address of its own in 802.3 frames with a SNAP header.
const (
	cdpDevice     = 0x0001
	cdpPort       = 0x0003
	cdpNativeVLAN = 0x000a

	snapHead = "\xaa\xaa\x03\x00\x00\x0c\x20\x00" // LLC, Cisco's number, CDP
	cdpHead  = 4                                  // version, TTL in seconds, checksum
)

// cdpPayload takes CDP out of an Ethernet frame; false for everything else.
func cdpPayload(frame []byte) ([]byte, bool) {
	if len(frame) < etherHead+len(snapHead) || !bytes.HasPrefix(frame[etherHead:], []byte(snapHead)) {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(frame[etherHead-2:])) // short frames are padded
	if n < len(snapHead) || len(frame) < etherHead+n {
		return nil, false
	}
	return frame[etherHead+len(snapHead) : etherHead+n], true
}

// parseCDP reads what stands behind the SNAP header. The checksum is not looked at:
// some switches compute it otherwise when the length is odd, and the frame has its own.
// TLVs may come in any order; unknown ones are passed over.
func parseCDP(b []byte) (discovered, error) {
	var d discovered
	if len(b) < cdpHead || b[0] == 0 {
		return d, errors.New("CDP: the head is cut off, or of no version")
	}
	d.ttl = time.Duration(b[1]) * time.Second
	for b = b[cdpHead:]; len(b) >= 4; {
		kind, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:])) // n counts these four bytes
		if n < 4 || len(b) < n {
			return d, fmt.Errorf("CDP: TLV %#04x of %d bytes is cut off", kind, n)
		}
		v := b[4:n]
		b = b[n:]
		switch {
		case kind == cdpDevice:
			d.Switch = printable(v)
		case kind == cdpPort:
			d.Port = printable(v)
		case kind == cdpNativeVLAN && len(v) == 2:
			d.VLAN = int(binary.BigEndian.Uint16(v)) & 0xfff
		}
	}
	if d.Switch == "" || d.Port == "" {
		return d, errors.New("CDP: device or port is missing")
	}
	return d, nil
}

// discovered is what one frame of LLDP or CDP says.
type discovered struct {
	api.SwitchPort
	ttl time.Duration // 0: the other end stops
}
