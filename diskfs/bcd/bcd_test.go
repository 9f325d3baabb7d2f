package bcd

import (
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func sample(f Firmware) RAMDisk {
	return RAMDisk{Firmware: f, WIM: `\CEN0000B\sources\boot.wim`, SDI: `\CEN0000B\boot\boot.sdi`, BlockSize: 1456, WindowSize: 16}
}

func write(t *testing.T, r RAMDisk) string {
	t.Helper()
	b, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bcd")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestGolden holds what hivexregedit's format shows of the hive; the hive's own
// bytes follow from it (package regf).
func TestGolden(t *testing.T) {
	for name, f := range map[string]Firmware{"bios": BIOS, "uefi": UEFI} {
		out, err := exec.Command("reglookup", write(t, sample(f))).CombinedOutput()
		if err != nil {
			t.Fatalf("reglookup: %v\n%s", err, out)
		}
		golden(t, name+".golden", out)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("%s (refresh with -update):\n%s", path, got)
	}
}

// TestHivex goes the way of the boot manager: default of the boot manager, its
// loader, the options of the RAM disk.
func TestHivex(t *testing.T) {
	path := write(t, sample(UEFI))
	get := func(key string) string {
		out, err := exec.Command("hivexget", path, key, "Element").CombinedOutput()
		if err != nil {
			t.Fatalf("hivexget %s: %v\n%s", key, err, out)
		}
		return strings.TrimSuffix(string(out), "\n")
	}
	of := func(object, element string) string { return get(`\Objects\` + object + `\Elements\` + element) }
	next := of(bootManager.String(), "23000003")
	if next != loader.String() {
		t.Fatalf("default is %q", next)
	}
	for _, e := range [][3]string{
		{next, "12000002", `\windows\system32\boot\winload.efi`},
		{next, "22000002", `\windows`},
		{next, "26000022", "\x01"},
		{ramdiskOptions.String(), "32000004", `\CEN0000B\boot\boot.sdi`},
		{ramdiskOptions.String(), "35000007", "\xb0\x05\x00\x00\x00\x00\x00\x00"},
		{ramdiskOptions.String(), "35000008", "\x10\x00\x00\x00\x00\x00\x00\x00"},
	} {
		if got := of(e[0], e[1]); got != e[2] {
			t.Errorf("%s %s: %q, want %q", e[0], e[1], got, e[2])
		}
	}
}

// TestRAMDiskDevice: the value as Windows wrote it for \sources\boot.wim on an MBR
// partition, published with a parser of BCDs; only the parent device, from byte 68
// to 140, is another.
func TestRAMDiskDevice(t *testing.T) {
	before := "c8dc1976fefad911b411000476eba25f" + "0000000001000000a000000000000000" +
		"03000000000000000000000000000000" + "00000000000000000100000078000000" + "05000000"
	after := "5c0073006f00750072006300650073005c0062006f006f0074002e00770069006d000000"
	got := hex.EncodeToString(ramdisk(`\sources\boot.wim`))
	if got[:len(before)] != before || got[len(before)+2*72:] != after {
		t.Errorf("device %s", got)
	}
	if parent := got[len(before) : len(before)+2*72]; parent != "0500000000000000"+"4800000000000000"+strings.Repeat("00", 56) {
		t.Errorf("parent %s", parent)
	}
}

func TestRefused(t *testing.T) {
	for _, r := range []RAMDisk{{}, {Firmware: BIOS}, {Firmware: BIOS, WIM: `x`, SDI: `\y`}, {Firmware: BIOS, WIM: `\x`, SDI: `\y/z`}, {WIM: `\x`, SDI: `\y`}} {
		if _, err := r.Marshal(); err == nil {
			t.Errorf("%+v was written", r)
		}
	}
}
