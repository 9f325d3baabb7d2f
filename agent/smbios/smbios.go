// Package smbios reads the structure table of SMBIOS (DMTF DSP0134 3.7): BIOS
// (type 0), system (type 1), board (type 2), chassis (type 3), processor (type 4)
// and memory (type 17).
//
// It takes bytes from the firmware, which is often wrong: whatever does not fit
// ends the reading without an error, and what was read until then counts. It
// opens no files.
package smbios

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// Info is what the tables say, without surrounding spaces and without the
// fillers that makers leave behind.
type Info struct {
	BIOSVendor, BIOSVersion            string
	Manufacturer, Product, Version     string
	SerialNumber, SKU, Family          string
	UUID                               string // RFC 9562, lower case; empty if none is set
	Chassis, ChassisSerial, AssetTag   string
	Board                              Board
	Processor                          Processor
	Memory                             []Memory // slots that hold a module, at most 256
	hasBIOS, hasSystem, hasChassisInfo bool
	hasBoard, hasProcessor             bool
}

// LegacyUUID says whether an entry point (DSP0134, 5.2) is older than SMBIOS
// 2.6: before it, all bytes of the UUID were in network order.
func LegacyUUID(entry []byte) bool {
	var major, minor byte
	switch {
	case bytes.HasPrefix(entry, []byte("_SM3_")) && len(entry) > 8:
		major, minor = entry[7], entry[8]
	case bytes.HasPrefix(entry, []byte("_SM_")) && len(entry) > 7:
		major, minor = entry[6], entry[7]
	default:
		return false
	}
	return major < 2 || major == 2 && minor < 6
}

// structure is one entry of the table: the formatted part and the strings.
type structure struct {
	kind    byte
	data    []byte // with the header of four bytes
	strings []string
}

// Parse reads a structure table; of each type the first entry counts.
func Parse(table []byte, legacyUUID bool) Info {
	var info Info
	for len(table) > 0 {
		s, rest, ok := next(table)
		if !ok || s.kind == 127 {
			break
		}
		info.take(s, legacyUUID)
		table = rest
	}
	return info
}

// next cuts the first structure off (DSP0134, 6.1): header, formatted part,
// strings each ended by NUL, another NUL.
func next(table []byte) (structure, []byte, bool) {
	if len(table) < 4 || int(table[1]) < 4 || len(table) < int(table[1]) {
		return structure{}, nil, false
	}
	s := structure{kind: table[0], data: table[:table[1]]}
	rest := table[table[1]:]
	if bytes.HasPrefix(rest, []byte{0, 0}) {
		return s, rest[2:], true
	}
	for len(rest) > 0 && rest[0] != 0 {
		text, after, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			return structure{}, nil, false
		}
		s.strings = append(s.strings, string(text))
		rest = after
	}
	if len(rest) == 0 {
		return s, nil, true
	}
	return s, rest[1:], true
}

func (i *Info) take(s structure, legacyUUID bool) {
	switch {
	case s.kind == 0 && !i.hasBIOS:
		i.hasBIOS = true
		i.BIOSVendor, i.BIOSVersion = s.text(4), s.text(5)
	case s.kind == 1 && !i.hasSystem:
		i.hasSystem = true
		i.Manufacturer, i.Product, i.Version, i.SerialNumber = s.text(4), s.text(5), s.text(6), s.text(7)
		i.UUID = s.uuid(8, legacyUUID)
		i.SKU, i.Family = s.text(0x19), s.text(0x1a)
	case s.kind == 2 && !i.hasBoard:
		i.hasBoard = true
		i.Board = Board{s.text(4), s.text(5), s.text(6), s.text(7)}
	case s.kind == 4 && !i.hasProcessor && s.byte(0x18)&0x40 != 0: // the socket is populated
		i.hasProcessor = true
		i.Processor = s.processor()
	case s.kind == 17 && len(i.Memory) < maxModules:
		if m := s.memory(); m.Bytes > 0 {
			i.Memory = append(i.Memory, m)
		}
	case s.kind == 3 && !i.hasChassisInfo:
		i.hasChassisInfo = true
		if len(s.data) > 5 {
			i.Chassis = chassis(s.data[5] & 0x7f)
		}
		i.ChassisSerial, i.AssetTag = s.text(7), s.text(8)
	}
}

// text is the string whose number stands at an offset.
func (s structure) text(at int) string {
	if at >= len(s.data) || s.data[at] == 0 || int(s.data[at]) > len(s.strings) {
		return ""
	}
	t := strings.TrimSpace(strings.Map(printable, strings.ToValidUTF8(s.strings[s.data[at]-1], "?")))
	switch strings.ToLower(t) {
	case "to be filled by o.e.m.", "default string", "not specified", "none", "system serial number", "no asset tag", "no asset information":
		return ""
	}
	return t
}

func printable(r rune) rune {
	if r < 0x20 || r >= 0x7f && r < 0xa0 {
		return ' '
	}
	return r
}

// uuid reads 16 bytes whose first three fields are little endian since SMBIOS
// 2.6 (DSP0134, 7.2.1). All ones and all zeros mean that there is none.
func (s structure) uuid(at int, legacy bool) string {
	if len(s.data) < at+16 {
		return ""
	}
	var b [16]byte
	copy(b[:], s.data[at:])
	if bytes.Count(b[:], []byte{0}) == 16 || bytes.Count(b[:], []byte{0xff}) == 16 {
		return ""
	}
	if !legacy {
		binary.BigEndian.PutUint32(b[0:], binary.LittleEndian.Uint32(b[0:]))
		binary.BigEndian.PutUint16(b[4:], binary.LittleEndian.Uint16(b[4:]))
		binary.BigEndian.PutUint16(b[6:], binary.LittleEndian.Uint16(b[6:]))
	}
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// chassis names the types of DSP0134, table 17, that computers have.
func chassis(kind byte) string {
	names := map[byte]string{
		1: "Other", 2: "Unknown", 3: "Desktop", 4: "Low Profile Desktop", 5: "Pizza Box", 6: "Mini Tower", 7: "Tower",
		8: "Portable", 9: "Laptop", 10: "Notebook", 11: "Hand Held", 12: "Docking Station", 13: "All in One",
		14: "Sub Notebook", 15: "Space-saving", 16: "Lunch Box", 17: "Main Server Chassis", 23: "Rack Mount Chassis",
		24: "Sealed-case PC", 28: "Blade", 30: "Tablet", 31: "Convertible", 32: "Detachable", 33: "IoT Gateway",
		34: "Embedded PC", 35: "Mini PC", 36: "Stick PC",
	}
	return names[kind]
}
