// Package readiness says whether a machine is fit for a task sequence (Check Readiness): memory, processor, firmware,
// power, network. It reads sysfs and procfs below the file system tree that it is given, and decides nothing else.
// What cannot be found out counts as not fit, and is named.
package readiness

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/bootward/bootward/diskfs"
)

// Machine is what is known of a machine.
type Machine struct {
	Memory       int64 // bytes that are fitted, with what firmware and kernel keep for themselves; 0: not known
	ProcessorMHz int   // the highest clock of the fastest; 0: not known
	UEFI         bool
	ACPower      bool     // it is not running on a battery
	Wired        []string // Ethernet adapters with a live cable
	Disk         int64    // bytes: of the disk that the sequence takes or, in a running system, free
	DiskName     string   // what Disk is about, or why it is not known
}

// Wanted is what a machine must have; zero values ask for nothing.
type Wanted struct {
	Memory       int64
	ProcessorMHz int
	Firmware     string // uefi or bios
	ACPower      bool
	WiredNetwork bool
	Disk         int64
}

// Finding is the answer to one check.
type Finding struct {
	Variable string // of the product, such as _TS_CRMEMORY
	OK       bool
	Text     string // for people, with what there is
}

// Variables are those that the checks answer in.
func Variables() []string {
	var out []string
	for _, f := range (Wanted{Memory: 1, ProcessorMHz: 1, Firmware: "uefi", ACPower: true, WiredNetwork: true, Disk: 1}).Check(Machine{}) {
		out = append(out, f.Variable)
	}
	return out
}

// Check answers each check that is wanted.
func (w Wanted) Check(m Machine) []Finding {
	var out []Finding
	add := func(asked bool, variable string, ok bool, format string, args ...any) {
		if asked {
			out = append(out, Finding{variable, ok, fmt.Sprintf(format, args...)})
		}
	}
	add(w.Memory > 0, "_TS_CRMEMORY", m.Memory >= w.Memory, "memory is %s, at least %s is wanted", orUnknown(m.Memory > 0, diskfs.Bytes(m.Memory)), diskfs.Bytes(w.Memory))
	add(w.ProcessorMHz > 0, "_TS_CRSPEED", m.ProcessorMHz >= w.ProcessorMHz, "the processor's clock is %s, at least %d MHz is wanted", orUnknown(m.ProcessorMHz > 0, fmt.Sprint(m.ProcessorMHz, " MHz")), w.ProcessorMHz)
	add(w.Disk > 0, "_TS_CRDISK", m.Disk >= w.Disk, "%s is %s, at least %s is wanted", orUnknown(m.DiskName != "", m.DiskName), orUnknown(m.Disk > 0, diskfs.Bytes(m.Disk)), diskfs.Bytes(w.Disk))
	add(w.Firmware != "", "_TS_CRUEFI", m.UEFI == (w.Firmware == "uefi"), "the machine has booted by %s, %s is wanted", map[bool]string{true: "uefi", false: "bios"}[m.UEFI], w.Firmware)
	add(w.ACPower, "_TS_CRACPOWER", m.ACPower, "the machine runs on %s, mains power is wanted", map[bool]string{true: "mains power", false: "its battery"}[m.ACPower])
	add(w.WiredNetwork, "_TS_CRWIRED", len(m.Wired) > 0, "adapters with a cable that is live: %s; one is wanted", orNone(m.Wired))
	return out
}

func orUnknown(known bool, text any) string {
	if !known {
		return "not known"
	}
	return fmt.Sprint(text)
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Read reads the machine below root, os.DirFS("/") outside of tests.
func Read(root fs.FS) Machine {
	_, err := fs.Stat(root, "sys/firmware/efi")
	return Machine{Memory: memory(root), ProcessorMHz: megahertz(root), UEFI: err == nil, ACPower: power(root), Wired: wired(root)}
}

// memory counts the blocks of memory that are there (sysfs, devices/system/memory), since MemTotal leaves out what
// firmware and kernel took: a machine of 2 GiB would never have them.
func memory(root fs.FS) int64 {
	const dir = "sys/devices/system/memory"
	size, err := strconv.ParseInt(line(root, dir+"/block_size_bytes"), 16, 64)
	blocks, _ := fs.Glob(root, dir+"/memory[0-9]*")
	if err == nil && size > 0 && len(blocks) > 0 {
		return size * int64(len(blocks))
	}
	for l := range strings.Lines(text(root, "proc/meminfo")) {
		if f := strings.Fields(l); len(f) == 3 && f[0] == "MemTotal:" {
			kib, _ := strconv.ParseInt(f[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// megahertz reads what cpufreq says of the processors or, where nothing sets their clock, what /proc/cpuinfo does.
func megahertz(root fs.FS) int {
	best := 0
	files, _ := fs.Glob(root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_max_freq")
	for _, f := range files {
		kHz, _ := strconv.Atoi(line(root, f))
		best = max(best, kHz/1000)
	}
	for l := range strings.Lines(text(root, "proc/cpuinfo")) {
		if name, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "cpu MHz" {
			mhz, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
			best = max(best, int(mhz))
		}
	}
	return best
}

// power reads the power supplies (Documentation/ABI/testing/sysfs-class-power). A machine without a battery has no
// choice; batteries of mice and headsets (scope Device) are not its own.
func power(root fs.FS) bool {
	const dir = "sys/class/power_supply"
	supplies, _ := fs.ReadDir(root, dir)
	ac, draining := false, false
	for _, s := range supplies {
		at := path.Join(dir, s.Name())
		switch {
		case line(root, at+"/scope") == "Device":
		case line(root, at+"/type") == "Battery":
			draining = draining || line(root, at+"/status") == "Discharging"
		case line(root, at+"/online") == "1":
			ac = true
		}
	}
	return ac || !draining
}

// wired lists adapters that are Ethernet (type 1), hardware, not wireless, and have a carrier. The carrier of one
// that is down cannot be read.
func wired(root fs.FS) (names []string) {
	const dir = "sys/class/net"
	links, _ := fs.ReadDir(root, dir)
	for _, l := range links {
		at := path.Join(dir, l.Name())
		if line(root, at+"/type") == "1" && has(root, at+"/device") && !has(root, at+"/wireless") && !has(root, at+"/phy80211") && line(root, at+"/carrier") == "1" {
			names = append(names, l.Name())
		}
	}
	return names
}

func has(root fs.FS, name string) bool {
	_, err := fs.Stat(root, name)
	return err == nil
}

func text(root fs.FS, name string) string {
	raw, _ := fs.ReadFile(root, name)
	return string(raw)
}

func line(root fs.FS, name string) string { return strings.TrimSpace(text(root, name)) }
