package tsxml

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd/sequence"
)

const minute = sequence.Duration(time.Minute)

// models are steps with every field that XML has a place for, and what stands in the XML for them.
var models = []struct {
	step sequence.Step
	want string
}{
	{&sequence.RunCommandLine{Command: `echo "a" & b`, WorkingDirectory: "/tmp", Package: "Tools", RunAs: "deploy", OutputVariable: "Said"}, `>smsswd.exe /run:Tools echo "a" &amp; b</action>`},
	{&sequence.RunPowerShellScript{Package: "Tools", Script: "a.ps1", Parameters: "-B", Policy: "allSigned"}, `property="ExecutionPolicy">AllSigned<`},
	{&sequence.SetTaskSequenceVariable{Variable: "Ward", Value: " 7 ", Secret: false}, `<action>tsenv.exe "Ward= 7 "</action>`},
	{&sequence.SetDynamicVariables{Rules: []sequence.Rule{
		{Condition: &sequence.Condition{Variable: "_SMSTSModel", Comparison: sequence.Comparison{Like: pointer("T*")}}, Variables: map[string]string{"B": "<2>", "A": "1"}}, {Variables: map[string]string{"C": "%A%"}},
	}}, `name="OSDSetDynamicVariablesRules" property="Rules">&lt;Rules&gt;`},
	{&sequence.RunTaskSequence{Sequence: "Ward base"}, `<subtasksequence type="SMS_TaskSequence_SubTasksequence" name=`},
	{&sequence.CheckReadiness{Memory: "2048MiB", ProcessorMHz: 800, DiskSpace: "20000MiB", Firmware: "uefi", ACPower: true, WiredNetwork: true}, `name="OSDMemory" property="Memory">2048<`},
	{&sequence.ConnectToNetworkFolder{Path: `\\server\share`, To: "/mnt/z", Account: `WARD\deploy`, Password: "%SharePassword%"}, `property="DriveLetter">Z:<`},
	{&sequence.JoinDomainOrWorkgroup{Domain: "example.org", OU: "OU=Wards", Account: "join", Password: "%JoinPassword%"}, `name="OSDJoinType" property="Type">0<`},
	{&sequence.RestartComputer{To: sequence.ToBootImage, Message: "Again", Delay: minute}, `smsboot.exe /target:WinPE`},
	{&sequence.InstallPackage{Package: "Office", Program: "silent", ContinueOnFailure: true}, `name="_SMSSWDProgramName" property="ProgramName">silent<`},
	{&sequence.InstallPackage{List: "AA"}, `/basevar:AA`},
	{&sequence.InstallSoftwareUpdates{Updates: "mandatory"}, `property="Target">Mandatory<`},
	{&sequence.DownloadPackageContent{Packages: []string{"A", "B"}, To: "/srv", Variable: "DL"}, `property="DownloadPackages">A,B<`},
	{&sequence.PartitionDisk{Disk: 1, Style: "gpt", Volumes: []sequence.Volume{
		{Name: "EFI", Type: "efi", Size: "300MiB", FileSystem: "fat32"}, {Type: "msr", Size: "128MiB"}, {Name: "Windows", Type: "primary", Size: "80%", FileSystem: "ntfs", QuickFormat: true, Variable: "OSDisk"},
		{Name: "RE", Type: "recovery", Size: "1GiB", FileSystem: "ntfs", Bootable: true}, {Type: "biosBoot", Size: "2MiB"},
	}}, `name="OSDPartitions2SizeUnits" property="Partitions2SizeUnits">Percent<`},
	{&sequence.ConvertDiskToDynamic{Disk: 2}, `name="OSDConvertDiskIndex" property="DiskIndex">2<`},
	{&sequence.EnableBitLocker{Volume: "C:", Protector: "tpmAndStartupKey", Recovery: "activeDirectory", Wait: true}, `OSDBitLocker.exe /enable /drive:C: /wait:true /mode:TPMAndKey /pwd:AD`},
	{&sequence.DisableBitLocker{Volume: "C:"}, `OSDBitLocker.exe /disable /drive:C:`},
	{&sequence.PreprovisionBitLocker{Volume: "%OSDisk%"}, `property="DestinationVariable">OSDisk<`},
	{&sequence.RequestStateStore{For: "capture", Tries: 3, Delay: minute}, `name="OSDStateSMPRetryTime" property="SMPRetryTime">60<`},
	{&sequence.CaptureUserState{Package: "USMT", Rules: []string{"a.xml", "b.xml"}, SkipEncrypted: true, ContinueOnLocks: true}, `property="ConfigFiles">a.xml,b.xml<`},
	{&sequence.RestoreUserState{Package: "USMT", LocalAccounts: true, ContinueOnLocks: true}, `name="_OSDMigrateUsmtRestorePackageID"`},
	{&sequence.ReleaseStateStore{}, `osdsmpclient.exe /release`},
	{&sequence.ApplyOperatingSystem{Image: "Ward", Index: 2, To: "%OSDisk%", ConfigFile: &sequence.PackageFile{Package: "Answers", File: "unattend.xml"}}, `OSDApplyOS.exe /image:Ward,%OSDImageIndex% "/config:Answers,`},
	{&sequence.ApplyDataImage{Image: "Data", Index: 1, To: "0,3"}, `property="DestinationPartition">3<`},
	{&sequence.SetupOperatingSystem{}, `OSDSetupWindows.exe`},
	{&sequence.InstallDeploymentTools{Package: "Sysprep"}, `SMS_TaskSequence_InstallDeployToolsAction`},
	{&sequence.PrepareClientForCapture{}, `SMS_TaskSequence_PrepareSMSClientAction`},
	{&sequence.PrepareWindowsForCapture{KeepActivation: true, BuildMassStorageList: true}, `property="KeepActivation">true<`},
	{&sequence.CaptureOperatingSystem{To: "//server/a.wim", Account: "cap", Password: "%CapturePassword%", CreatedBy: "me", Version: "1", ImageText: "Ward"}, `name="OSDCaptureAccountPassword" property="CapturePassword">%CapturePassword%<`},
	{&sequence.AutoApplyDrivers{AllCompatible: true, Categories: []string{"a", "b"}, AllowUnsigned: true}, `property="BestMatch">false<`},
	{&sequence.ApplyDriverPackage{Package: "Dell", MassStorage: &sequence.MassStorage{Driver: "x.inf", Model: "iaStor"}, AllowUnsigned: true}, `property="BootCriticalINFFile">x.inf<`},
	{&sequence.CaptureNetworkSettings{Adapters: true, Membership: true}, `property="MigrateNetworkMembership">true<`},
	{&sequence.CaptureWindowsSettings{ComputerName: true, Owner: true, TimeZone: true}, `property="MigrateRegistrationInfo">true<`},
	{&sequence.ApplyNetworkSettings{Workgroup: "WARD", Adapters: []sequence.Adapter{{DHCP: true},
		{MAC: "52:54:00:12:34:56", Addresses: []string{"10.1.2.3/24", "fd00::2/64"}, Gateways: []string{"10.1.2.1"}, DNSServers: []string{"10.1.2.1", "10.1.2.2"}, DNSSuffix: "example.org"}}}, `property="Adapters1SubnetMask">255.255.255.0,64<`},
	{&sequence.ApplyWindowsSettings{Owner: "Ward", Organization: "Hospital", ProductKey: "%Key%", TimeZone: "Pacific Standard Time", AdministratorPassword: "%AdminPassword%"}, `property="RandomAdminPassword">false<`},
}

