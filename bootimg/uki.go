package bootimg

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Sections is what a unified kernel image carries beside the stub.
type Sections struct {
	OSRelease   string // .osrel, os-release(5): what boot loaders show and sort by
	CommandLine string // .cmdline
	Release     string // .uname, the kernel's release
	Initrd      []byte // .initrd
	Kernel      []byte // .linux, a bzImage; it stands last, since it unpacks itself in place and beyond its end
}

// Offsets in PE images (Microsoft's PE format), relative to the COFF header, the optional header, or a section header.
const (
	peOffsetField   = 0x3c // in the DOS header: where "PE\0\0" is
	coffSize        = 20
	coffSections    = 2  // u16
	coffSymbols     = 8  // u32 pointer, u32 count
	coffOptional    = 16 // u16 size
	optFileAlign    = 36
	optSectionAlign = 32
	optInitialized  = 8 // SizeOfInitializedData
	optImageSize    = 56
	optHeadersSize  = 60
	optChecksum     = 64
	sectionSize     = 40
	optMinimum      = 112 // bytes of a PE32+ optional header without data directories
	magicPE32Plus   = 0x20b
)

// sectionFlags: initialised data, readable (IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_READ).
const sectionFlags = 0x40000040

// pageSize is where sections of a UKI start in memory.
const pageSize = 4096

var errNotPE = errors.New("stub is no PE32+ image")

// UKI appends the sections to an EFI stub and returns the image. It does not sign. The stub must have room for the
// section headers, as systemd's stub has; otherwise UKI fails rather than move the stub's code.
func UKI(stub []byte, s Sections) ([]byte, error) {
	p, err := parsePE(stub)
	if err != nil {
		return nil, err
	}
	parts := []struct {
		name string
		data []byte
		room uint32 // memory beyond the data
	}{
		{".osrel", []byte(s.OSRelease), 0},
		{".cmdline", []byte(s.CommandLine), 0},
		{".uname", []byte(s.Release), 0},
		{".initrd", s.Initrd, 0},
		{".linux", s.Kernel, kernelRoom(s.Kernel)},
	}
	out := align(append([]byte{}, stub...), p.fileAlign)
	for _, part := range parts {
		if len(part.data) == 0 {
			return nil, fmt.Errorf("unified kernel image: section %s would be empty", part.name)
		}
		if out, err = p.add(out, part.name, part.data, part.room); err != nil {
			return nil, fmt.Errorf("unified kernel image: %w", err)
		}
	}
	return out, nil
}

type pe struct {
	coff, opt, table     int    // offsets in the file
	sections             int    // how many there are
	headers              uint32 // SizeOfHeaders
	fileAlign, pageAlign uint32
	end                  uint32 // first free address in memory
}

func parsePE(b []byte) (*pe, error) {
	if len(b) < 0x40 || b[0] != 'M' || b[1] != 'Z' {
		return nil, errNotPE
	}
	at := binary.LittleEndian.Uint32(b[peOffsetField:])
	if int64(at)+4+coffSize+optMinimum > int64(len(b)) || string(b[at:at+4]) != "PE\x00\x00" {
		return nil, errNotPE
	}
	p := &pe{coff: int(at) + 4}
	p.opt = p.coff + coffSize
	p.sections = int(binary.LittleEndian.Uint16(b[p.coff+coffSections:]))
	p.table = p.opt + int(binary.LittleEndian.Uint16(b[p.coff+coffOptional:]))
	p.headers = binary.LittleEndian.Uint32(b[p.opt+optHeadersSize:])
	p.fileAlign = binary.LittleEndian.Uint32(b[p.opt+optFileAlign:])
	p.pageAlign = max(pageSize, binary.LittleEndian.Uint32(b[p.opt+optSectionAlign:]))
	if binary.LittleEndian.Uint16(b[p.opt:]) != magicPE32Plus || p.fileAlign == 0 || p.fileAlign > pageSize ||
		p.table+p.sections*sectionSize > len(b) || int64(p.headers) > int64(len(b)) {
		return nil, errNotPE
	}
	for i := range p.sections {
		h := b[p.table+i*sectionSize:]
		p.end = max(p.end, binary.LittleEndian.Uint32(h[12:])+binary.LittleEndian.Uint32(h[8:]))
	}
	return p, nil
}

// add appends one section: its data at the end of the file, its header after the last header.
func (p *pe) add(b []byte, name string, data []byte, room uint32) ([]byte, error) {
	header := p.table + p.sections*sectionSize
	if header+sectionSize > int(p.headers) {
		return nil, fmt.Errorf("the stub has no room for the header of %s", name)
	}
	address := up(p.end, p.pageAlign)
	raw := len(b)
	b = align(append(b, data...), p.fileAlign)
	if int64(address)+int64(len(data))+int64(room) > 1<<31 {
		return nil, fmt.Errorf("section %s: the image grows beyond 2 GiB", name)
	}
	h := b[header : header+sectionSize]
	clear(h)
	copy(h, name)
	put := binary.LittleEndian.PutUint32
	put(h[8:], uint32(len(data)))
	put(h[12:], address)
	put(h[16:], uint32(len(b)-raw))
	put(h[20:], uint32(raw))
	put(h[36:], sectionFlags)
	p.end = address + uint32(len(data)) + room
	p.sections++
	binary.LittleEndian.PutUint16(b[p.coff+coffSections:], uint16(p.sections))
	put(b[p.coff+coffSymbols:], 0)
	put(b[p.coff+coffSymbols+4:], 0)
	put(b[p.opt+optInitialized:], binary.LittleEndian.Uint32(b[p.opt+optInitialized:])+uint32(len(b)-raw))
	put(b[p.opt+optImageSize:], up(p.end, p.pageAlign))
	put(b[p.opt+optChecksum:], 0)
	return b, nil
}

// kernelRoom is how much memory a bzImage needs beyond its own length while it unpacks itself: init_size of the
// setup header (Linux x86 boot protocol 2.10 and later, offset 0x260, "HdrS" at 0x202).
func kernelRoom(kernel []byte) uint32 {
	if len(kernel) < 0x264 || string(kernel[0x202:0x206]) != "HdrS" {
		return 0
	}
	need := binary.LittleEndian.Uint32(kernel[0x260:])
	if need > 1<<28 || int(need) <= len(kernel) {
		return 0
	}
	return need - uint32(len(kernel))
}

func up(n, to uint32) uint32 { return (n + to - 1) / to * to }

func align(b []byte, to uint32) []byte {
	return append(b, make([]byte, int(up(uint32(len(b)), to))-len(b))...)
}
