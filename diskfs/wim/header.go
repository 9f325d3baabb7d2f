// Package wim reads what Bootward must know of a Windows Imaging file (WIM)
// before it trusts one: header, XML description, table of resources, integrity
// table. It follows Microsoft's "Windows Imaging File Format (WIM)" white paper
// and the layout that wimlib documents and writes.
//
// It refuses what is truncated, still being written, one part of a split set, or
// larger in its claims than the file is. It neither decompresses nor extracts:
// that is wimlib's work.
package wim

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// HeaderSize is the length of a WIM's header in bytes.
const HeaderSize = 208

// magic opens every WIM that is not a pipable one.
const (
	magic   = "MSWIM\x00\x00\x00"
	pipable = "WLPWM\x00\x00\x00"
)

// Versions of the format.
const (
	versionDefault = 0x10d00
	versionSolid   = 0x00e00
)

// Header flags.
const (
	flagCompressed = 0x00002
	flagSpanned    = 0x00008
	flagWriting    = 0x00040
	flagXPRESS     = 0x20000
	flagLZX        = 0x40000
	flagLZMS       = 0x80000
)

// ErrNotWIM says that the file is something else.
var ErrNotWIM = errors.New("not a WIM file")

// ErrTruncated says that the file is shorter than its header claims.
var ErrTruncated = errors.New("the file is truncated; copy it again from its source")

// ErrCorrupt says that the file contradicts itself.
var ErrCorrupt = errors.New("the file is corrupted; copy it again from its source")

// resource says where a piece of the file is.
type resource struct {
	size   uint64 // in the file, 56 bits
	flags  byte
	offset uint64
	plain  uint64 // uncompressed
}

// resourceCompressed is the flag of a compressed resource.
const resourceCompressed = 0x04

// header is what the first 208 bytes say.
type header struct {
	version    uint32
	flags      uint32
	chunk      uint32
	guid       [16]byte
	part, of   uint16
	images     uint32
	table, xml resource
	boot       resource
	bootIndex  uint32
	integrity  resource
}

// parseHeader reads the header and holds it against the file's size.
func parseHeader(raw []byte, size int64) (header, error) {
	if len(raw) < HeaderSize || string(raw[:8]) != magic {
		if len(raw) >= 8 && string(raw[:8]) == pipable {
			return header{}, fmt.Errorf("%w that can be read at random: it is a pipable one; convert it with wimlib-imagex export --not-pipable", ErrNotWIM)
		}
		return header{}, fmt.Errorf("%w: it does not start with MSWIM", ErrNotWIM)
	}
	le := binary.LittleEndian
	if n := le.Uint32(raw[8:]); n != HeaderSize {
		return header{}, fmt.Errorf("%w: header of %d bytes, want %d", ErrCorrupt, n, HeaderSize)
	}
	h := header{
		version: le.Uint32(raw[12:]), flags: le.Uint32(raw[16:]), chunk: le.Uint32(raw[20:]),
		part: le.Uint16(raw[40:]), of: le.Uint16(raw[42:]), images: le.Uint32(raw[44:]),
		table: parseResource(raw[48:]), xml: parseResource(raw[72:]), boot: parseResource(raw[96:]),
		bootIndex: le.Uint32(raw[120:]), integrity: parseResource(raw[124:]),
	}
	copy(h.guid[:], raw[24:40])
	return h, h.check(size)
}

// parseResource reads 24 bytes: size and flags share the first eight.
func parseResource(raw []byte) resource {
	le := binary.LittleEndian
	first := le.Uint64(raw)
	return resource{size: first &^ (0xff << 56), flags: byte(first >> 56), offset: le.Uint64(raw[8:]), plain: le.Uint64(raw[16:])}
}

// check refuses a header that cannot be of a whole, finished WIM of that size.
func (h header) check(size int64) error {
	switch {
	case h.version != versionDefault && h.version != versionSolid:
		return fmt.Errorf("%w: format version %#x is not known", ErrCorrupt, h.version)
	case h.flags&flagWriting != 0:
		return fmt.Errorf("%w: it was being written when its program stopped", ErrCorrupt)
	case h.of != 1 || h.part != 1 || h.flags&flagSpanned != 0:
		return fmt.Errorf("it is part %d of %d of a split set; join the parts with wimlib-imagex join", h.part, h.of)
	case h.images == 0 || h.images > 1<<16:
		return fmt.Errorf("%w: it claims to hold %d images", ErrCorrupt, h.images)
	case h.bootIndex > h.images:
		return fmt.Errorf("%w: boot index %d of %d images", ErrCorrupt, h.bootIndex, h.images)
	}
	for _, part := range []struct {
		name string
		r    resource
		need bool
	}{{"table of resources", h.table, true}, {"XML description", h.xml, true}, {"boot metadata", h.boot, false}, {"integrity table", h.integrity, false}} {
		if part.need && part.r.size == 0 {
			return fmt.Errorf("%w: it has no %s", ErrCorrupt, part.name)
		}
		if err := part.r.within(size); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// within refuses a resource that reaches beyond the file or into the header.
func (r resource) within(size int64) error {
	if r.size == 0 {
		return nil
	}
	if r.offset < HeaderSize {
		return fmt.Errorf("%w: at offset %d, inside the header", ErrCorrupt, r.offset)
	}
	if end := r.offset + r.size; end < r.offset || end > uint64(size) {
		return fmt.Errorf("%w: %d bytes at offset %d, and the file has %d", ErrTruncated, r.size, r.offset, size)
	}
	return nil
}

// compression names the header's compression as wimlib does.
func (h header) compression() string {
	switch {
	case h.flags&flagCompressed == 0:
		return "none"
	case h.flags&flagXPRESS != 0:
		return "XPRESS"
	case h.flags&flagLZX != 0:
		return "LZX"
	case h.flags&flagLZMS != 0:
		return "LZMS"
	}
	return "unknown"
}
