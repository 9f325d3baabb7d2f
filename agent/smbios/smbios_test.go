package smbios

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// entry builds a structure of the table.
func entry(kind byte, formatted []byte, texts ...string) []byte {
	b := append([]byte{kind, byte(4 + len(formatted)), 0, 0}, formatted...)
	for _, t := range texts {
		b = append(append(b, t...), 0)
	}
	if len(texts) == 0 {
		b = append(b, 0)
	}
	return append(b, 0)
}

var uuidBytes = []byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}

func table() []byte {
	system := append([]byte{1, 2, 3, 4}, uuidBytes...)
	system = append(system, 6, 5, 0)
	var b []byte
	b = append(b, entry(0, []byte{1, 2, 0, 0}, "SeaBIOS", "1.16")...)
	b = append(b, entry(4, []byte{0})...)
	b = append(b, entry(1, system, " Dell Inc. ", "OptiPlex\x1b 7090", "1", "SN-1", "Default string")...)
	b = append(b, entry(3, []byte{0, 0x80 | 9, 0, 1, 2}, "CH-1", "ASSET-7")...)
	b = append(b, entry(1, []byte{1}, "second system")...)
	return append(b, entry(127, nil)...)
}

func TestParse(t *testing.T) {
	want := Info{BIOSVendor: "SeaBIOS", BIOSVersion: "1.16", Manufacturer: "Dell Inc.", Product: "OptiPlex  7090", Version: "1",
		SerialNumber: "SN-1", UUID: "33221100-5544-7766-8899-aabbccddeeff", Chassis: "Laptop", ChassisSerial: "CH-1", AssetTag: "ASSET-7"}
	if d := cmp.Diff(want, Parse(table(), false), cmpopts.IgnoreUnexported(Info{})); d != "" {
		t.Error(d)
	}
	if got := Parse(table(), true).UUID; got != "00112233-4455-6677-8899-aabbccddeeff" {
		t.Errorf("network order: %s", got)
	}
}

// memory is an entry of type 17 with the fields that are read.
func memory(size uint16, extended uint32, speed uint16, texts ...string) []byte {
	f := make([]byte, 0x20-4)
	binary.LittleEndian.PutUint16(f[0x0c-4:], size)
	binary.LittleEndian.PutUint16(f[0x15-4:], speed)
	binary.LittleEndian.PutUint32(f[0x1c-4:], extended)
	f[0x10-4], f[0x11-4], f[0x17-4], f[0x18-4], f[0x1a-4] = 1, 2, 3, 4, 5
	return entry(17, f, texts...)
}

func TestParts(t *testing.T) {
	processor := func(populated byte, cores byte, more uint16) []byte {
		f := make([]byte, 0x2c-4)
		f[7-4], f[0x18-4], f[0x23-4] = 1, populated, cores
		binary.LittleEndian.PutUint16(f[0x14-4:], 4200)
		binary.LittleEndian.PutUint16(f[0x2a-4:], more)
		return entry(4, f, "Intel(R) Corporation")
	}
	for _, tt := range []struct {
		name  string
		table []byte
		want  Info
	}{
		{"board", entry(2, []byte{1, 2, 3, 4}, "Dell Inc.", "0K240Y", "A01", "/7/"), Info{Board: Board{"Dell Inc.", "0K240Y", "A01", "/7/"}}},
		{"processor", append(processor(0, 9, 0), processor(0x41, 6, 6)...), Info{Processor: Processor{"Intel(R) Corporation", 4200, 6}}},
		{"many cores", processor(0x41, 0xff, 288), Info{Processor: Processor{"Intel(R) Corporation", 4200, 288}}},
		{"a processor of 2.0", entry(4, []byte{0, 0, 0, 1}, "x"), Info{}},
		{"memory", append(memory(0, 0, 0), memory(16384, 0, 3200, "DIMM A", "BANK 0", "Samsung", "42", "M471")...),
			Info{Memory: []Memory{{16 << 30, 3200, "DIMM A", "BANK 0", "Samsung", "42", "M471"}}}},
		{"much memory", memory(0x7fff, 65536, 0xffff), Info{Memory: []Memory{{Bytes: 64 << 30}}}},
		{"little memory", memory(0x8000|512, 0, 0), Info{Memory: []Memory{{Bytes: 512 << 10}}}},
		{"a module that nobody knows", memory(0xffff, 0, 0), Info{}},
		{"more modules than anybody has", bytes.Repeat(memory(1, 0, 0), 300), Info{Memory: slices.Repeat([]Memory{{Bytes: 1 << 20}}, maxModules)}},
	} {
		if d := cmp.Diff(tt.want, Parse(tt.table, false), cmpopts.IgnoreUnexported(Info{})); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

func TestLegacyUUID(t *testing.T) {
	for text, want := range map[string]bool{"_SM_\x00\x1f\x02\x05": true, "_SM_\x00\x1f\x02\x08": false, "_SM3_\x00\x18\x03\x00": false, "": false, "_SM_": false} {
		if got := LegacyUUID([]byte(text)); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

// TestCut: a table that ends anywhere gives what stood before.
func TestCut(t *testing.T) {
	full := table()
	for n := range len(full) {
		Parse(full[:n], false)
	}
	none := entry(1, append([]byte{0, 0, 0, 0}, make([]byte, 16)...))
	if got := Parse(none, false); got.UUID != "" {
		t.Errorf("a UUID of zeros gave %q", got.UUID)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(table(), false)
	f.Add([]byte{1, 4, 0, 0, 0, 0}, true)
	f.Add(append(memory(0x7fff, 65536, 0xffff, "DIMM A"), entry(2, []byte{1, 2, 3, 4}, "Dell Inc.")...), false)
	f.Fuzz(func(t *testing.T, b []byte, legacy bool) {
		i := Parse(b, legacy)
		if len(i.UUID) != 0 && len(i.UUID) != 36 {
			t.Errorf("UUID %q", i.UUID)
		}
		if len(i.Memory) > maxModules || i.Processor.Cores < 0 || i.Processor.MaxMHz < 0 {
			t.Errorf("%d modules, %+v", len(i.Memory), i.Processor)
		}
		for _, m := range i.Memory {
			if m.Bytes <= 0 || m.MTs < 0 {
				t.Errorf("module %+v", m)
			}
		}
	})
}