// TestSteps: a step that is written comes back as it was, with everything that all steps have.
func TestSteps(t *testing.T) {
	seen := map[sequence.Type]bool{}
	for _, m := range models {
		seen[m.step.Type()] = true
		t.Run(string(m.step.Type()), func(t *testing.T) {
			in := &sequence.Sequence{Steps: []sequence.Node{{Step: dress(m.step)}}}
			in.Name, in.Comment, in.Variables = "Ward", "For <wards>", map[string]string{"Site": "North & South"}
			if err := in.Validate(); err != nil {
				t.Fatal(err)
			}
			out := mustExport(t, in)
			if !strings.Contains(out, m.want) {
				t.Errorf("%s is not in the XML:\n%s", m.want, out)
			}
			r := mustImport(t, out)
			if diff := cmp.Diff(in, bare(r.Sequence)); diff != "" {
				t.Errorf("the step came back changed (-want +got):\n%s\n%s", diff, out)
			}
			mustEqual(t, out, mustExport(t, r.Sequence))
		})
	}
	for _, info := range sequence.Types() {
		if info.XML != "" && !seen[info.Type] {
			t.Errorf("no step of type %s is tried", info.Type)
		}
	}
}

// dress gives a step what all steps can have.
func dress(s sequence.Step) sequence.Step {
	s = sequence.Clone(s)
	o := s.Common()
	o.Name, o.Description, o.Disabled, o.ContinueOnError = "Do \"it\"", "Now", true, true
	o.Condition = &sequence.Condition{Any: []sequence.Condition{{Variable: "A", Comparison: sequence.Comparison{Exists: pointer(true)}}, {Variable: "B", Comparison: sequence.Comparison{Equals: pointer("")}}}}
	if s.Type() == sequence.TypeRunTaskSequence {
		return s
	}
	o.Timeout = 15 * minute
	if s.Type() != sequence.TypeInstallPackage {
		o.SuccessCodes = []int{0, 3010}
	}
	if s.Type() != sequence.TypeSetupOperatingSystem {
		o.Retry = &sequence.Retry{Count: 2}
	}
	return s
}

