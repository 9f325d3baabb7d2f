package bootimg

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
)

// Debian's signed programs, which scripts/deps installs.
const (
	debianShim = "/usr/lib/shim/shimx64.efi.signed"
	debianGRUB = "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"
	debianMok  = "/usr/lib/shim/mmx64.efi.signed"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v: run scripts/deps", err)
	}
	return b
}

// madeUp is an EFI program of headers, one section .sbat and a table of signatures.
func madeUp(sbat, signature string) []byte {
	le := binary.LittleEndian
	const at, directories, start = 0x40, 112, 0x200
	b := make([]byte, start)
	copy(b, "MZ")
	le.PutUint32(b[peOffsetField:], at)
	copy(b[at:], "PE\x00\x00\x64\x86")
	coff := b[at+4:]
	le.PutUint16(coff[coffSections:], 1)
	le.PutUint16(coff[coffOptional:], directories+16*8)
	opt := coff[coffSize:]
	le.PutUint16(opt, magicPE32Plus)
	le.PutUint32(opt[optFileAlign:], start)
	le.PutUint32(opt[optDirectoryCount:], 16)
	section := opt[directories+16*8:]
	copy(section, ".sbat")
	for _, f := range [][2]int{{8, len(sbat)}, {16, len(sbat)}, {20, start}} {
		le.PutUint32(section[f[0]:], uint32(f[1]))
	}
	if signature != "" {
		le.PutUint32(opt[directories+4*8:], uint32(start+len(sbat)))
		le.PutUint32(opt[directories+4*8+4:], uint32(len(signature)))
	}
	return append(append(b, sbat...), signature...)
}

const goodSBAT = "sbat,1,SBAT Version,sbat,1,url\nshim,4,UEFI shim,shim,1,url\nshim.made,1,\"A, B\",shim,16,url\n\x00\x00"

func TestRevocations(t *testing.T) {
	pinned, err := Pinned()
	if err != nil {
		t.Fatal(err)
	}
	good := madeUp(goodSBAT, "signature")
	p, err := parseProgram(good)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, component string
		image           []byte
		hashes          map[string]string
		want            string // part of the error; "" for none
	}{
		{"good", "shim", good, nil, ""},
		{"digest on the list", "shim", good, map[string]string{p.digest: "CVE-2024-7344"}, "forbidden programs (CVE-2024-7344)"},
		{"digest on the list, signed by another", "shim", madeUp(goodSBAT, "other"), map[string]string{p.digest: "x"}, "forbidden"},
		{"CVE-2023-40547", "shim", madeUp(strings.Replace(goodSBAT, "shim,4", "shim,3", 1), "s"), nil, "shim is of generation 3, at least 4"},
		{"without generations", "shim", madeUp("", "s"), nil, "does not name shim"},
		{"other program", "grub", good, nil, "does not name grub"},
		{"kernel without generations", "", madeUp("", "s"), nil, ""},
		{"unsigned", "shim", madeUp(goodSBAT, ""), nil, "no signature"},
		{"bad generations", "shim", madeUp("shim,x\n", "s"), nil, "want a name and a number"},
		{"no program", "shim", []byte("#!/bin/sh"), nil, "no EFI program"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := pinned
			if tt.hashes != nil {
				r.Hashes = tt.hashes
			}
			err := r.Check("made.efi", tt.component, tt.image)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// The digest that a signature is made over stands in the signature itself.
func TestDigestIsWhatWasSigned(t *testing.T) {
	for _, name := range []string{debianShim, debianGRUB, debianMok} {
		b := read(t, name)
		p, err := parseProgram(b)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := hex.DecodeString(p.digest)
		if err != nil || !p.signed || !bytes.Contains(b, raw) {
			t.Errorf("%s: digest %s is not in its signature: %v", name, p.digest, err)
		}
	}
}

func TestSignedChain(t *testing.T) {
	r, err := Pinned()
	if err != nil {
		t.Fatal(err)
	}
	kit := map[string][]byte{shimSource: read(t, debianShim), grubSource: read(t, debianGRUB)}
	from := func(name string) ([]byte, error) { return kit[name], nil }
	c, err := signedChain(from, madeUp("", "s"), r)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(c.Shim, kit[shimSource]) || !bytes.Equal(c.GRUB, kit[grubSource]) {
		t.Error("the chain is not what the kit holds")
	}
	if _, err := signedChain(from, madeUp("", ""), r); err == nil || !strings.Contains(err.Error(), "vmlinuz") {
		t.Errorf("an unsigned kernel: %v", err)
	}
	kit[shimSource] = madeUp(strings.Replace(goodSBAT, "shim,4", "shim,2", 1), "s")
	if _, err := signedChain(from, madeUp("", "s"), r); !errors.Is(err, ErrRevoked) {
		t.Errorf("a revoked shim: %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(madeUp(goodSBAT, "signature"))
	f.Add(madeUp("", ""))
	f.Add([]byte("MZ"))
	r, err := Pinned()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := r.Check("fuzz", "shim", b); err == nil && !bytes.Contains(b, []byte("shim")) {
			t.Fatal("a program that does not name shim was taken for one")
		}
	})
}
