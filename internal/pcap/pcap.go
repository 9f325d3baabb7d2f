// Package pcap reads captures of the classic format (draft-ietf-opsawg-pcap) with
// Ethernet frames, for tests that play what was on a wire. It knows neither pcapng
// nor other kinds of link: editcap -F pcap makes this format of a pcapng file.
package pcap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

// Packet is one UDP datagram or TCP segment over IPv4 in an Ethernet frame.
type Packet struct {
	Time         time.Time
	SourceMAC    net.HardwareAddr
	IP           []byte // the IPv4 packet, without what pads a short frame
	Source, Dest netip.AddrPort
	TCP          bool
	Payload      []byte // of UDP or TCP
}

const (
	etherHeader = 14
	etherIPv4   = 0x0800
	linkEther   = 1
	maxFrame    = 1 << 16
)

// Read reads all packets of a capture, and passes over what is not UDP or TCP over
// IPv4.
func Read(r io.Reader) ([]Packet, error) {
	var head [24]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("pcap: header: %w", err)
	}
	order, unit, err := magic(head[:4])
	if err != nil {
		return nil, err
	}
	if link := order.Uint32(head[20:]) & 0xffff; link != linkEther {
		return nil, fmt.Errorf("pcap: link type %d, want 1 (Ethernet)", link)
	}
	var all []Packet
	for {
		var record [16]byte
		if _, err := io.ReadFull(r, record[:]); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("pcap: packet %d: %w", len(all)+1, err)
		}
		n := order.Uint32(record[8:])
		if n > maxFrame {
			return nil, fmt.Errorf("pcap: packet %d: a frame of %d bytes", len(all)+1, n)
		}
		frame := make([]byte, n)
		if _, err := io.ReadFull(r, frame); err != nil {
			return nil, fmt.Errorf("pcap: packet %d: %w", len(all)+1, err)
		}
		at := time.Unix(int64(order.Uint32(record[0:])), int64(order.Uint32(record[4:]))*int64(unit)).UTC()
		if p, ok := parse(frame); ok {
			p.Time = at
			all = append(all, p)
		}
	}
}

// magic says in which byte order the file is written, and what its fractions count.
func magic(b []byte) (binary.ByteOrder, time.Duration, error) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(b) {
		case 0xa1b2c3d4:
			return order, time.Microsecond, nil
		case 0xa1b23c4d:
			return order, time.Nanosecond, nil
		}
	}
	return nil, 0, fmt.Errorf("pcap: the file begins with %x: no capture of the classic format", b)
}

func parse(frame []byte) (p Packet, ok bool) {
	if len(frame) < etherHeader+20 || binary.BigEndian.Uint16(frame[12:]) != etherIPv4 {
		return p, false
	}
	ip := frame[etherHeader:]
	head, total := int(ip[0]&15)*4, int(binary.BigEndian.Uint16(ip[2:]))
	if ip[0]>>4 != 4 || head < 20 || total < head || total > len(ip) || binary.BigEndian.Uint16(ip[6:])&0x1fff != 0 {
		return p, false
	}
	ip = ip[:total]
	body, skip := ip[head:], 8
	if p.TCP = ip[9] == 6; p.TCP && len(body) >= 20 {
		skip = int(body[12]>>4) * 4
	} else if ip[9] != 17 {
		return p, false
	}
	if len(body) < max(skip, 8) {
		return p, false
	}
	p.SourceMAC, p.IP, p.Payload = net.HardwareAddr(frame[6:12]), ip, body[skip:]
	p.Source = netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip[12:16])), binary.BigEndian.Uint16(body))
	p.Dest = netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip[16:20])), binary.BigEndian.Uint16(body[2:]))
	return p, true
}
