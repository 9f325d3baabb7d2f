package selftest

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"
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

// toClient takes what a server sent to UDP port 68 out of an IPv4 packet. Fragments
// are passed over: firmware could not put them together either.
func toClient(ip []byte) (payload []byte, from netip.Addr, ok bool) {
	if len(ip) < ipHead || ip[0]>>4 != 4 || ip[9] != unix.IPPROTO_UDP || binary.BigEndian.Uint16(ip[6:])&0x3fff != 0 {
		return nil, from, false
	}
	head := int(ip[0]&15) * 4
	if head < ipHead || len(ip) < head+udpHead || binary.BigEndian.Uint16(ip[head+2:]) != clientPort {
		return nil, from, false
	}
	n := int(binary.BigEndian.Uint16(ip[head+4:])) // short frames are padded
	if n < udpHead || len(ip) < head+n {
		return nil, from, false
	}
	return ip[head+udpHead : head+n], netip.AddrFrom4([4]byte(ip[12:16])), true
}

// answersOnly lets UDP to port 68 through: the kernel drops the rest of the segment's
// traffic.
var answersOnly = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 9, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_UDP, SkipTrue: 5},
	bpf.LoadAbsolute{Off: 6, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x3fff, SkipTrue: 3},
	bpf.LoadMemShift{Off: 0},
	bpf.LoadIndirect{Off: 2, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: clientPort, SkipTrue: 1},
	bpf.RetConstant{Val: 0},
	bpf.RetConstant{Val: 1 << 16},
}
