package query

import (
	"errors"
	"strings"
	"testing"

	"github.com/bootward/bootward/osd/inventory"
)

func machine() *Computer {
	return &Computer{Name: "W12-4711", ID: "CEN0000A", SMBIOSGUID: "33221100-5544-7766-8899-aabbccddeeff", MACs: []string{"52-54-00-00-00-01"},
		IPAddresses: []string{"10.7.0.20", "10.8.0.1"}, Box: "ward7-box",
		Facts: inventory.Machine{Manufacturer: "Dell Inc.", Model: "OptiPlex 7010", SerialNumber: "12345678901234567", Chassis: "Laptop", MemoryBytes: 8 << 30, Processors: 4, UEFI: true,
			ModelVersion: "ThinkPad T14", SKU: "05A4", Architecture: "x64", ProcessorMaker: "Intel(R) Corporation", ProcessorMHz: 4200, Cores: 6,
			Board:    inventory.Board{Manufacturer: "Dell Inc.", Product: "0K240Y"},
			Memory:   []inventory.Module{{Bytes: 16 << 30, MTs: 3200, Locator: "DIMM A"}, {Bytes: 8 << 30}},
			Disks:    []inventory.Disk{{Name: "nvme0n1", Number: new(int), Bytes: 512110190592, Bus: "nvme", Model: "Fast SSD"}, {Name: "sda", Bytes: 1 << 30, Bus: "usb", Removable: true}},
			System:   inventory.System{ID: "debian", Version: "12", Name: "Debian GNU/Linux 12 (bookworm)"},
			Adapters: []inventory.NIC{{Name: "eth0", MAC: "52:54:00:00:00:02", SpeedMbit: 1000}, {Name: "eth1", MAC: "52:54:00:00:00:03"}}}}
}

const typical = `select SMS_R_System.ResourceId from SMS_R_System
  inner join SMS_G_System_COMPUTER_SYSTEM on SMS_G_System_COMPUTER_SYSTEM.ResourceID = SMS_R_System.ResourceId
  where SMS_G_System_COMPUTER_SYSTEM.Model like "OptiPlex%" and not SMS_R_System.Name like "TEST[0-9]_"`

