package tsxml

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd/sequence"
)

// product is a step as Configuration Manager writes it, with what the model does not know.
const product = `<step type="SMS_TaskSequence_RunCommandLineAction" name="Say" description="" timeout="900" runIn="WinPE" successCodeList="0 3010" retryCount="0" runFromNet="false" odd="x">
<!-- kept -->
<condition><expression type="SMS_TaskSequence_WMIConditionExpression" ignoreQueryFailure="true"><variable name="Namespace">root\wmi</variable><variable name="Query">SELECT * FROM Win32_BIOS</variable></expression></condition>
<action>smsswd.exe /run:ABC00001 echo a</action>
<defaultVarList><variable name="CommandLine" property="CommandLine" hidden="true">echo a</variable><variable name="PackageID" property="PackageID" hidden="true">ABC00001</variable>
<variable name="SMSTSDisableWow64Redirection" property="DisableWow64Redirection">true</variable><variable name="SuccessCodes" property="SuccessCodes" hidden="true">0 3010</variable></defaultVarList></step>`

// toolkit is one as the deployment toolkit writes it.
const toolkit = `<step name="Say" disable="false" successCodeList="0 3010" startIn=""><action>cscript.exe "%SCRIPTROOT%\A.wsf"</action><defaultVarList/></step>`

// scripted is a step that a script of the toolkit does, which reads the variables.
const scripted = `<step type="SMS_TaskSequence_SetVariableAction" name="Set" successCodeList="0"><defaultVarList><variable name="VariableName" property="VariableName">A</variable><variable name="VariableValue" property="VariableValue">1</variable></defaultVarList><action>cscript.exe "%SCRIPTROOT%\ZTISetVariable.wsf"</action></step>`

// TestChanges: a step that was changed keeps what the model does not know of it.
func TestChanges(t *testing.T) {
	command := func(s sequence.Step) *sequence.RunCommandLine { return s.(*sequence.RunCommandLine) }
	for _, tt := range []struct {
		name, step string
		change     func(sequence.Step)
		replace    []string // old and new parts of the XML
	}{
		{"nothing", product, func(sequence.Step) {}, nil},
		{"name", product, func(s sequence.Step) { s.Common().Name = "Tell <b>" }, []string{`name="Say"`, `name="Tell &lt;b&gt;"`}},
		{"disabled", product, func(s sequence.Step) { s.Common().Disabled = true }, []string{`<step type`, `<step disable="true" type`}},
		{"command", product, func(s sequence.Step) { command(s).Command = "echo b" }, []string{"/run:ABC00001 echo a", "/run:ABC00001 echo b", `hidden="true">echo a`, `hidden="true">echo b`}},
		{"package", product, func(s sequence.Step) { command(s).Package = "Tools" }, []string{"/run:ABC00001", "/run:Tools", `hidden="true">ABC00001`, `hidden="true">Tools`}},
		{"codes", product, func(s sequence.Step) { s.Common().SuccessCodes = nil }, []string{`List="0 3010"`, `List="0"`, `hidden="true">0 3010`, `hidden="true">0`}},
		{"timeout", product, func(s sequence.Step) { s.Common().Timeout = minute }, []string{`timeout="900"`, `timeout="60"`}},
		{"retry", product, func(s sequence.Step) { s.Common().Retry = &sequence.Retry{Count: 2} }, []string{`retryCount="0"`, `retryCount="2"`}},
		{"folder", product, func(s sequence.Step) { command(s).WorkingDirectory = "/tmp" }, []string{`<step type`, `<step startIn="/tmp" type`}},
		{"output", product, func(s sequence.Step) { command(s).OutputVariable = "Said" },
			[]string{"</defaultVarList>", `<variable name="SMSTSRunCommandLineOutputVariableName" property="OutputVariableName">Said</variable></defaultVarList>`}},
		{"stage", product, func(s sequence.Step) { s.Common().Condition = &s.Common().Condition.All[1] }, []string{`runIn="WinPE"`, `runIn="WinPEandFullOS"`}},
		{"condition", product, func(s sequence.Step) { s.Common().Condition = stage("WinPE") }, []string{product[strings.Index(product, "<expression"):strings.Index(product, "</condition>")], ""}},
		{"more conditions", product, func(s sequence.Step) {
			c := s.Common().Condition
			s.Common().Condition = &sequence.Condition{All: []sequence.Condition{c.All[0], {Any: []sequence.Condition{c.All[1]}}}}
		}, []string{`<condition>`, `<condition><operator type="or">`, `</condition>`, `</operator></condition>`}},
		{"toolkit: command", toolkit, func(s sequence.Step) { command(s).Command = "echo b" }, []string{`cscript.exe "%SCRIPTROOT%\A.wsf"`, "echo b", "<defaultVarList/>", `<defaultVarList><variable name="CommandLine" property="CommandLine">echo b</variable></defaultVarList>`}},
		{"toolkit: folder", toolkit, func(s sequence.Step) { command(s).WorkingDirectory = "/tmp" }, []string{`startIn=""`, `startIn="/tmp"`}},
		{"toolkit: value", scripted, func(s sequence.Step) { s.(*sequence.SetTaskSequenceVariable).Value = "2" }, []string{`"VariableValue">1`, `"VariableValue">2`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := sample(`<group name="All">` + tt.step + `</group>`)
			r := mustImport(t, src)
			step := sequence.Clone(r.Sequence.Steps[0].Group.Steps[0].Step)
			if _, ok := step.(*sequence.Unknown); ok {
				t.Fatal(r.Warnings)
			}
			tt.change(step)
			r.Sequence.Steps[0].Group.Steps[0].Step = step
			want := strings.NewReplacer(append(tt.replace, "\x00", "")...).Replace(src)
			if len(tt.replace) > 0 && want == src {
				t.Fatal("the test replaces nothing")
			}
			out := mustExport(t, r.Sequence)
			mustEqual(t, want, out)
			again := mustImport(t, out)
			if diff := cmp.Diff(bare(r.Sequence), bare(again.Sequence)); diff != "" {
				t.Errorf("the change did not come back (-want +got):\n%s", diff)
			}
		})
	}
}

