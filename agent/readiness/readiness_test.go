package readiness

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// files is a tree out of path and content, in turn.
func files(pairs ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1] + "\n")}
	}
	return out
}

func TestRead(t *testing.T) {
	const ps, net, mem = "sys/class/power_supply/", "sys/class/net/", "sys/devices/system/memory/"
	for _, tt := range []struct {
		name string
		root fstest.MapFS
		want Machine
	}{
		{"nothing known", files(), Machine{ACPower: true}},
		{"memory by blocks", files("proc/meminfo", "MemTotal:        1990000 kB", mem+"block_size_bytes", "8000000", mem+"memory0/state", "online", mem+"memory15/state", "online"), Machine{Memory: 256 << 20, ACPower: true}},
		{"memory by the kernel", files("proc/meminfo", "MemTotal:        2048 kB"), Machine{Memory: 2 << 20, ACPower: true}},
		{"clock", files("proc/cpuinfo", "processor\t: 0\ncpu MHz\t\t: 2793.436"), Machine{ProcessorMHz: 2793, ACPower: true}},
		{"highest clock", files("proc/cpuinfo", "cpu MHz\t\t: 800.0", "sys/devices/system/cpu/cpu1/cpufreq/cpuinfo_max_freq", "3600000"), Machine{ProcessorMHz: 3600, ACPower: true}},
		{"on battery", files(ps+"BAT0/type", "Battery", ps+"BAT0/status", "Discharging", ps+"AC/type", "Mains", ps+"AC/online", "0"), Machine{}},
		{"charging by USB", files(ps+"BAT0/type", "Battery", ps+"BAT0/status", "Discharging", ps+"ucsi/type", "USB", ps+"ucsi/online", "1"), Machine{ACPower: true}},
		{"full", files(ps+"BAT0/type", "Battery", ps+"BAT0/status", "Full"), Machine{ACPower: true}},
		{"a mouse", files(ps+"hid/type", "Battery", ps+"hid/scope", "Device", ps+"hid/status", "Discharging"), Machine{ACPower: true}},
		{"uefi", files("sys/firmware/efi/fw_platform_size", "64"), Machine{UEFI: true, ACPower: true}},
		{"networks", files(
			net+"eth0/type", "1", net+"eth0/device/vendor", "x", net+"eth0/carrier", "1",
			net+"eth1/type", "1", net+"eth1/device/vendor", "x", net+"eth1/carrier", "0",
			net+"wlan0/type", "1", net+"wlan0/device/vendor", "x", net+"wlan0/carrier", "1", net+"wlan0/phy80211/name", "phy0",
			net+"veth0/type", "1", net+"veth0/carrier", "1", net+"lo/type", "772", net+"lo/carrier", "1"), Machine{Wired: []string{"eth0"}, ACPower: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Read(tt.root)
			if !slices.Equal(got.Wired, tt.want.Wired) {
				t.Errorf("wired %q", got.Wired)
			}
			got.Wired, tt.want.Wired = nil, nil
			if got.Memory != tt.want.Memory || got.ProcessorMHz != tt.want.ProcessorMHz || got.UEFI != tt.want.UEFI || got.ACPower != tt.want.ACPower {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestHere: the machine that the test runs on has memory.
func TestHere(t *testing.T) {
	if m := Read(os.DirFS("/")); m.Memory < 64<<20 {
		t.Errorf("%+v", m)
	}
}

func TestCheck(t *testing.T) {
	all := Wanted{Memory: 2 << 30, ProcessorMHz: 1000, Firmware: "uefi", ACPower: true, WiredNetwork: true}
	for _, tt := range []struct {
		name string
		m    Machine
		want string // the variables of what is wrong
	}{
		{"fit", Machine{Memory: 2 << 30, ProcessorMHz: 1000, UEFI: true, ACPower: true, Wired: []string{"eth0"}}, ""},
		{"nothing fits", Machine{}, "_TS_CRMEMORY _TS_CRSPEED _TS_CRUEFI _TS_CRACPOWER _TS_CRWIRED"},
		{"memory", Machine{Memory: 2<<30 - 1, ProcessorMHz: 9000, UEFI: true, ACPower: true, Wired: []string{"eth0"}}, "_TS_CRMEMORY"},
	} {
		var wrong []string
		for _, f := range all.Check(tt.m) {
			if !f.OK {
				wrong = append(wrong, f.Variable)
			}
		}
		if got := strings.Join(wrong, " "); got != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
	if got := (Wanted{}).Check(Machine{}); len(got) > 0 {
		t.Errorf("nothing is wanted, and checked is %v", got)
	}
	if got := (Wanted{Firmware: "bios"}).Check(Machine{UEFI: true}); len(got) != 1 || got[0].OK || got[0].Text != "the machine has booted by uefi, bios is wanted" {
		t.Errorf("%+v", got)
	}
}
