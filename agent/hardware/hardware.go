// Package hardware collects the inventory of the machine that the agent runs
// on, from sysfs, procfs and the SMBIOS tables. What cannot be read stays empty:
// an inventory is never a reason to stop.
package hardware

import (
	"bufio"
	"bytes"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/bootward/bootward/agent/smbios"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
)

// Collect reads the inventory; root is the file system tree of the running
// system, os.DirFS("/") outside of tests.
func Collect(root fs.FS) inventory.Machine {
	entry, _ := fs.ReadFile(root, "sys/firmware/dmi/tables/smbios_entry_point")
	table, _ := fs.ReadFile(root, "sys/firmware/dmi/tables/DMI")
	info := smbios.Parse(table, smbios.LegacyUUID(entry))
	m := inventory.Machine{
		Manufacturer: info.Manufacturer, Model: info.Product, ModelVersion: info.Version, Family: info.Family, SKU: info.SKU, SerialNumber: info.SerialNumber,
		UUID: info.UUID, AssetTag: info.AssetTag, Chassis: info.Chassis,
		BIOS:           strings.TrimSpace(info.BIOSVendor + " " + info.BIOSVersion),
		ProcessorMaker: info.Processor.Manufacturer, ProcessorMHz: info.Processor.MaxMHz, Cores: info.Processor.Cores,
		Board: inventory.Board(info.Board), Memory: modules(info.Memory), Disks: disks(root),
	}
	m.Architecture = architecture(runtime.GOARCH)
	_, err := fs.Stat(root, "sys/firmware/efi")
	m.UEFI = err == nil
	m.MemoryBytes = memory(root)
	m.Processors, m.ProcessorModel = processors(root)
	m.Adapters = adapters(root)
	shorten(&m)
	return m
}

// architecture is what the site calls an architecture of Go: the boot image runs on
// the machine, so it is the machine's.
func architecture(goarch string) string {
	if goarch == "amd64" {
		return "x64"
	}
	return goarch
}

// memory reads MemTotal of /proc/meminfo, in kB.
func memory(root fs.FS) int64 {
	for _, f := range fields(root, "proc/meminfo") {
		if f[0] == "MemTotal" {
			n, err := strconv.ParseInt(strings.TrimSuffix(f[1], " kB"), 10, 64)
			if err == nil && n > 0 && n < 1<<50 {
				return n << 10
			}
		}
	}
	return 0
}

func processors(root fs.FS) (n int, model string) {
	for _, f := range fields(root, "proc/cpuinfo") {
		switch f[0] {
		case "processor":
			n++
		case "model name":
			model = f[1]
		}
	}
	return n, model
}

// fields reads a file of lines `name : value`.
func fields(root fs.FS, name string) [][2]string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return nil
	}
	var out [][2]string
	s := bufio.NewScanner(bytes.NewReader(b))
	for s.Scan() {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok {
			out = append(out, [2]string{strings.TrimSpace(k), strings.TrimSpace(v)})
		}
	}
	return out
}

// adapters lists the network interfaces of type 1 (Ethernet) that are hardware:
// those with a device behind them.
func adapters(root fs.FS) []inventory.NIC {
	entries, err := fs.ReadDir(root, "sys/class/net")
	if err != nil {
		return nil
	}
	var out []inventory.NIC
	for _, e := range entries {
		dir := path.Join("sys/class/net", e.Name())
		if _, err := fs.Stat(root, dir+"/device"); err != nil || line(root, dir+"/type") != "1" {
			continue
		}
		mac, err := osd.NormalizeMAC(line(root, dir+"/address"))
		if err != nil || mac == "00:00:00:00:00:00" {
			continue
		}
		n := inventory.NIC{Name: e.Name(), MAC: mac, Carrier: line(root, dir+"/carrier") == "1"}
		if speed, err := strconv.Atoi(line(root, dir+"/speed")); err == nil && speed > 0 {
			n.SpeedMbit = speed
		}
		for l := range strings.Lines(text(root, dir+"/device/uevent")) {
			if d, ok := strings.CutPrefix(strings.TrimSpace(l), "DRIVER="); ok {
				n.Driver = d
			}
		}
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b inventory.NIC) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func text(root fs.FS, name string) string {
	b, _ := fs.ReadFile(root, name)
	return string(b)
}

func line(root fs.FS, name string) string { return strings.TrimSpace(text(root, name)) }
