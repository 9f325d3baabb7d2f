package smbios

import "encoding/binary"

// maxModules bounds the memory modules of one machine.
const maxModules = 256

// Board is the first baseboard (DSP0134, 7.3).
type Board struct{ Manufacturer, Product, Version, SerialNumber string }

// Processor is the first populated socket (DSP0134, 7.5); 0 is what the table does not say.
type Processor struct {
	Manufacturer string
	MaxMHz       int
	Cores        int // of this socket
}

// Memory is one module (DSP0134, 7.18).
type Memory struct {
	Bytes        int64
	MTs          int // transfers a second, in millions; 0 if the table does not say
	Locator      string
	Bank         string
	Manufacturer string
	SerialNumber string
	PartNumber   string
}

func (s structure) byte(at int) byte {
	if at >= len(s.data) {
		return 0
	}
	return s.data[at]
}

func (s structure) word(at int) uint16 {
	if at+2 > len(s.data) {
		return 0
	}
	return binary.LittleEndian.Uint16(s.data[at:])
}

func (s structure) dword(at int) uint32 {
	if at+4 > len(s.data) {
		return 0
	}
	return binary.LittleEndian.Uint32(s.data[at:])
}

func (s structure) processor() Processor {
	p := Processor{Manufacturer: s.text(7), MaxMHz: int(s.word(0x14)), Cores: int(s.byte(0x23))}
	if p.Cores == 0xff { // 3.0: it stands in a word
		p.Cores = int(s.word(0x2a))
	}
	return p
}

func (s structure) memory() Memory {
	m := Memory{Locator: s.text(0x10), Bank: s.text(0x11), Manufacturer: s.text(0x17), SerialNumber: s.text(0x18), PartNumber: s.text(0x1a)}
	switch size := s.word(0x0c); {
	case size == 0xffff: // unknown
	case size == 0x7fff: // 2.7: it stands in a double word, in MiB
		m.Bytes = int64(s.dword(0x1c)&0x7fffffff) << 20
	case size&0x8000 != 0: // in KiB
		m.Bytes = int64(size&0x7fff) << 10
	default: // in MiB
		m.Bytes = int64(size) << 20
	}
	switch speed := s.word(0x15); speed {
	case 0xffff: // 3.3: it stands in a double word
		m.MTs = int(s.dword(0x54) & 0x7fffffff)
	default:
		m.MTs = int(speed)
	}
	return m
}
