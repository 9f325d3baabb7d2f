package bootimg

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// list is an EFI_SIGNATURE_LIST of entries of one size.
func list(guid []byte, entries ...[]byte) []byte {
	b := append(bytes.Clone(guid), make([]byte, 12)...)
	each := guidSize + len(entries[0])
	binary.LittleEndian.PutUint32(b[16:], uint32(listSize+each*len(entries)))
	binary.LittleEndian.PutUint32(b[24:], uint32(each))
	for _, e := range entries {
		b = append(append(b, make([]byte, guidSize)...), e...)
	}
	return b
}

// update puts an EFI_VARIABLE_AUTHENTICATION_2 before lists.
func update(lists []byte) []byte {
	b := make([]byte, efiTimeSize+24+7)
	binary.LittleEndian.PutUint32(b[efiTimeSize:], 24+7)
	binary.LittleEndian.PutUint16(b[efiTimeSize+4:], 0x0200)
	binary.LittleEndian.PutUint16(b[efiTimeSize+6:], certGUIDType)
	return append(b, lists...)
}

func TestDBX(t *testing.T) {
	one, two := bytes.Repeat([]byte{1}, digestSize), bytes.Repeat([]byte{2}, digestSize)
	x509 := list(bytes.Repeat([]byte{9}, guidSize), []byte("a certificate"))
	lists := append(x509, list(sha256GUID, one, two)...)
	for name, dbx := range map[string][]byte{"variable": lists, "update": update(lists)} {
		r, err := Revocations{Hashes: map[string]string{"old": "x"}}.With(name, dbx)
		if err != nil || len(r.Hashes) != 3 || r.Hashes[strings.Repeat("02", digestSize)] != name {
			t.Errorf("%s: %v, %v", name, r.Hashes, err)
		}
	}
	for name, dbx := range map[string][]byte{"empty": nil, "certificates": x509, "cut": lists[:len(lists)-1], "text": []byte("{\"images\": {\"x64\": [ ]}}      ")} {
		if _, err := (Revocations{}).With(name, dbx); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// Debian's variables for OVMF hold a dbx that edk2's own tools wrote: the digest of nothing.
func TestDBXOfFirmware(t *testing.T) {
	vars := read(t, "/usr/share/OVMF/OVMF_VARS_4M.ms.fd")
	_, after, ok := bytes.Cut(vars, []byte("d\x00b\x00x\x00\x00\x00"))
	if !ok {
		t.Fatal("no dbx among the variables")
	}
	r, err := Revocations{Hashes: map[string]string{}}.With("OVMF", after[:binary.LittleEndian.Uint32(after[16:])])
	if err != nil || r.Hashes["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"] != "OVMF" {
		t.Errorf("%v: %v", r.Hashes, err)
	}
}

func FuzzDBX(f *testing.F) {
	f.Add(list(sha256GUID, bytes.Repeat([]byte{1}, digestSize)))
	f.Add(update(list(sha256GUID, bytes.Repeat([]byte{1}, digestSize))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := (Revocations{Hashes: map[string]string{}}).With("fuzz", b); err == nil && len(r.Hashes) == 0 {
			t.Fatal("a list without a digest was taken")
		}
	})
}