// TestVolumes: volumes that are taken away are gone from the XML, and new ones come.
func TestVolumes(t *testing.T) {
	disk := &sequence.PartitionDisk{Style: "mbr", Volumes: []sequence.Volume{{Type: "primary", Size: "1GiB", FileSystem: "ntfs"}, {Type: "primary", Size: "100%", FileSystem: "ntfs"}}}
	in := &sequence.Sequence{Steps: []sequence.Node{{Step: disk}}}
	in.Name = "Ward"
	for _, count := range []int{1, 3} {
		r := mustImport(t, mustExport(t, in))
		changed := r.Sequence.Steps[0].Step.(*sequence.PartitionDisk)
		changed.Volumes = append(changed.Volumes[:1:1], make([]sequence.Volume, count-1)...)
		for i := range changed.Volumes {
			changed.Volumes[i] = sequence.Volume{Type: "recovery", Size: "10%", FileSystem: "ext4"}
		}
		out := mustExport(t, r.Sequence)
		again := mustImport(t, out)
		if diff := cmp.Diff(bare(r.Sequence), bare(again.Sequence)); diff != "" {
			t.Errorf("%d volumes (-want +got):\n%s", count, diff)
		}
		if strings.Contains(out, "Partitions1Type") != (count > 1) {
			t.Errorf("%d volumes:\n%s", count, out)
		}
	}
}

// TestNodes: nodes that were moved, added and taken away.
func TestNodes(t *testing.T) {
	src := sample(`<group name="A" expand="true"><action/>`+toolkit+`<condition></condition>`+scripted+`</group>`, `<globalVarList><variable name="Site" property="Site">N</variable></globalVarList>`, product)
	r := mustImport(t, src)
	g := r.Sequence.Steps[0].Group
	own := &sequence.RunCommandLine{Command: "mine", Options: sequence.Options{Name: "Mine"}}
	g.Steps = []sequence.Node{g.Steps[1], g.Steps[0], {Step: own}}
	r.Sequence.Steps = []sequence.Node{r.Sequence.Steps[0]}
	r.Sequence.Variables, r.Sequence.Comment = map[string]string{"Ward": "7"}, "New"
	out := mustExport(t, r.Sequence)
	for _, want := range []string{`expand="true"><action/>` + scripted + `<condition></condition>` + toolkit, `name="Mine"`, `description="New"`, `<variable name="Site" property="Site"></variable><variable name="Ward" property="Ward">7</variable>`} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
	if strings.Contains(out, "root\\wmi") || strings.Contains(out, ourMark) {
		t.Errorf("the step that was taken away, or a mark, is still there:\n%s", out)
	}
	if diff := cmp.Diff(bare(r.Sequence), bare(mustImport(t, out).Sequence)); diff != "" {
		t.Errorf("again (-want +got):\n%s", diff)
	}
}

// TestOtherType: an unknown step that somebody replaced is written as what it is now.
func TestOtherType(t *testing.T) {
	r := mustImport(t, sample(`<step type="SMS_TaskSequence_InstallApplicationAction" name="App"><action>x</action></step>`))
	kept := r.Sequence.Steps[0].Step.Common().Imported
	r.Sequence.Steps[0].Step = &sequence.InstallPackage{Package: "Office", Program: "silent", Options: sequence.Options{Name: "App", Imported: kept}}
	out := mustExport(t, r.Sequence)
	if !strings.Contains(out, "SMS_TaskSequence_InstallSoftwareAction") || strings.Contains(out, "InstallApplication") {
		t.Error(out)
	}
}
