package dhcp

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Lengths of headers (RFC 791, RFC 768).
const (
	ipHead  = 20
	udpHead = 8
)

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
