package smbios

import (
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
	f.Fuzz(func(t *testing.T, b []byte, legacy bool) {
		i := Parse(b, legacy)
		if len(i.UUID) != 0 && len(i.UUID) != 36 {
			t.Errorf("UUID %q", i.UUID)
		}
	})
}