func TestMatches(t *testing.T) {
	where := func(s string) string { return "SELECT * FROM SMS_R_System WHERE " + s }
	hardware := func(s string) string { return "SELECT * FROM Win32_ComputerSystem WHERE " + s }
	bios := func(s string) string { return "SELECT * FROM SMS_G_System_PC_BIOS WHERE " + s }
	for query, want := range map[string]bool{
		"SELECT * FROM Win32_BaseBoard WHERE Product = '0K240Y'":                                           true,
		"SELECT * FROM Win32_PhysicalMemory WHERE Capacity >= 17179869184 AND Speed = 3200":                true,
		"SELECT * FROM Win32_PhysicalMemory WHERE Capacity < 17179869184 AND DeviceLocator = 'DIMM A'":     false,
		"SELECT * FROM Win32_DiskDrive WHERE Index = 0 AND Size > 500000000000 AND InterfaceType = 'SCSI'": true,
		"SELECT * FROM Win32_DiskDrive WHERE InterfaceType = 'nvme' AND MediaType LIKE 'Fixed%'":           true,
		"SELECT * FROM Win32_DiskDrive WHERE InterfaceType = 'USB' AND Index IS NOT NULL":                  false,
		"SELECT * FROM Win32_OperatingSystem WHERE Caption LIKE 'Debian%' AND Version >= 12":               true,
		"SELECT * FROM Win32_OperatingSystem WHERE OSArchitecture = '64-bit'":                              true,
		"SELECT * FROM Win32_Processor WHERE NumberOfCores >= 4 AND MaxClockSpeed > 4000":                  true,
		"SELECT * FROM Win32_Processor WHERE Manufacturer LIKE '%Intel%'":                                  true,
		"SELECT * FROM Win32_ComputerSystemProduct WHERE Version LIKE 'ThinkPad T14%'":                     true,
		"SELECT * FROM Win32_ComputerSystem WHERE SystemSKUNumber = '05A4'":                                true,
		"SELECT * FROM Win32_Battery":                      false,
		typical:                                            true,
		"SELECT * FROM SMS_R_System":                       true,
		where("Name = 'w12-4711'"):                         true,
		where("'W12-4711' = Name"):                         true,
		where("Name <> 'other'"):                           true,
		where("Name LIKE 'W12-%'"):                         true,
		where("Name LIKE 'W1[0-9]-____'"):                  true,
		where("Name NOT LIKE 'W12-%'"):                     false,
		where("NOT (Name = 'a' OR Name = 'b')"):            true,
		where("Name = 'a' OR Name LIKE 'w%' AND Box = ''"): false,
		where("MACAddresses = '52:54:00:00:00:03'"):        true,
		where("IPAddresses LIKE '10.8.%'"):                 true,
		where("Name IN ('x', 'W12-4711')"):                 true,
		where("Name NOT IN ('x', 'W12-4711')"):             false,
		// The guide's product shows addresses with colons, people write them in any way.
		where("MACAddresses = '525400-000003'"):                        true,
		where("'52-54-00-00-00-01' = MACAddresses"):                    true,
		where("MACAddresses IN ('x', '5254.0000.0002')"):               true,
		where("MACAddresses LIKE '52:54:00:%'"):                        true,
		where("SMBIOSGUID = '{33221100-5544-7766-8899-AABBCCDDEEFF}'"): true,
		// Two texts are not compared as numbers: they would be wrong machines.
		where("Name = '12000' OR Name = 'W12-004711'"):                               false,
		bios("SerialNumber = '12345678901234568'"):                                   false,
		bios("SerialNumber = 12345678901234568"):                                     false,
		bios("SerialNumber = 12345678901234567"):                                     true,
		bios("SerialNumber = '012345678901234567'"):                                  false,
		bios("SerialNumber < 12345678901234567.5"):                                   true,
		bios("SerialNumber NOT IN ('x', NULL)"):                                      false,
		bios("SerialNumber NOT IN ('x', 'y')"):                                       true,
		hardware("TotalPhysicalMemory = '8589934592.0'"):                             true,
		hardware("TotalPhysicalMemory > -1"):                                         true,
		"SELECT * FROM Win32_SystemEnclosure WHERE ChassisTypes IN (\"8\", '9')":     true,
		"SELECT * FROM Win32_SystemEnclosure WHERE ChassisTypes = 9":                 true,
		"SELECT * FROM Win32_SystemEnclosure WHERE ChassisTypes = 'laptop'":          true,
		"SELECT * FROM Win32_SystemEnclosure WHERE ChassisTypes <> 9":                false,
		"SELECT SMS_R_SYSTEM.ResourceID,SMS_R_SYSTEM.Client, Name FROM SMS_R_System": true,
		where("Obsolete = 0"):                                                        true,
		where("Obsolete = TRUE"):                                                     false,
		where("Name = \"it\"\"s\" OR Name = 'a\\'b'"):                                false,
		hardware("TotalPhysicalMemory >= 8589934592"):                                true,
		hardware("NumberOfLogicalProcessors > 10"):                                   false,
		hardware("NumberOfLogicalProcessors < 10"):                                   true,
		// What has no value is neither equal nor different, nor is its negation.
		"SELECT * FROM Win32_SystemEnclosure WHERE SMBIOSAssetTag = 'x'":                                                                      false,
		"SELECT * FROM Win32_SystemEnclosure WHERE SMBIOSAssetTag <> 'x'":                                                                     false,
		"SELECT * FROM Win32_SystemEnclosure WHERE NOT SMBIOSAssetTag = 'x'":                                                                  false,
		"SELECT * FROM Win32_SystemEnclosure WHERE SMBIOSAssetTag IS NULL":                                                                    true,
		"SELECT * FROM Win32_BIOS WHERE SerialNumber IS NOT NULL":                                                                             true,
		"SELECT * FROM Win32_BIOS WHERE SerialNumber = NULL":                                                                                  false,
		"SELECT * FROM Win32_NetworkAdapter AS n WHERE n.Name = 'eth1'":                                                                       true,
		"SELECT * FROM Win32_NetworkAdapter WHERE Name='eth1' AND Speed > 1":                                                                  false,
		"SELECT * FROM SMS_G_System_FIRMWARE WHERE UEFI = TRUE":                                                                               true,
		"SELECT * FROM SMS_G_System_TOASTER WHERE Slots = 2":                                                                                  false,
		"SELECT * FROM SMS_G_System_TOASTER":                                                                                                  false,
		"SELECT * FROM SMS_R_System AS a LEFT OUTER JOIN Win32_NetworkAdapter AS b ON b.ResourceID = a.ResourceId WHERE b.Speed = 1000000000": true,
	} {
		q, err := Parse(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if got, _ := q.Matches(machine()); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

func TestWarnings(t *testing.T) {
	q, err := Parse("SELECT * FROM SMS_R_System AS s JOIN SMS_G_System_TOASTER AS t ON t.ResourceID = s.ResourceID WHERE s.Colour = 'red'")
	if err != nil {
		t.Fatal(err)
	}
	all := q.Warnings(Known)
	if len(all) != 2 || !strings.Contains(string(all[0]), "SMS_G_System_TOASTER is not known") || !strings.Contains(string(all[1]), "no property Colour") {
		t.Errorf("%q", all)
	}
	if fits, warnings := q.Matches(machine()); fits || len(warnings) == 0 {
		t.Errorf("fits %v, warnings %q", fits, warnings)
	}
}

func TestParseErrors(t *testing.T) {
	for query, want := range map[string]string{
		"": "SELECT is missing", "SELECT *": "FROM is missing", "SELECT * FROM": "name of a class", "SELECT * FROM a WHERE": "property or a value",
		"SELECT * FROM a WHERE b": "comparison is missing", "SELECT * FROM a WHERE b = 'x": "not closed", "SELECT * FROM a WHERE b = 1 ORDER BY b": "ORDER is not part",
		"SELECT * FROM a WHERE b IN (SELECT c FROM d)": "sub-select", "SELECT * FROM a JOIN b ON a.Name = b.Name": "by ResourceID only",
		"SELECT * FROM a JOIN b ON a.ResourceID = b.ResourceID WHERE c = 1": "names no class", "SELECT * FROM a WHERE LEN(b) = 'X'": "functions are not",
		"SELECT * FROM a JOIN a ON a.ResourceID = a.ResourceID": "there twice", "SELECT * FROM a WHERE " + strings.Repeat("(", 100): "levels",
		"SELECT FROM a": "name of a column", "SELECT (SELECT 1) FROM a": "name of a column", "SELECT COUNT(*) FROM a": "functions are not", "SELECT a b FROM a": "FROM is missing",
		"SELECT * FROM a AS 'x'": "behind AS", "SELECT * FROM a WHERE b = 1.2.3": "is no number", "SELECT * FROM a WHERE b = 1 AND ä = 1": "'ä' does not belong",
		"SELECT * FROM a JOIN b ON a.ResourceID b.ResourceID":   "= is missing",
		"SELECT * FROM a JOIN b ON a.ResourceID = a.ResourceID": "on the other", "SELECT * FROM a JOIN b ON b.ResourceID = b.ResourceID": "on the other",
		"SELECT * FROM a WHERE b = 1; DROP TABLE c": "does not belong", "SELECT * FROM a WHERE (b = 1": ") is missing",
	} {
		_, err := Parse(query)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) || e.Line != 1 || e.Column < 1 || e.Remedy == "" {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
	}
	_, err := Parse("SELECT *\nFROM a\nWHERE b ~ 1")
	if err == nil || !strings.Contains(err.Error(), "line 3, column 9") {
		t.Errorf("place: %v", err)
	}
}

func TestLike(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"%", "", true}, {"_", "", false}, {"a%c", "abbbc", true}, {"a%c", "abbb", false}, {"%b%", "abc", true}, {"A_C", "abc", true},
		{"[a-c]x", "bx", true}, {"[^a-c]x", "bx", false}, {"[^a-c]x", "dx", true}, {"[%]", "%", true}, {"[%]", "x", false}, {"[", "[", true}, {"[]", "[]", true}, {"[a-]", "-", true},
		{"%a%a%a%a%a%a%a%a%a%a%b", strings.Repeat("a", 5000), false}, {"ä_", "Äx", true},
	} {
		if Like(tt.pattern, tt.text) != tt.want {
			t.Errorf("Like(%q, %.20q) is %v", tt.pattern, tt.text, !tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{typical, "SELECT * FROM a AS b LEFT JOIN c ON c.ResourceID = b.ResourceID WHERE NOT (b.x >= -1.5 OR c.y IS NOT NULL) AND b.z NOT IN ('q',\"r\")", "SELECT DISTINCT a.b, c FROM SMS_R_System WHERE Name='x'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := Parse(s)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		q.Warnings(Known)
		q.Matches(machine())
	})
}

func FuzzLike(f *testing.F) {
	f.Add("a%[b-d]_", "axcz")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern)*len(text) < 1<<20 && Like(pattern, text) && !Like(pattern+"%", text+"x") {
			t.Errorf("%q fits %q, but with %% not more", pattern, text)
		}
	})
}

func BenchmarkMatches(b *testing.B) {
	q, err := Parse(typical)
	if err != nil {
		b.Fatal(err)
	}
	c := machine()
	for b.Loop() {
		if fits, _ := q.Matches(c); !fits {
			b.Fatal("no match")
		}
	}
}