// bare is a sequence without kept XML.
func bare(s *sequence.Sequence) *sequence.Sequence {
	out := *s
	out.Imported, out.Steps = "", bareNodes(s.Steps)
	return &out
}

func bareNodes(nodes []sequence.Node) []sequence.Node {
	var out []sequence.Node
	for _, n := range nodes {
		if n.Group != nil {
			g := *n.Group
			g.Imported, g.Steps = "", bareNodes(g.Steps)
			n.Group = &g
		} else {
			n.Step = sequence.Clone(n.Step)
			n.Step.Common().Imported = ""
		}
		out = append(out, n)
	}
	return out
}

// TestLost: what XML has no place for is named, not left out.
func TestLost(t *testing.T) {
	is := func(c sequence.Condition) sequence.Step {
		return &sequence.RunCommandLine{Command: "true", Options: sequence.Options{Condition: &c}}
	}
	volume := sequence.Volume{Type: "primary", Size: "100%", FileSystem: "ext4", Encryption: &sequence.Encryption{Passphrase: "%P%"}}
	for want, s := range map[string]sequence.Step{
		"select":                &sequence.PartitionDisk{Style: "gpt", Select: &sequence.Select{Bus: "nvme"}, Volumes: []sequence.Volume{{Type: "primary", Size: "100%"}}},
		"volumes[0].encryption": &sequence.PartitionDisk{Style: "gpt", Volumes: []sequence.Volume{volume}},
		"locale":                &sequence.ApplyWindowsSettings{Locale: "de_DE.UTF-8"},
		"folder":                &sequence.ApplyDataImage{Image: "a", To: "%D%", Folder: "x"},
		"firmware: bios":        &sequence.CheckReadiness{Firmware: "bios"},
		"retry.delay":           &sequence.RunCommandLine{Command: "true", Options: sequence.Options{Retry: &sequence.Retry{Count: 1, Delay: minute}}},
		"operatingSystem":       is(sequence.Condition{OperatingSystem: "debian"}),
		"software: greater":     is(sequence.Condition{Software: "vim", Comparison: sequence.Comparison{Greater: pointer("9")}}),
		"file: like":            is(sequence.Condition{File: "/etc/x", Comparison: sequence.Comparison{Like: pointer("2026*")}}),
	} {
		_, err := Export(&sequence.Sequence{Steps: []sequence.Node{{Group: &sequence.Group{Name: "All", Steps: []sequence.Node{{Step: s}}}}}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "All > ") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
