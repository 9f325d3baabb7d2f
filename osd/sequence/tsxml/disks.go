package tsxml

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// maxVolumes bounds what is read; more than the model takes.
const maxVolumes = 200

func readPartitionDisk(in *input) *sequence.PartitionDisk {
	s := &sequence.PartitionDisk{Disk: in.disk("DiskIndex", "OSDDiskIndex"), Style: strings.ToLower(strings.TrimSpace(in.get("PartitionStyle", "OSDPartitionStyle")))}
	count := in.int("Partitions", "OSDPartitions")
	for i := 0; i < min(count, maxVolumes); i++ {
		s.Volumes = append(s.Volumes, in.volume(i))
	}
	return s
}

// disk is the number of a disk; one that is no number, such as a variable, is not valid.
func (in *input) disk(property, name string) int {
	text := strings.TrimSpace(in.get(property, name))
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		in.warn("%s %q is no number", property, text)
		return -1
	}
	return n
}

// volumeTypes maps types of partitions. The toolkit hides its recovery partition.
var volumeTypes = [][2]string{{"Primary", "primary"}, {"EFI", "efi"}, {"MSR", "msr"}, {"Recovery", "recovery"}, {"Hidden", "recovery"}, {"BiosBoot", "biosBoot"},
	{"Extended", "extended"}, {"Logical", "logical"}}

func (in *input) volume(i int) sequence.Volume {
	get := func(property string) string {
		n := fmt.Sprintf("Partitions%d%s", i, property)
		return strings.TrimSpace(in.get(n, "OSD"+n))
	}
	v := sequence.Volume{Name: get("VolumeName"), Type: get("Type"), FileSystem: strings.ToLower(get("FileSystem")), QuickFormat: isTrue(get("QuickFormat")),
		Bootable: isTrue(get("Bootable")), Variable: get("VolumeLetterVariable"), Size: size(get("Size"), get("SizeUnits"))}
	for _, t := range volumeTypes {
		if strings.EqualFold(v.Type, t[0]) {
			v.Type = t[1]
			break
		}
	}
	switch {
	case v.Type == "msr" || v.Type == "biosBoot" || v.Type == "extended":
		v.FileSystem, v.QuickFormat = "", false // the editor's default, which means nothing there
	case v.Type == "efi" && v.FileSystem == "":
		v.FileSystem = "fat32"
	}
	if most := map[string]int{"fat32": 11, "ext4": 16, "xfs": 12, "swap": 16, "ntfs": 32, "": 36}[v.FileSystem]; len(v.Name) > most && most > 0 {
		in.warn("the volume's name %q is kept for export and shorter here: %d bytes at most", v.Name, most)
		v.Name = strings.ToValidUTF8(v.Name[:most], "")
	}
	return v
}

// size is a number with its unit in the notation of the model. Units of Windows are binary.
func size(number, unit string) string {
	switch strings.ToLower(unit) {
	case "%", "percent", "percentage":
		return number + "%"
	case "mb", "":
		return number + "MiB"
	case "gb":
		return number + "GiB"
	}
	return number + unit
}

var sizeParts = regexp.MustCompile(`^([0-9]+)(\.[0-9]+)? ?([A-Za-z%]+|%)$`)

// sizeOf is the contrary: whole numbers of MB, GB or percent.
func sizeOf(s string) (number, unit string) {
	m := sizeParts.FindStringSubmatch(s)
	switch {
	case m == nil:
		return s, ""
	case m[3] == "%":
		return m[1], "Percent"
	case m[3] == "GiB" && m[2] == "":
		return m[1], "GB"
	}
	return mebibytes(s), "MB"
}

