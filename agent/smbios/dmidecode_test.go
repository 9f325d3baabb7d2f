package smbios

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// dump is a table as dmidecode(8) reads it from a file: an entry point of SMBIOS 3.7 (DSP0134,
// 5.2.2), and the table behind it.
func dump(table []byte) []byte {
	entry := make([]byte, 32)
	copy(entry, "_SM3_")
	entry[6], entry[7], entry[8], entry[10] = 24, 3, 7, 1
	binary.LittleEndian.PutUint32(entry[12:], uint32(len(table)))
	binary.LittleEndian.PutUint64(entry[16:], uint64(len(entry)))
	var sum byte
	for _, b := range entry[:24] {
		sum += b
	}
	entry[5] = -sum
	return append(entry, table...)
}

// TestAsDmidecode: dmidecode finds the same in the tables of these tests.
func TestAsDmidecode(t *testing.T) {
	long := make([]byte, 0x5c-4) // of SMBIOS 3.3, with every field
	long[0x10-4], long[0x11-4], long[0x17-4], long[0x18-4], long[0x1a-4] = 1, 2, 3, 4, 5
	binary.LittleEndian.PutUint16(long[0x0c-4:], 0x7fff)
	binary.LittleEndian.PutUint32(long[0x1c-4:], 96<<10)
	binary.LittleEndian.PutUint16(long[0x15-4:], 0xffff)
	binary.LittleEndian.PutUint32(long[0x54-4:], 70000)
	cpu := make([]byte, 0x30-4)
	cpu[7-4], cpu[0x18-4], cpu[0x23-4] = 1, 0x41, 0xff
	binary.LittleEndian.PutUint16(cpu[0x14-4:], 4200)
	binary.LittleEndian.PutUint16(cpu[0x2a-4:], 288)
	raw := append(entry(2, []byte{1, 2, 3, 4, 0, 0, 0, 0, 0, 10, 0}, "Dell Inc.", "0K240Y", "A01", "/7/"), entry(4, cpu, "Intel(R) Corporation")...)
	raw = append(raw, memory(16384, 0, 3200, "DIMM A", "BANK 0", "Samsung", "42", "M471")...)
	raw = append(raw, entry(17, long, "DIMM B", "BANK 1", "Micron", "43", "MTC")...)
	raw = append(raw, entry(127, nil)...)

	file := filepath.Join(t.TempDir(), "dump")
	if err := os.WriteFile(file, dump(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("dmidecode", "--from-dump", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"Product Name: 0K240Y", "Version: A01", "Serial Number: /7/", "Max Speed: 4200 MHz", "Core Count: 288",
		"Size: 16 GB", "Speed: 3200 MT/s", "Locator: DIMM A", "Bank Locator: BANK 0", "Part Number: M471",
		"Size: 96 GB", "Speed: 70000 MT/s", "Manufacturer: Micron", "Serial Number: 43"} {
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("dmidecode does not say %q:\n%s", want, out)
		}
	}
	got := Parse(raw, false)
	want := []Memory{{16 << 30, 3200, "DIMM A", "BANK 0", "Samsung", "42", "M471"}, {96 << 30, 70000, "DIMM B", "BANK 1", "Micron", "43", "MTC"}}
	if got.Board != (Board{"Dell Inc.", "0K240Y", "A01", "/7/"}) || got.Processor != (Processor{"Intel(R) Corporation", 4200, 288}) || len(got.Memory) != 2 || got.Memory[0] != want[0] || got.Memory[1] != want[1] {
		t.Errorf("got %+v", got)
	}
}
