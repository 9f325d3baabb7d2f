// Package inventory is what is known of a machine, as data, and the task
// sequence variables that are made of it. It collects nothing itself: the
// collectors live in the agent.
package inventory

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Machine is the hardware of one machine. Strings are as its maker wrote them,
// without surrounding spaces; what is not known is empty.
type Machine struct {
	Manufacturer string `json:"manufacturer,omitempty"`
	Model        string `json:"model,omitempty"`
	// ModelVersion is where some makers put the name that people know, such as ThinkPad T14.
	ModelVersion string `json:"modelVersion,omitempty"`
	Family       string `json:"family,omitempty"`
	SKU          string `json:"sku,omitempty"`
	SerialNumber string `json:"serialNumber,omitempty"`
	// UUID is that of SMBIOS table 1, in the notation of RFC 9562, lower case.
	UUID     string `json:"uuid,omitempty"`
	AssetTag string `json:"assetTag,omitempty"`
	// Chassis is the type of SMBIOS table 3, such as Laptop.
	Chassis string `json:"chassis,omitempty"`
	BIOS    string `json:"bios,omitempty"` // vendor and version
	UEFI    bool   `json:"uefi"`
	// Architecture is x64 or arm64, as boot images are named; older agents do not say.
	Architecture string `json:"architecture,omitempty"`
	// MemoryBytes is what the kernel can use.
	MemoryBytes int64 `json:"memoryBytes,omitempty"`
	// Processors counts logical processors.
	Processors     int    `json:"processors,omitempty"`
	ProcessorModel string `json:"processorModel,omitempty"`
	// ProcessorMaker, ProcessorMHz (the highest) and Cores are those of the first socket.
	ProcessorMaker string   `json:"processorMaker,omitempty"`
	ProcessorMHz   int      `json:"processorMHz,omitempty"`
	Cores          int      `json:"cores,omitempty"`
	Board          Board    `json:"board,omitzero"`
	Memory         []Module `json:"memory,omitempty"`
	Disks          []Disk   `json:"disks,omitempty"`
	Adapters       []NIC    `json:"adapters,omitempty"`
	// System is the system that runs or, in the boot image, was applied. It is not collected:
	// who asks a query of a machine that runs says it.
	System System `json:"system,omitzero"`
}

// Record is what a machine said of itself, and where and when it did.
type Record struct {
	Machine
	IPAddresses []string  `json:"ipAddresses,omitempty"`
	Time        time.Time `json:"time,omitzero"`
}

// NIC is one physical Ethernet adapter.
type NIC struct {
	Name    string `json:"name"`
	MAC     string `json:"mac"` // aa:bb:cc:dd:ee:ff
	Driver  string `json:"driver,omitempty"`
	Carrier bool   `json:"carrier"`
	// SpeedMbit is the negotiated speed, 0 if it is not known.
	SpeedMbit int `json:"speedMbit,omitempty"`
}

// Board is the main board.
type Board struct {
	Manufacturer string `json:"manufacturer,omitempty"`
	Product      string `json:"product,omitempty"`
	Version      string `json:"version,omitempty"`
	SerialNumber string `json:"serialNumber,omitempty"`
}

// Module is one memory module.
type Module struct {
	Bytes        int64  `json:"bytes"`
	MTs          int    `json:"mts,omitempty"` // transfers a second, in millions
	Locator      string `json:"locator,omitempty"`
	Bank         string `json:"bank,omitempty"`
	Manufacturer string `json:"manufacturer,omitempty"`
	SerialNumber string `json:"serialNumber,omitempty"`
	PartNumber   string `json:"partNumber,omitempty"`
}

// Disk is one disk, whether a system may be put on it or not.
type Disk struct {
	Name string `json:"name"` // vda
	// Number is that of the disk among internal fixed disks, from 0; nil for all others.
	Number    *int   `json:"number,omitempty"`
	Bytes     int64  `json:"bytes,omitempty"`
	Bus       string `json:"bus,omitempty"` // as partitionDisk names it, and usb, network, other
	Model     string `json:"model,omitempty"`
	Serial    string `json:"serial,omitempty"`
	Removable bool   `json:"removable,omitempty"`
}

// System is an operating system, after os-release(5).
type System struct {
	ID      string `json:"id,omitempty"`      // debian
	Version string `json:"version,omitempty"` // 12
	Name    string `json:"name,omitempty"`    // Debian GNU/Linux 12 (bookworm)
}

// MaxParts bounds each list of a Machine.
const MaxParts = 64

// Texts are all texts of the machine: what takes a machine's word for them bounds them.
func (m *Machine) Texts() []*string {
	all := []*string{&m.Manufacturer, &m.Model, &m.ModelVersion, &m.Family, &m.SKU, &m.SerialNumber, &m.UUID, &m.AssetTag, &m.Chassis, &m.BIOS, &m.Architecture,
		&m.ProcessorModel, &m.ProcessorMaker, &m.Board.Manufacturer, &m.Board.Product, &m.Board.Version, &m.Board.SerialNumber,
		&m.System.ID, &m.System.Version, &m.System.Name}
	for i := range m.Memory {
		d := &m.Memory[i]
		all = append(all, &d.Locator, &d.Bank, &d.Manufacturer, &d.SerialNumber, &d.PartNumber)
	}
	for i := range m.Disks {
		d := &m.Disks[i]
		all = append(all, &d.Name, &d.Bus, &d.Model, &d.Serial)
	}
	for i := range m.Adapters {
		n := &m.Adapters[i]
		all = append(all, &n.Name, &n.MAC, &n.Driver)
	}
	return all
}

// MACs are the hardware addresses of all adapters, each once, in their order.
func (m Machine) MACs() []string {
	var out []string
	for _, n := range m.Adapters {
		if n.MAC != "" && !slices.Contains(out, n.MAC) {
			out = append(out, n.MAC)
		}
	}
	return out
}

// Variables are the built-in task sequence variables that the hardware gives
// (docs/formats/sequence.md).
func (m Machine) Variables() map[string]string {
	return map[string]string{
		"_SMSTSMake":         m.Manufacturer,
		"_SMSTSModel":        m.Model,
		"_SMSTSSerialNumber": m.SerialNumber,
		"_SMSTSUUID":         strings.ToUpper(m.UUID),
		"_SMSTSAssetTag":     m.AssetTag,
		"_SMSTSMacAddresses": strings.ToUpper(strings.Join(m.MACs(), ",")),
		"_SMSTSBootUEFI":     strconv.FormatBool(m.UEFI),
	}
}
