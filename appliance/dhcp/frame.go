package dhcp

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Lengths of headers (RFC 791, RFC 768), in bytes.
const (
	ipHead  = 20
	udpHead = 8
	// Headers is the length of both, for PutHeaders.
	Headers = ipHead + udpHead
)

// PutHeaders makes b, whose payload begins after Headers bytes, an IPv4 packet with UDP
// between two IPv4 addresses. It is one datagram and is not to be cut (DF).
func PutHeaders(b []byte, from, to netip.AddrPort) {
	clear(b[:Headers])
	b[0], b[6], b[8], b[9] = 0x45, 0x40, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	source, target := from.Addr().As4(), to.Addr().As4()
	copy(b[12:], source[:])
	copy(b[16:], target[:])
	binary.BigEndian.PutUint16(b[10:], checksum(0, b[:ipHead]))

	udp := b[ipHead:]
	binary.BigEndian.PutUint16(udp, from.Port())
	binary.BigEndian.PutUint16(udp[2:], to.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(len(udp)))
	// With the pseudo header: addresses, which stand before it, protocol and length.
	sum := checksum(unix.IPPROTO_UDP+uint64(len(udp)), b[12:])
	if sum == 0 {
		sum = 0xffff // 0 is none
	}
	binary.BigEndian.PutUint16(udp[6:], sum)
}

// checksum is that of RFC 1071, begun with a sum.
func checksum(sum uint64, b []byte) uint16 {
	for ; len(b) >= 4; b = b[4:] {
		sum += uint64(binary.BigEndian.Uint32(b))
	}
	var rest [4]byte
	copy(rest[:], b)
	sum += uint64(binary.BigEndian.Uint32(rest[:]))
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// ToClient takes what a server sent to UDP port 68 out of an IPv4 packet. Fragments
// are passed over: firmware could not put them together either.
func ToClient(ip []byte) (payload []byte, from netip.Addr, ok bool) {
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

// ForClients is a filter that lets UDP to port 68 through: the kernel drops the rest
// of the segment's traffic.
func ForClients() []bpf.Instruction {
	return []bpf.Instruction{
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
}
