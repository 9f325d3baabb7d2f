// Package bcd writes boot configuration data (BCD), the registry hive that tells
// the Windows boot manager what to start, for one purpose: Windows PE from a WIM
// that the boot manager fetches by TFTP into memory.
//
// It knows no disks, no menu and no other loader. Numbers and layouts are those
// of Microsoft's "BCD Reference" (BcdLibraryElementTypes, BcdDeviceObjectElementTypes,
// BcdOSLoaderElementTypes) and of hives that Windows wrote, see
// docs/formats/windows-boot.md.
package bcd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/bootward/bootward/diskfs/regf"
)

// Firmware is what starts the boot manager.
type Firmware string

// The kinds of firmware: they differ in the loader that the WIM holds for them.
const (
	BIOS Firmware = `\windows\system32\boot\winload.exe`
	UEFI Firmware = `\windows\system32\boot\winload.efi`
)

// RAMDisk says what is started. Paths are those that the boot manager asks the
// TFTP server for, with backslashes and a leading one.
type RAMDisk struct {
	Firmware Firmware
	WIM      string // such as \sources\boot.wim
	SDI      string // such as \boot\boot.sdi: the empty disk in which the WIM appears
	// BlockSize in bytes and WindowSize in blocks (RFC 2348, RFC 7440) are what the
	// boot manager asks for; 0 leaves the choice to it.
	BlockSize, WindowSize int
}

// Object identifiers: the first two are Microsoft's, the third is ours.
var (
	bootManager    = guid{0x9dea862c, 0x5cdd, 0x4e70, [8]byte{0xac, 0xc1, 0xf3, 0x2b, 0x34, 0x4d, 0x47, 0x95}}
	ramdiskOptions = guid{0x7619dcc8, 0xfafe, 0x11d9, [8]byte{0xb4, 0x11, 0x00, 0x04, 0x76, 0xeb, 0xa2, 0x5f}}
	loader         = guid{0x5d1d2a9e, 0x3c0f, 0x4b7a, [8]byte{0x9a, 0x64, 0xb0, 0x07, 0x3a, 0x8d, 0x00, 0x01}}
)

// Types of objects.
const (
	typeBootManager   = 0x10100002
	typeOSLoader      = 0x10200003
	typeDeviceOptions = 0x30000000
)

// Marshal writes the hive. The same values give the same bytes.
func (r RAMDisk) Marshal() ([]byte, error) {
	for _, p := range []string{r.WIM, r.SDI} {
		if !strings.HasPrefix(p, `\`) || strings.ContainsAny(p, "/\x00") {
			return nil, fmt.Errorf("BCD: path %q: give one with backslashes, and one before it", p)
		}
	}
	if r.Firmware != BIOS && r.Firmware != UEFI {
		return nil, errors.New("BCD: say whether it is for BIOS or for UEFI")
	}
	disk := ramdisk(r.WIM)
	options := []element{text(0x12000004, "Ramdisk options"), device(0x31000003, boot()), text(0x32000004, r.SDI)}
	if r.BlockSize > 0 {
		options = append(options, integer(0x35000007, r.BlockSize))
	}
	if r.WindowSize > 0 {
		options = append(options, integer(0x35000008, r.WindowSize))
	}
	return regf.Marshal(store(
		object(bootManager, typeBootManager,
			device(0x11000001, boot()),
			text(0x12000004, "Windows Boot Manager"),
			text(0x23000003, loader.String()), // default
			list(0x24000001, loader.String()), // display order
			integer(0x25000004, 0),            // timeout: there is one entry
		),
		object(ramdiskOptions, typeDeviceOptions, options...),
		object(loader, typeOSLoader,
			device(0x11000001, disk),
			text(0x12000002, string(r.Firmware)),
			text(0x12000004, "Windows PE"),
			device(0x21000001, disk),
			text(0x22000002, `\windows`),
			yes(0x26000010), // detecthal
			yes(0x26000022), // winpe
		),
	))
}

func store(objects ...regf.Key) regf.Key {
	return regf.Key{Name: "NewStoreRoot", Keys: []regf.Key{
		{Name: "Description", Values: []regf.Value{
			regf.String("KeyName", "BCD00000000"), regf.Number("System", 1), regf.Number("TreatAsSystem", 1),
		}},
		{Name: "Objects", Keys: objects},
	}}
}

// element is a number and its value; the nibble of bits 24 to 27 of the number
// says of which form.
type element struct {
	number uint32
	value  regf.Value
}

func object(id guid, kind uint32, all ...element) regf.Key {
	elements := regf.Key{Name: "Elements"}
	for _, e := range all {
		elements.Keys = append(elements.Keys, regf.Key{Name: fmt.Sprintf("%08x", e.number), Values: []regf.Value{e.value}})
	}
	return regf.Key{Name: id.String(), Keys: []regf.Key{
		{Name: "Description", Values: []regf.Value{regf.Number("Type", kind)}}, elements,
	}}
}

const elementName = "Element"

func device(n uint32, b []byte) element  { return element{n, regf.Bytes(elementName, b)} }
func text(n uint32, s string) element    { return element{n, regf.String(elementName, s)} }
func list(n uint32, s ...string) element { return element{n, regf.Strings(elementName, s...)} }
func yes(n uint32) element               { return element{n, regf.Bytes(elementName, []byte{1})} }
func integer(n uint32, v int) element {
	return element{n, regf.Bytes(elementName, le.AppendUint64(nil, uint64(v)))}
}

var le = binary.LittleEndian

// header is 16 bytes before each device: type, flags, size with itself, padding.
func header(kind, flags uint32, body []byte) []byte {
	var b []byte
	for _, n := range []uint32{kind, flags, uint32(16 + len(body)), 0} {
		b = le.AppendUint32(b, n)
	}
	return append(b, body...)
}

// Types of devices.
const (
	deviceRAMDisk = 0
	deviceBoot    = 5
)

// boot is the device from which the boot manager came: here the network. It has no
// options.
func boot() []byte { return append(make([]byte, 16), bootDevice()...) }

func bootDevice() []byte { return header(deviceBoot, 0, make([]byte, 56)) }

// ramdisk is a disk in memory made of a file of the boot device, under the options
// of ramdiskOptions.
func ramdisk(path string) []byte {
	file := append(bootDevice(), utf16z(path)...)
	body := le.AppendUint32(nil, 3)                            // a RAM disk
	body = append(body, make([]byte, 20)...)                   // base, size and offset: not known yet
	for _, n := range []uint32{1, uint32(12 + len(file)), 5} { // version, length with these, form: a device and a path
		body = le.AppendUint32(body, n)
	}
	return append(ramdiskOptions.bytes(), header(deviceRAMDisk, 1, append(body, file...))...)
}

func utf16z(s string) []byte {
	var b []byte
	for _, c := range utf16.Encode([]rune(s + "\x00")) {
		b = le.AppendUint16(b, c)
	}
	return b
}

// guid is a GUID by its fields.
type guid struct {
	a    uint32
	b, c uint16
	d    [8]byte
}

func (g guid) String() string {
	return fmt.Sprintf("{%08x-%04x-%04x-%x-%x}", g.a, g.b, g.c, g.d[:2], g.d[2:])
}

func (g guid) bytes() []byte {
	b := le.AppendUint32(nil, g.a)
	b = le.AppendUint16(le.AppendUint16(b, g.b), g.c)
	return append(b, g.d[:]...)
}
