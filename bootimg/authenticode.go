package bootimg

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// errNoEFI is wrapped by what is said of files that firmware could not start.
var errNoEFI = errors.New("no EFI program")

// Where the table of signatures is told: the fifth data directory of a PE32+ image.
const (
	optDirectoryCount = 108
	optSignatures     = optMinimum + 4*8
)

// program is an EFI program as far as Secure Boot looks at it.
type program struct {
	digest string // Authenticode, SHA-256, in hexadecimal
	signed bool
	sbat   []byte // section .sbat, nil if there is none
}

// parseProgram reads an EFI program. The digest covers all but the checksum, the entry
// of the table of signatures and that table (Microsoft, "Windows Authenticode Portable
// Executable Signature Format", section "Calculating the PE Image Hash"), the sections
// taken in the order of the file, as linkers for EFI write them.
func parseProgram(b []byte) (program, error) {
	p, err := parsePE(b)
	if err != nil {
		return program{}, errNoEFI
	}
	le := binary.LittleEndian
	directory := int64(p.opt + optSignatures)
	if directory+8 > int64(p.table) || le.Uint32(b[p.opt+optDirectoryCount:]) < 5 || p.table > len(b) {
		return program{}, fmt.Errorf("%w: it has no table of signatures", errNoEFI)
	}
	table, size := int64(le.Uint32(b[directory:])), int64(le.Uint32(b[directory+4:]))
	if size == 0 {
		table = int64(len(b))
	}
	if table < directory+8 || table+size > int64(len(b)) {
		return program{}, fmt.Errorf("%w: its table of signatures lies outside of it", errNoEFI)
	}
	h := sha256.New()
	checksum := int64(p.opt + optChecksum)
	for _, part := range [][2]int64{{0, checksum}, {checksum + 4, directory}, {directory + 8, table}, {table + size, int64(len(b))}} {
		h.Write(b[part[0]:part[1]])
	}
	return program{digest: hex.EncodeToString(h.Sum(nil)), signed: size > 0, sbat: p.section(b, ".sbat")}, nil
}

// section is the data of a section, nil if there is none or it lies outside.
func (p *pe) section(b []byte, name string) []byte {
	for i := range p.sections {
		h := b[p.table+i*sectionSize:]
		if string(bytes.TrimRight(h[:8], "\x00")) != name {
			continue
		}
		size := int64(min(binary.LittleEndian.Uint32(h[8:]), binary.LittleEndian.Uint32(h[16:])))
		from := int64(binary.LittleEndian.Uint32(h[20:]))
		if from+size > int64(len(b)) {
			return nil
		}
		return b[from : from+size]
	}
	return nil
}
