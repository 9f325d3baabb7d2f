package tsxml

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/sequence"
)

func readRunTaskSequence(in *input) *sequence.RunTaskSequence {
	return &sequence.RunTaskSequence{Sequence: cmp.Or(in.get("TsName"), in.get("TsPackageID"))}
}

func writeRunTaskSequence(out *output, s *sequence.RunTaskSequence) {
	out.set("TsName", "", s.Sequence)
	out.run("tsmbootstrap.exe")
}

func readCheckReadiness(in *input) *sequence.CheckReadiness {
	s := &sequence.CheckReadiness{ACPower: in.bool("CheckPowerState", "OSDCheckPowerState"), WiredNetwork: in.bool("CheckNetworkWired", "OSDCheckNetworkWired")}
	if n := in.int("Memory", "OSDMemory"); n > 0 && in.bool("CheckMemory", "OSDCheckMemory") {
		s.Memory = strconv.Itoa(n) + "MiB"
	}
	if n := in.int("FreeDiskSpace", "OSDFreeDiskSpace"); n > 0 && in.bool("CheckFreeDiskSpace", "OSDCheckFreeDiskSpace") {
		s.DiskSpace = strconv.Itoa(n) + "MiB"
	}
	if in.bool("CheckProcessorSpeed", "OSDCheckProcessorSpeed") {
		s.ProcessorMHz = in.int("ProcessorSpeed", "OSDProcessorSpeed")
	}
	if in.bool("CheckDeviceUEFI", "OSDCheckDeviceUEFI") {
		s.Firmware = "uefi"
	}
	for _, other := range []string{"CMClientMinVersion", "MaxOSVersion", "MinOSVersion", "OSArchitecture", "OSLanguageID", "OSType"} {
		if in.bool("Check"+other, "OSDCheck"+other) {
			in.warn("the check of %s is kept for export and not made", other)
		}
	}
	return s
}

func writeCheckReadiness(out *output, s *sequence.CheckReadiness) {
	out.bool("CheckMemory", "OSDCheckMemory", s.Memory != "")
	out.set("Memory", "OSDMemory", mebibytes(s.Memory))
	out.bool("CheckProcessorSpeed", "OSDCheckProcessorSpeed", s.ProcessorMHz > 0)
	out.int("ProcessorSpeed", "OSDProcessorSpeed", s.ProcessorMHz)
	out.bool("CheckFreeDiskSpace", "OSDCheckFreeDiskSpace", s.DiskSpace != "")
	out.set("FreeDiskSpace", "OSDFreeDiskSpace", mebibytes(s.DiskSpace))
	out.bool("CheckDeviceUEFI", "OSDCheckDeviceUEFI", s.Firmware == "uefi")
	out.cannot("firmware: bios", s.Firmware == "bios")
	out.bool("CheckPowerState", "OSDCheckPowerState", s.ACPower)
	out.bool("CheckNetworkConnected", "OSDCheckNetworkConnected", s.WiredNetwork)
	out.bool("CheckNetworkWired", "OSDCheckNetworkWired", s.WiredNetwork)
	out.run("OSDPrestartCheck.exe")
}

// mountFolder holds the folders that stand for drive letters.
const mountFolder = "/mnt/"

var driveLetter = regexp.MustCompile(`^[A-Za-z]:?$`)

func readConnect(in *input) *sequence.ConnectToNetworkFolder {
	s := &sequence.ConnectToNetworkFolder{Path: in.get("Path", "SMSConnectNetworkFolderPath"), To: strings.TrimSpace(in.get("DriveLetter", "SMSConnectNetworkFolderDriveLetter"))}
	if driveLetter.MatchString(s.To) {
		s.To = mountFolder + strings.ToLower(s.To[:1])
	}
	s.Account, s.Password = in.account("Username", "SMSConnectNetworkFolderAccount", "Password", "SMSConnectNetworkFolderPassword")
	return s
}

