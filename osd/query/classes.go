package query

import (
	"slices"
	"strconv"
	"strings"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
)

// Computer is one machine as queries look at it. It caches what it makes of its
// facts: one goroutine uses it.
type Computer struct {
	Name, ID, SMBIOSGUID string
	MACs, IPAddresses    []string
	Obsolete, Unknown    bool
	Box                  string
	Facts                inventory.Machine

	made map[string][]Record
}

// class is a class and how its instances are made. The names of the
// properties are listed although a machine may have no value for them.
type class struct {
	properties []string
	instances  func(*Computer) []Record
}

// table holds the classes by their lower-case names. The names beside those of
// the site's inventory are those of hardware queries on a running machine.
func table(name string) (class, bool) {
	switch strings.TrimPrefix(strings.ToLower(name), "sms_g_system_") {
	case "sms_r_system":
		return class{strings.Fields("ResourceId Name NetbiosName SMBIOSGUID MACAddresses IPAddresses Obsolete Unknown Box"), system}, true
	case "computer_system", "win32_computersystem":
		return class{strings.Fields("ResourceID Name Manufacturer Model TotalPhysicalMemory NumberOfLogicalProcessors"), computerSystem}, true
	case "pc_bios", "win32_bios":
		return class{strings.Fields("ResourceID SerialNumber SMBIOSBIOSVersion"), bios}, true
	case "system_enclosure", "win32_systemenclosure":
		return class{strings.Fields("ResourceID SMBIOSAssetTag SerialNumber ChassisTypes"), enclosure}, true
	case "x86_pc_memory":
		return class{strings.Fields("ResourceID TotalPhysicalMemory"), memory}, true
	case "processor", "win32_processor":
		return class{strings.Fields("ResourceID Name NumberOfLogicalProcessors"), processor}, true
	case "network_adapter", "win32_networkadapter":
		return class{strings.Fields("ResourceID Name MACAddress Speed"), adapters}, true
	case "computer_system_product", "win32_computersystemproduct":
		return class{strings.Fields("ResourceID UUID Vendor Name IdentifyingNumber"), product}, true
	case "firmware":
		return class{strings.Fields("ResourceID UEFI"), firmware}, true
	}
	return class{}, false
}

// ClassNames lists the classes that are known.
func ClassNames() []string {
	return []string{"SMS_R_System", "SMS_G_System_COMPUTER_SYSTEM", "SMS_G_System_PC_BIOS", "SMS_G_System_SYSTEM_ENCLOSURE", "SMS_G_System_X86_PC_MEMORY",
		"SMS_G_System_PROCESSOR", "SMS_G_System_NETWORK_ADAPTER", "SMS_G_System_COMPUTER_SYSTEM_PRODUCT", "SMS_G_System_FIRMWARE",
		"Win32_ComputerSystem", "Win32_BIOS", "Win32_SystemEnclosure", "Win32_Processor", "Win32_NetworkAdapter", "Win32_ComputerSystemProduct"}
}

// Known lists the properties of a class; false if there is no such class.
func Known(name string) (properties []string, ok bool) {
	c, ok := table(name)
	return c.properties, ok
}

func (c *Computer) instances(name string) ([]Record, bool) {
	if made, ok := c.made[name]; ok {
		return made, true
	}
	k, ok := table(name)
	if !ok {
		return nil, false
	}
	if c.made == nil {
		c.made = map[string][]Record{}
	}
	c.made[name] = k.instances(c)
	return c.made[name], true
}

// record makes an instance of names and values; empty values are null.
func (c *Computer) record(pairs ...string) Record {
	r := Record{"resourceid": {c.ID}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			r[strings.ToLower(pairs[i])] = []string{pairs[i+1]}
		}
	}
	return r
}

func truthText(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// count is a number, or nothing where it is not known.
func count(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func system(c *Computer) []Record {
	r := c.record("Name", c.Name, "NetbiosName", c.Name, "SMBIOSGUID", strings.ToUpper(c.SMBIOSGUID), "Box", c.Box,
		"Obsolete", truthText(c.Obsolete), "Unknown", truthText(c.Unknown))
	for _, m := range slices.Concat(c.MACs, c.Facts.MACs()) {
		if n, err := osd.NormalizeMAC(m); err == nil {
			r["macaddresses"] = append(r["macaddresses"], strings.ToUpper(n))
		}
	}
	r["ipaddresses"] = c.IPAddresses
	return []Record{r}
}

func computerSystem(c *Computer) []Record {
	return []Record{c.record("Name", c.Name, "Manufacturer", c.Facts.Manufacturer, "Model", c.Facts.Model,
		"TotalPhysicalMemory", count(c.Facts.MemoryBytes), "NumberOfLogicalProcessors", count(int64(c.Facts.Processors)))}
}

func bios(c *Computer) []Record {
	return []Record{c.record("SerialNumber", c.Facts.SerialNumber, "SMBIOSBIOSVersion", c.Facts.BIOS)}
}

func enclosure(c *Computer) []Record {
	return []Record{c.record("SMBIOSAssetTag", c.Facts.AssetTag, "SerialNumber", c.Facts.SerialNumber, "ChassisTypes", c.Facts.Chassis)}
}

func memory(c *Computer) []Record {
	return []Record{c.record("TotalPhysicalMemory", count(c.Facts.MemoryBytes/1024))}
}

func processor(c *Computer) []Record {
	return []Record{c.record("Name", c.Facts.ProcessorModel, "NumberOfLogicalProcessors", count(int64(c.Facts.Processors)))}
}

func adapters(c *Computer) []Record {
	var all []Record
	for _, a := range c.Facts.Adapters {
		all = append(all, c.record("Name", a.Name, "MACAddress", strings.ToUpper(a.MAC), "Speed", count(int64(a.SpeedMbit)*1e6)))
	}
	return all
}

func product(c *Computer) []Record {
	return []Record{c.record("UUID", strings.ToUpper(c.Facts.UUID), "Vendor", c.Facts.Manufacturer, "Name", c.Facts.Model, "IdentifyingNumber", c.Facts.SerialNumber)}
}

func firmware(c *Computer) []Record {
	return []Record{c.record("UEFI", truthText(c.Facts.UEFI))}
}
