package machine

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// valid is a machine without anything that it could do without.
func valid() Config {
	return Config{Name: "ward", Dir: "/lab/ward", Firmware: BIOS, BootOrder: DiskFirst, MemoryMiB: 512, CPUs: 1}
}

func TestScriptGolden(t *testing.T) {
	box := valid()
	box.Disks = []Disk{
		{Path: "/lab/firmware.img", Format: Raw, Bus: VirtIO},
		{Path: "/lab/data, old.qcow2", Format: QCOW2, Bus: AHCI, Snapshot: true, Serial: "DATA1"},
		{Path: "/lab/stick.img", Format: Raw, Bus: USB, ReadOnly: true},
		{Path: "/lab/fast.img", Format: Raw, Bus: NVMe},
	}
	box.Clock = time.Unix(0, 0)

	target := valid()
	target.Firmware, target.BootOrder, target.Namespace, target.CPUs = UEFI, NetworkFirst, "bw-ward", 2
	target.TPM = true
	target.UUID, target.Product, target.Serial = "6f1d2c3b-0000-4000-8000-525400000001", "Ward PC, small", "O'Hara 7"
	target.Disks = []Disk{{Path: "/lab/target.qcow2", Format: QCOW2, Bus: VirtIO}}
	target.NICs = []NIC{
		{Tap: "tap-a", MAC: "52:54:00:00:00:01", Model: VirtIO, NoROM: true},
		{Tap: "tap-b", MAC: "52:54:00:00:00:02", Model: E1000E, BootIndex: 9},
	}

	direct := valid()
	direct.Direct = &Direct{Kernel: "/img/vmlinuz", Initrd: "/img/initrd", CommandLine: "quiet console=ttyS0"}

	display := valid()
	display.Display = true

	tests := map[string]Config{"display": display, "box": box, "target": target, "direct": direct}
	for _, firmware := range []string{UEFISecure, UEFIIA32, UEFIARM64} {
		c := valid()
		c.Firmware = firmware
		c.HTTPBoot = firmware == UEFIARM64
		c.NICs = []NIC{{Tap: "tap-a", MAC: "52:54:00:00:00:01", Model: VirtIO, NoROM: true}}
		tests[firmware] = c
	}
	old := valid()
	old.Only32Bit = true
	tests["bios-32"] = old
	for name, config := range tests {
		t.Run(name, func(t *testing.T) {
			if err := config.Validate(); err != nil {
				t.Fatal(err)
			}
			got := Script(config) + "\n# the lab's own:\n" + strings.Join(Args(config), "\n") + "\n"
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("command line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	nic := NIC{Tap: "tap0", MAC: "52:54:00:00:00:01", Model: VirtIO}
	tests := []struct {
		name   string
		change func(*Config)
		want   string // part of the error; empty: none
	}{
		{"good", func(*Config) {}, ""},
		{"name", func(c *Config) { c.Name = "a b" }, `name "a b"`},
		{"relative directory", func(c *Config) { c.Dir = "x" }, `directory "x"`},
		{"firmware", func(c *Config) { c.Firmware = "efi" }, `firmware "efi": want one of bios, uefi, uefi-secure, uefi-ia32, uefi-arm64`},
		{"order", func(c *Config) { c.BootOrder = "" }, `boot order ""`},
		{"accelerator", func(c *Config) { c.Accel = "xen" }, `accelerator "xen"`},
		{"memory", func(c *Config) { c.MemoryMiB = 8 }, "memory 8 MiB"},
		{"CPUs", func(c *Config) { c.CPUs = 0 }, "CPUs 0"},
		{"UUID", func(c *Config) { c.UUID = "7" }, `UUID "7"`},
		{"disk path", func(c *Config) { c.Disks = []Disk{{Path: "d", Format: Raw, Bus: USB}} }, "disk 0: path"},
		{"disk format", func(c *Config) { c.Disks = []Disk{{Path: "/d", Bus: USB}} }, `disk 0: format ""`},
		{"disk bus", func(c *Config) { c.Disks = []Disk{{Path: "/d", Format: Raw, Bus: "scsi"}} }, `disk 0: bus "scsi"`},
		{"disk serial", func(c *Config) {
			c.Disks = []Disk{{Path: "/d", Format: Raw, Bus: USB, Serial: strings.Repeat("x", 21)}}
		}, "longer than 20"},
		{"MAC", func(c *Config) { n := nic; n.MAC = "1"; c.NICs = []NIC{n} }, `NIC 0: MAC "1"`},
		{"tap", func(c *Config) { n := nic; n.Tap = ""; c.NICs = []NIC{n} }, `NIC 0: tap ""`},
		{"model", func(c *Config) { n := nic; n.Model = "ne2k"; c.NICs = []NIC{n} }, `NIC 0: model "ne2k"`},
		{"boot index", func(c *Config) { n := nic; n.BootIndex = -1; c.NICs = []NIC{n} }, "boot index -1"},
		{"a display with UEFI", func(c *Config) { c.Display, c.Firmware = true, UEFI }, "a display with firmware uefi"},
		{"32 bits", func(c *Config) { c.Only32Bit, c.Firmware = true, UEFI }, "want bios"},
		{"arm64 with a TPM", func(c *Config) { c.TPM, c.Firmware = true, UEFIARM64 }, "neither a TPM nor kvm"},
		{"arm64 with AHCI", func(c *Config) {
			c.Firmware, c.Disks = UEFIARM64, []Disk{{Path: "/d", Format: Raw, Bus: AHCI}}
		}, "disk 0: firmware uefi-arm64 has no ahci"},
		{"direct start", func(c *Config) { c.Direct = &Direct{Kernel: "/k", Initrd: "i"} }, `direct start: path "i"`},
		{"no driver", func(c *Config) {
			n := nic
			n.NoROM, n.Model = true, E1000
			c.Firmware, c.NICs = UEFI, []NIC{n}
		}, "OVMF has no driver for e1000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := valid()
			tt.change(&c)
			err := c.Validate()
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestFactor(t *testing.T) {
	tests := []struct {
		measured time.Duration
		want     time.Duration // of a deadline of 10 s
	}{
		{0, 10 * time.Second},
		{reference / 4, 10 * time.Second},
		{reference, 10 * time.Second},
		{2 * reference, 20 * time.Second},
		{time.Hour, maxFactor * 10 * time.Second},
	}
	for _, tt := range tests {
		if got := factorOf(tt.measured).Scale(10 * time.Second); got != tt.want {
			t.Errorf("%v measured: deadline %v, want %v", tt.measured, got, tt.want)
		}
	}
	if got := Factor(0).Scale(time.Second); got != time.Second {
		t.Errorf("the zero factor gives %v", got)
	}
}
