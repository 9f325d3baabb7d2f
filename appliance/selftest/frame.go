package selftest

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Ports of DHCP (RFC 2131 section 4.1).
const (
	serverPort = 67
	clientPort = 68
)

const (
	ipHead  = 20
	udpHead = 8
)

// broadcast makes the IPv4 packet in which a client without an address asks: from
// 0.0.0.0 port 68 to everybody, port 67 (RFC 791, RFC 768; a UDP checksum of 0 is
// none).
func broadcast(payload []byte) []byte {
	b := make([]byte, ipHead+udpHead, ipHead+udpHead+len(payload))
	b[0], b[8], b[9] = 0x45, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(b[2:], uint16(ipHead+udpHead+len(payload)))
	copy(b[16:20], []byte{255, 255, 255, 255})
	binary.BigEndian.PutUint16(b[10:], checksum(b[:ipHead]))
	binary.BigEndian.PutUint16(b[20:], clientPort)
	binary.BigEndian.PutUint16(b[22:], serverPort)
	binary.BigEndian.PutUint16(b[24:], uint16(udpHead+len(payload)))
	return append(b, payload...)
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
