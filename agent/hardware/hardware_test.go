package hardware

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd/inventory"
)

func TestCollect(t *testing.T) {
	f := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	table := "\x01\x1b\x00\x00\x01\x02\x00\x03" + "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff" + "\x06\x00\x00" + "QEMU\x00Standard PC\x00SN7\x00\x00"
	table += "\x02\x08\x00\x00\x01\x02\x00\x00Dell Inc.\x000K240Y\x00\x00"
	table += "\x11\x17\x00\x00" + strings.Repeat("\x00", 8) + "\x00\x40" + strings.Repeat("\x00", 7) + "\x80\x0c" + "\x00\x00"
	root := fstest.MapFS{
		"sys/firmware/dmi/tables/DMI":       f(table),
		"sys/firmware/efi/fw_platform_size": f("64"),
		"proc/meminfo":                      f("MemTotal:        2048 kB\nMemFree: 1 kB\n"),
		"proc/cpuinfo":                      f("processor\t: 0\nmodel name\t: Fast CPU\n\nprocessor\t: 1\nmodel name\t: Fast CPU\n"),
		"sys/class/net/eth1/device/uevent":  f("DRIVER=virtio_net\n"),
		"sys/class/net/eth1/type":           f("1\n"),
		"sys/class/net/eth1/address":        f("52:54:00:12:34:56\n"),
		"sys/class/net/eth1/carrier":        f("1\n"),
		"sys/class/net/eth1/speed":          f("-1\n"),
		"sys/class/net/eth0/device/uevent":  f("PCI_ID=8086:100E\nDRIVER=e1000e\n"),
		"sys/class/net/eth0/type":           f("1\n"),
		"sys/class/net/eth0/address":        f("52:54:00:AB:CD:EF\n"),
		"sys/class/net/eth0/speed":          f("1000\n"),
		"sys/block/sda":                     {Data: []byte("../devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda"), Mode: fs.ModeSymlink},
		"sys/block/sdb":                     {Data: []byte("../devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/host1/target1:0:0/1:0:0:0/block/sdb"), Mode: fs.ModeSymlink},
		"sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda/size":                  f("1000215216\n"),
		"sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda/device/vendor":         f("ATA     \n"),
		"sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda/device/model":          f("Fast SSD\n"),
		"sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/host1/target1:0:0/1:0:0:0/block/sdb/size":      f("2048\n"),
		"sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/host1/target1:0:0/1:0:0:0/block/sdb/removable": f("1\n"),
		"sys/class/net/lo/type":     f("772\n"),
		"sys/class/net/br0/type":    f("1\n"),
		"sys/class/net/br0/address": f("52:54:00:00:00:01\n"),
	}
	want := inventory.Machine{
		Manufacturer: "QEMU", Model: "Standard PC", SerialNumber: "SN7", UUID: "33221100-5544-7766-8899-aabbccddeeff",
		UEFI: true, Architecture: architecture(runtime.GOARCH), MemoryBytes: 2 << 20, Processors: 2, ProcessorModel: "Fast CPU",
		Board:  inventory.Board{Manufacturer: "Dell Inc.", Product: "0K240Y"},
		Memory: []inventory.Module{{Bytes: 16 << 30, MTs: 3200}},
		Disks: []inventory.Disk{{Name: "sda", Number: new(int), Bytes: 1000215216 * 512, Bus: "ata", Model: "ATA Fast SSD"},
			{Name: "sdb", Bytes: 1 << 20, Bus: "usb", Removable: true}},
		Adapters: []inventory.NIC{
			{Name: "eth0", MAC: "52:54:00:ab:cd:ef", Driver: "e1000e", SpeedMbit: 1000},
			{Name: "eth1", MAC: "52:54:00:12:34:56", Driver: "virtio_net", Carrier: true},
		},
	}
	got := Collect(root)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	v := got.Variables()
	if v["_SMSTSBootUEFI"] != "true" || v["_SMSTSMacAddresses"] != "52:54:00:AB:CD:EF,52:54:00:12:34:56" {
		t.Errorf("variables %v", v)
	}
}

// TestHere: the machine that runs the test can be described, whatever it is.
func TestHere(t *testing.T) {
	if m := Collect(os.DirFS("/")); m.MemoryBytes == 0 || m.Processors == 0 {
		t.Errorf("got %+v", m)
	}
}

// TestShorten: whatever firmware says, it fits into a request.
func TestShorten(t *testing.T) {
	long := strings.Repeat("ä", 500)
	m := inventory.Machine{Model: long, Memory: make([]inventory.Module, inventory.MaxParts), Disks: make([]inventory.Disk, inventory.MaxParts), Adapters: make([]inventory.NIC, 32)}
	for _, s := range m.Texts() {
		*s = long
	}
	shorten(&m)
	raw, err := json.Marshal(m)
	if err != nil || len(raw) > 60<<10 || bytes.Contains(raw, []byte(`\ufffd`)) {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	if len(m.Model) != longestText || len(m.Memory[3].PartNumber) != longestPartText {
		t.Errorf("%d and %d bytes", len(m.Model), len(m.Memory[3].PartNumber))
	}
}
