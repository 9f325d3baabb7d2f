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
		return class{strings.Fields("ResourceID Name Manufacturer Model SystemFamily SystemSKUNumber TotalPhysicalMemory NumberOfLogicalProcessors"), computerSystem}, true
	case "pc_bios", "win32_bios":
		return class{strings.Fields("ResourceID SerialNumber SMBIOSBIOSVersion"), bios}, true
	case "system_enclosure", "win32_systemenclosure":
		return class{strings.Fields("ResourceID SMBIOSAssetTag SerialNumber ChassisTypes"), enclosure}, true
	case "x86_pc_memory":
		return class{strings.Fields("ResourceID TotalPhysicalMemory"), memory}, true
	case "processor", "win32_processor":
		return class{strings.Fields("ResourceID Name Manufacturer MaxClockSpeed NumberOfCores NumberOfLogicalProcessors"), processor}, true
	case "network_adapter", "win32_networkadapter":
		return class{strings.Fields("ResourceID Name MACAddress Speed"), adapters}, true
	case "computer_system_product", "win32_computersystemproduct":
		return class{strings.Fields("ResourceID UUID Vendor Name Version IdentifyingNumber"), product}, true
	case "baseboard", "win32_baseboard":
		return class{strings.Fields("ResourceID Manufacturer Product Version SerialNumber"), board}, true
	case "physical_memory", "win32_physicalmemory":
		return class{strings.Fields("ResourceID Capacity Speed DeviceLocator BankLabel Manufacturer SerialNumber PartNumber"), modules}, true
	case "disk", "win32_diskdrive":
		return class{strings.Fields("ResourceID Index Name DeviceID Model SerialNumber Size InterfaceType MediaType"), disks}, true
	case "win32_operatingsystem":
		return class{strings.Fields("ResourceID Caption Version Name OSArchitecture"), operatingSystem}, true
	case "firmware":
		return class{strings.Fields("ResourceID UEFI"), firmware}, true
	}
	return class{}, false
}

// ClassNames lists the classes that are known.
func ClassNames() []string {
	return []string{"SMS_R_System", "SMS_G_System_COMPUTER_SYSTEM", "SMS_G_System_PC_BIOS", "SMS_G_System_SYSTEM_ENCLOSURE", "SMS_G_System_X86_PC_MEMORY",
		"SMS_G_System_PROCESSOR", "SMS_G_System_NETWORK_ADAPTER", "SMS_G_System_COMPUTER_SYSTEM_PRODUCT", "SMS_G_System_FIRMWARE",
		"SMS_G_System_BASEBOARD", "SMS_G_System_PHYSICAL_MEMORY", "SMS_G_System_DISK",
		"Win32_ComputerSystem", "Win32_BIOS", "Win32_SystemEnclosure", "Win32_Processor", "Win32_NetworkAdapter", "Win32_ComputerSystemProduct",
		"Win32_BaseBoard", "Win32_PhysicalMemory", "Win32_DiskDrive", "Win32_OperatingSystem"}
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

// record makes an instance of names and texts; empty ones are null.
func (c *Computer) record(pairs ...string) Record {
	r := Record{"resourceid": {textValue(c.ID)}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			r[strings.ToLower(pairs[i])] = []Value{textValue(pairs[i+1])}
		}
	}
	return r
}

// count adds a number; 0 is one that is not known.
func (r Record) count(property string, n int64) Record {
	if n != 0 {
		r[property] = append(r[property], Value{strconv.FormatInt(n, 10), true})
	}
	return r
}

// guid is a GUID in the notation that literals are brought to.
func guid(s string) string {
	if n, err := osd.NormalizeGUID(s); err == nil {
		return n
	}
	return s
}

func system(c *Computer) []Record {
	r := c.record("Name", c.Name, "NetbiosName", c.Name, "SMBIOSGUID", guid(c.SMBIOSGUID), "Box", c.Box)
	r["obsolete"], r["unknown"] = []Value{truthValue(c.Obsolete)}, []Value{truthValue(c.Unknown)}
	for _, m := range slices.Concat(c.MACs, c.Facts.MACs()) {
		if n, err := osd.NormalizeMAC(m); err == nil {
			r["macaddresses"] = append(r["macaddresses"], textValue(n))
		}
	}
	for _, a := range c.IPAddresses {
		r["ipaddresses"] = append(r["ipaddresses"], textValue(a))
	}
	return []Record{r}
}

func computerSystem(c *Computer) []Record {
	return []Record{c.record("Name", c.Name, "Manufacturer", c.Facts.Manufacturer, "Model", c.Facts.Model, "SystemFamily", c.Facts.Family, "SystemSKUNumber", c.Facts.SKU).
		count("totalphysicalmemory", c.Facts.MemoryBytes).count("numberoflogicalprocessors", int64(c.Facts.Processors))}
}

func bios(c *Computer) []Record {
	return []Record{c.record("SerialNumber", c.Facts.SerialNumber, "SMBIOSBIOSVersion", c.Facts.BIOS)}
}

func enclosure(c *Computer) []Record {
	return []Record{c.record("SMBIOSAssetTag", c.Facts.AssetTag, "SerialNumber", c.Facts.SerialNumber, "ChassisTypes", c.Facts.Chassis).
		count("chassistypes", chassisNumber(c.Facts.Chassis))}
}

func memory(c *Computer) []Record {
	return []Record{c.record().count("totalphysicalmemory", c.Facts.MemoryBytes/1024)}
}

func processor(c *Computer) []Record {
	return []Record{c.record("Name", c.Facts.ProcessorModel, "Manufacturer", c.Facts.ProcessorMaker).
		count("maxclockspeed", int64(c.Facts.ProcessorMHz)).count("numberofcores", int64(c.Facts.Cores)).count("numberoflogicalprocessors", int64(c.Facts.Processors))}
}

func adapters(c *Computer) []Record {
	var all []Record
	for _, a := range c.Facts.Adapters {
		all = append(all, c.record("Name", a.Name, "MACAddress", a.MAC).count("speed", int64(a.SpeedMbit)*1e6))
	}
	return all
}

func product(c *Computer) []Record {
	return []Record{c.record("UUID", guid(c.Facts.UUID), "Vendor", c.Facts.Manufacturer, "Name", c.Facts.Model, "Version", c.Facts.ModelVersion, "IdentifyingNumber", c.Facts.SerialNumber)}
}

func firmware(c *Computer) []Record {
	r := c.record()
	r["uefi"] = []Value{truthValue(c.Facts.UEFI)}
	return []Record{r}
}

// chassisNumber is the number of a type of chassis (DSP0134, table 17) as
// inventory names it; 0 for one that it does not name.
func chassisNumber(name string) int64 {
	return map[string]int64{
		"Other": 1, "Unknown": 2, "Desktop": 3, "Low Profile Desktop": 4, "Pizza Box": 5, "Mini Tower": 6, "Tower": 7,
		"Portable": 8, "Laptop": 9, "Notebook": 10, "Hand Held": 11, "Docking Station": 12, "All in One": 13,
		"Sub Notebook": 14, "Space-saving": 15, "Lunch Box": 16, "Main Server Chassis": 17, "Rack Mount Chassis": 23,
		"Sealed-case PC": 24, "Blade": 28, "Tablet": 30, "Convertible": 31, "Detachable": 32, "IoT Gateway": 33,
		"Embedded PC": 34, "Mini PC": 35, "Stick PC": 36,
	}[name]
}
