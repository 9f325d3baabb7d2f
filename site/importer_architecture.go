package site

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd"
)

// The machines of EFI programs (PE format, section "Machine Types").
const (
	machineX64   = 0x8664
	machineARM64 = 0xaa64
)

// architecture reads from an EFI program what a boot image is made for; x64 if the file
// does not say.
func (s *Site) architecture(f content.File) (string, error) {
	r, err := s.open(f)
	if err != nil {
		return "", err
	}
	head, err := io.ReadAll(io.LimitReader(r, 4096))
	if err := errors.Join(err, r.Close()); err != nil {
		return "", err
	}
	if machineOf(head) == machineARM64 {
		return osd.ArchARM64, nil
	}
	return osd.ArchX64, nil
}

// machineOf is the machine of a PE image, 0 if head does not start one.
func machineOf(head []byte) uint16 {
	if len(head) < 0x40 || string(head[:2]) != "MZ" {
		return 0
	}
	at := uint64(binary.LittleEndian.Uint32(head[0x3c:]))
	if at+6 > uint64(len(head)) || string(head[at:at+4]) != "PE\x00\x00" {
		return 0
	}
	return binary.LittleEndian.Uint16(head[at+4:])
}
