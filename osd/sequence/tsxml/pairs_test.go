package tsxml

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd/sequence"
)

// others are steps that differ from those of models in every field.
var others = []sequence.Step{
	&sequence.RunCommandLine{Command: "true"},
	&sequence.RunPowerShellScript{Package: "Other", Script: "b.ps1"},
	&sequence.SetTaskSequenceVariable{Variable: "Site", Value: "", Secret: true},
	&sequence.SetDynamicVariables{Rules: []sequence.Rule{{Variables: map[string]string{"A": ""}}}},
	&sequence.RunTaskSequence{Sequence: "Other"},
	&sequence.CheckReadiness{Firmware: "uefi"},
	&sequence.ConnectToNetworkFolder{Path: "//other/share", To: "/srv/x"},
	&sequence.JoinDomainOrWorkgroup{Workgroup: "WARD"},
	&sequence.RestartComputer{To: sequence.ToInstalledOS},
	&sequence.InstallPackage{List: "BB"},
	&sequence.InstallSoftwareUpdates{Updates: "all"},
	&sequence.DownloadPackageContent{Packages: []string{"C"}},
	&sequence.PartitionDisk{Style: "mbr", Volumes: []sequence.Volume{{Type: "primary", Size: "100%", FileSystem: "ext4", Variable: "Root"}}},
	&sequence.PartitionDisk{Style: "mbr", Volumes: []sequence.Volume{{Type: "primary", Size: "10GiB", FileSystem: "xfs", Variable: "Root"}, {Type: "extended", Size: "100%"}, {Type: "logical", Size: "100%", FileSystem: "ntfs"}}},
	&sequence.ConvertDiskToDynamic{},
	&sequence.EnableBitLocker{Protector: "tpm"},
	&sequence.DisableBitLocker{},
	&sequence.PreprovisionBitLocker{Volume: "D:"},
	&sequence.RequestStateStore{For: "restore"},
	&sequence.CaptureUserState{},
	&sequence.RestoreUserState{Package: "Other", Rules: []string{"c.xml"}},
	&sequence.ReleaseStateStore{},
	&sequence.ApplyOperatingSystem{Image: "Other", To: "0,1"},
	&sequence.ApplyDataImage{Image: "Other", To: "%D%"},
	&sequence.SetupOperatingSystem{},
	&sequence.InstallDeploymentTools{Package: "Other"},
	&sequence.PrepareClientForCapture{},
	&sequence.PrepareWindowsForCapture{},
	&sequence.CaptureOperatingSystem{To: "//other/b.wim"},
	&sequence.AutoApplyDrivers{},
	&sequence.ApplyDriverPackage{Package: "Other"},
	&sequence.CaptureNetworkSettings{Membership: true},
	&sequence.CaptureWindowsSettings{Owner: true},
	&sequence.ApplyNetworkSettings{},
	&sequence.ApplyWindowsSettings{},
}

// TestPairs: a step whose model became any other of its type is written as that, there and back.
func TestPairs(t *testing.T) {
	pairs := 0
	for _, m := range models {
		for _, other := range others {
			if other.Type() != m.step.Type() {
				continue
			}
			pairs++
			change(t, dress(m.step), other)
			change(t, other, dress(m.step))
			change(t, m.step, other)
		}
	}
	if pairs < len(others) {
		t.Errorf("%d pairs of %d", pairs, len(others))
	}
}

func change(t *testing.T, from, to sequence.Step) {
	t.Helper()
	s := &sequence.Sequence{Steps: []sequence.Node{{Step: named(from)}}}
	s.Name = "Ward"
	r := mustImport(t, mustExport(t, s))
	step := named(to)
	step.Common().Imported = r.Sequence.Steps[0].Step.Common().Imported
	r.Sequence.Steps[0].Step = step
	out := mustExport(t, r.Sequence)
	again := mustImport(t, out)
	if diff := cmp.Diff(bare(r.Sequence), bare(again.Sequence)); diff != "" {
		t.Errorf("%s (-want +got):\n%s\n%s", from.Type(), diff, out)
	}
}

// named gives a step a name: without one, the name of its type comes back.
func named(s sequence.Step) sequence.Step {
	s = sequence.Clone(s)
	if s.Common().Name == "" {
		s.Common().Name = "It"
	}
	return s
}