// account reads an account and the variable of its password. Exports leave the password out:
// the variable that it would stand in takes its place.
func (in *input) account(user, userVariable, password, passwordVariable string) (string, string) {
	u, p := strings.TrimSpace(in.get(user, userVariable)), strings.TrimSpace(in.get(password, passwordVariable))
	if u != "" && p == "" {
		in.warn("the password of account %q is not in the document: name a Secret of variable %s at the step", u, passwordVariable)
		p = "%" + passwordVariable + "%"
	}
	if u == "" && wholeReference.MatchString(p) {
		in.warn("a password without an account is kept for export and not used: %s", p)
		p = ""
	}
	return u, p
}

func writeConnect(out *output, s *sequence.ConnectToNetworkFolder) {
	letter := s.To
	if rest, ok := strings.CutPrefix(s.To, mountFolder); ok && driveLetter.MatchString(rest) {
		letter = strings.ToUpper(rest) + ":"
	}
	out.set("Path", "SMSConnectNetworkFolderPath", s.Path)
	out.set("DriveLetter", "SMSConnectNetworkFolderDriveLetter", letter)
	out.set("Username", "SMSConnectNetworkFolderAccount", s.Account)
	out.set("Password", "SMSConnectNetworkFolderPassword", s.Password)
	out.run("smsnetuse.exe %%SMSConnectNetworkFolderPath%%")
}

func readJoin(in *input) *sequence.JoinDomainOrWorkgroup {
	s := &sequence.JoinDomainOrWorkgroup{}
	kind := strings.TrimSpace(in.get("Type", "OSDJoinType"))
	workgroup := in.get("WorkgroupName", "OSDJoinWorkgroupName")
	if kind == "1" || kind == "" && workgroup != "" {
		s.Workgroup = workgroup
		return s
	}
	s.Domain = in.get("DomainName", "OSDJoinDomainName")
	s.OU = strings.TrimPrefix(in.get("DomainOUName", "OSDJoinDomainOUName"), "LDAP://")
	s.Account, s.Password = in.account("DomainUsername", "OSDJoinAccount", "DomainPassword", "OSDJoinPassword")
	return s
}

func writeJoin(out *output, s *sequence.JoinDomainOrWorkgroup) {
	kind := "0"
	if s.Workgroup != "" {
		kind = "1"
	}
	out.set("Type", "OSDJoinType", kind)
	out.set("DomainName", "OSDJoinDomainName", s.Domain)
	out.set("DomainOUName", "OSDJoinDomainOUName", s.OU)
	out.set("DomainUsername", "OSDJoinAccount", s.Account)
	out.set("DomainPassword", "OSDJoinPassword", s.Password)
	out.set("WorkgroupName", "OSDJoinWorkgroupName", s.Workgroup)
	out.run("osdjoin.exe /type:%%OSDJoinType%%")
}

var bootForm = regexp.MustCompile(`(?i)/target:\s*([A-Za-z]+)`)

func readRestart(in *input) *sequence.RestartComputer {
	target, el := in.find("Target", "SMSRebootTarget")
	if m := bootForm.FindStringSubmatch(action(in.el)); m != nil && el == nil {
		target = m[1]
	}
	target = strings.TrimSpace(target)
	s := &sequence.RestartComputer{To: target, Message: strings.TrimSpace(in.get("Message", "SMSRebootMessage"))}
	switch {
	case strings.EqualFold(target, inWinPE):
		s.To = sequence.ToBootImage
	case strings.EqualFold(target, "HD"), target == "": // the deployment toolkit leaves it empty, and goes on from the disk
		s.To = sequence.ToInstalledOS
	}
	if n := in.int("MessageTimeout", "SMSRebootTimeout"); n > 0 && n <= maxSeconds {
		s.Delay = sequence.Duration(time.Duration(n) * time.Second)
	}
	return s
}

func writeRestart(out *output, s *sequence.RestartComputer) {
	target := map[string]string{sequence.ToBootImage: inWinPE, sequence.ToInstalledOS: "HD"}[s.To]
	out.set("Target", "SMSRebootTarget", target)
	out.set("Message", "SMSRebootMessage", s.Message)
	out.int("MessageTimeout", "SMSRebootTimeout", int(time.Duration(s.Delay)/time.Second))
	out.run("smsboot.exe /target:%s", target)
}
