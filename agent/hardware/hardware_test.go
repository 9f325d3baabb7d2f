package hardware

import (
	"os"
	"runtime"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd/inventory"
)

func TestCollect(t *testing.T) {
	f := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	table := "\x01\x1b\x00\x00\x01\x02\x00\x03" + "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff" + "\x06\x00\x00" + "QEMU\x00Standard PC\x00SN7\x00\x00"
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
		"sys/class/net/lo/type":             f("772\n"),
		"sys/class/net/br0/type":            f("1\n"),
		"sys/class/net/br0/address":         f("52:54:00:00:00:01\n"),
	}
	want := inventory.Machine{
		Manufacturer: "QEMU", Model: "Standard PC", SerialNumber: "SN7", UUID: "33221100-5544-7766-8899-aabbccddeeff",
		UEFI: true, Architecture: architecture(runtime.GOARCH), MemoryBytes: 2 << 20, Processors: 2, ProcessorModel: "Fast CPU",
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
