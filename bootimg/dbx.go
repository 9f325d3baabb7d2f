package bootimg

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
)

var errDBX = errors.New("no list of forbidden programs")

// Sizes of UEFI 2.10: EFI_TIME, EFI_GUID, and EFI_SIGNATURE_LIST without its entries.
const (
	efiTimeSize   = 16
	guidSize      = 16
	listSize      = guidSize + 12
	certGUIDType  = 0x0ef1 // WIN_CERT_TYPE_EFI_GUID
	digestSize    = 32
	maxSignatures = 1 << 20
)

// sha256GUID is EFI_CERT_SHA256_GUID, c1c41626-504c-4092-aca9-41f936934328.
var sha256GUID = []byte{0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28}

// With adds the digests of a dbx to the revocations: the content of the variable, or an
// update for it as makers publish it (DBXUpdate.bin), whose signature is not verified.
// The variable is a sequence of EFI_SIGNATURE_LIST (UEFI 2.10 section 32.4.1), an update has an
// EFI_VARIABLE_AUTHENTICATION_2 before it (section 8.2.1). Certificates in it are left out.
func (r Revocations) With(name string, dbx []byte) (Revocations, error) {
	r.Hashes = maps.Clone(r.Hashes)
	found := 0
	for b := withoutAuthentication(dbx); len(b) > 0; {
		if len(b) < listSize {
			return Revocations{}, fmt.Errorf("%s: %w: a list of signatures is cut off", name, errDBX)
		}
		le := binary.LittleEndian
		size, header, each := uint64(le.Uint32(b[guidSize:])), uint64(le.Uint32(b[guidSize+4:])), uint64(le.Uint32(b[guidSize+8:]))
		if size < listSize+header || size > uint64(len(b)) || each < guidSize || size > maxSignatures*digestSize {
			return Revocations{}, fmt.Errorf("%s: %w: a list of signatures says %d bytes", name, errDBX, size)
		}
		if bytes.Equal(b[:guidSize], sha256GUID) && each == guidSize+digestSize {
			for e := b[listSize+header : size]; uint64(len(e)) >= each; e = e[each:] {
				r.Hashes[hex.EncodeToString(e[guidSize:each])] = name
				found++
			}
		}
		b = b[size:]
	}
	if found == 0 {
		return Revocations{}, fmt.Errorf("%s: %w: it holds no SHA-256 digest", name, errDBX)
	}
	return r, nil
}

// withoutAuthentication cuts off what stands before the lists of an update.
func withoutAuthentication(b []byte) []byte {
	if len(b) < efiTimeSize+8 || binary.LittleEndian.Uint16(b[efiTimeSize+6:]) != certGUIDType {
		return b
	}
	return b[min(uint64(len(b)), efiTimeSize+uint64(binary.LittleEndian.Uint32(b[efiTimeSize:]))):]
}