// mebibytes is a size in MiB, rounded down.
func mebibytes(s string) string {
	m := sizeParts.FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	unit := map[string]int64{"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}[m[3]]
	n, ok := new(big.Rat).SetString(m[1] + m[2])
	if !ok {
		return ""
	}
	n.Mul(n, big.NewRat(unit, 1<<20))
	return new(big.Int).Quo(n.Num(), n.Denom()).String()
}

func writePartitionDisk(out *output, s *sequence.PartitionDisk) {
	out.cannot("select", s.Select != nil)
	out.set("DiskIndex", "OSDDiskIndex", strconv.Itoa(s.Disk))
	out.set("PartitionStyle", "OSDPartitionStyle", strings.ToUpper(s.Style))
	out.set("Partitions", "OSDPartitions", strconv.Itoa(len(s.Volumes)))
	for i, v := range s.Volumes {
		out.cannot(fmt.Sprintf("volumes[%d].encryption", i), v.Encryption != nil)
		set := func(property, value string) {
			n := fmt.Sprintf("Partitions%d%s", i, property)
			out.set(n, "OSD"+n, value)
		}
		kind := v.Type
		for _, t := range volumeTypes {
			if v.Type == t[1] {
				kind = t[0]
				break
			}
		}
		number, unit := sizeOf(v.Size)
		set("Type", kind)
		set("FileSystem", strings.ToUpper(v.FileSystem))
		set("Bootable", strconv.FormatBool(v.Bootable))
		set("QuickFormat", strconv.FormatBool(v.QuickFormat))
		set("VolumeName", v.Name)
		set("Size", number)
		set("SizeUnits", unit)
		set("VolumeLetterVariable", v.Variable)
	}
	out.run("osddiskpart.exe")
}

func readConvert(in *input) *sequence.ConvertDiskToDynamic {
	return &sequence.ConvertDiskToDynamic{Disk: in.disk("DiskIndex", "OSDConvertDiskIndex")}
}

func writeConvert(out *output, s *sequence.ConvertDiskToDynamic) {
	out.set("DiskIndex", "OSDConvertDiskIndex", strconv.Itoa(s.Disk))
	out.run("osddiskpart.exe convert %%OSDConvertDiskIndex%%")
}

// protectors maps the modes of BitLocker.
var protectors = [][2]string{{"TPM", "tpm"}, {"Key", "startupKey"}, {"TPMAndKey", "tpmAndStartupKey"}, {"TPMAndPIN", "tpmAndPIN"}}

func readEnableBitLocker(in *input) *sequence.EnableBitLocker {
	s := &sequence.EnableBitLocker{Volume: strings.TrimSpace(in.get("TargetDrive", "OSDBitLockerTargetDrive")),
		Protector: strings.TrimSpace(in.get("Mode", "OSDBitLockerMode")), Wait: in.bool("WaitForEncryption", "OSDBitLockerWaitForEncryption")}
	for _, p := range protectors {
		if strings.EqualFold(s.Protector, p[0]) {
			s.Protector = p[1]
		}
	}
	switch recovery := strings.TrimSpace(in.get("CreateRecoveryPassword", "OSDBitLockerCreateRecoveryPassword")); strings.ToLower(recovery) {
	case "ad":
		s.Recovery = "activeDirectory"
	case "none":
		s.Recovery = "none"
	}
	return s
}

func writeEnableBitLocker(out *output, s *sequence.EnableBitLocker) {
	mode := s.Protector
	for _, p := range protectors {
		if s.Protector == p[1] {
			mode = p[0]
		}
	}
	out.set("TargetDrive", "OSDBitLockerTargetDrive", s.Volume)
	out.set("Mode", "OSDBitLockerMode", mode)
	recovery := map[string]string{"activeDirectory": "AD", "none": "None"}[s.Recovery]
	out.set("CreateRecoveryPassword", "OSDBitLockerCreateRecoveryPassword", recovery)
	out.bool("WaitForEncryption", "OSDBitLockerWaitForEncryption", s.Wait)
	drive := ""
	if s.Volume != "" {
		drive = " /drive:" + s.Volume
	}
	out.run("OSDBitLocker.exe /enable%s /wait:%t /mode:%s /pwd:%s", drive, s.Wait, mode, recovery)
}

func readDisableBitLocker(in *input) *sequence.DisableBitLocker {
	return &sequence.DisableBitLocker{Volume: strings.TrimSpace(in.get("TargetDrive", "OSDBitLockerTargetDrive"))}
}

func writeDisableBitLocker(out *output, s *sequence.DisableBitLocker) {
	out.set("TargetDrive", "OSDBitLockerTargetDrive", s.Volume)
	out.action = "OSDBitLocker.exe /disable"
	if s.Volume != "" {
		out.action += " /drive:" + s.Volume
	}
}

func readPreprovision(in *input) *sequence.PreprovisionBitLocker {
	to := in.destination()
	if to == "" {
		to = in.nextVolume()
	}
	return &sequence.PreprovisionBitLocker{Volume: to}
}

func writePreprovision(out *output, s *sequence.PreprovisionBitLocker) {
	target := out.destination(s.Volume)
	out.run("OSDOfflineBitlocker.exe /enable /drive:%s", target)
}
