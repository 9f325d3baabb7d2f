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
	Adapters       []NIC  `json:"adapters,omitempty"`
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
