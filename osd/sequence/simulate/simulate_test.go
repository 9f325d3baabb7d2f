package simulate

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

var update = flag.Bool("update", false, "write the golden files")

const uefi = `{"manufacturer":"Dell Inc.","model":"OptiPlex 7090","uuid":"4c4c4544-0042-3510-8052-b4c04f4d3333","uefi":true,"memoryBytes":8589934592,
	"adapters":[{"name":"eth0","mac":"52:54:00:77:00:11","carrier":true}],"ipAddresses":["192.0.2.5"],
	"disks":[{"name":"nvme0n1","number":0,"bytes":512000000000,"bus":"nvme","model":"Fast"},{"name":"sda","number":1,"bytes":1000000000000,"bus":"ata"},{"name":"sdb","bytes":16000000000,"bus":"usb"}]}`

func machine(t *testing.T, inventory, facts string) Machine {
	t.Helper()
	m, err := ParseInventory([]byte(inventory))
	if err != nil {
		t.Fatal(err)
	}
	if facts != "" {
		if m.Facts, err = ParseFacts([]byte(facts)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func load(t *testing.T, file string) *sequence.Sequence {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := document.Decode(file, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if s, ok := o.(*sequence.Sequence); ok {
			return s
		}
	}
	t.Fatal("no sequence in " + file)
	return nil
}

// TestReports holds whole runs against golden files.
func TestReports(t *testing.T) {
	ward := load(t, "../../../examples/ward/sequence.yaml")
	all := load(t, "testdata/all.yaml")
	bios := strings.Replace(uefi, `"uefi":true`, `"uefi":false`, 1)
	facts := "operatingSystem: {id: debian, version: \"11\"}\nfiles: {/etc/old: \"\"}\napplied: {operatingSystem: {id: debian, version: \"12\"}, software: {samba: \"2:4.17\"}}"
	for name, r := range map[string]Run{
		"ward-uefi":  {Sequence: ward, Machine: machine(t, uefi, ""), Variables: map[string]string{"Ward": "7"}},
		"ward-bios":  {Sequence: ward, Machine: machine(t, bios, ""), Variables: map[string]string{"OSDDiskIndex": "5"}},
		"ward-fail":  {Sequence: ward, Machine: machine(t, `{"uefi":true}`, ""), Fail: []string{"apply network settings"}},
		"all":        {Sequence: all, Machine: machine(t, uefi, facts), Variables: map[string]string{"Ward": "7"}},
		"all-tried":  {Sequence: all, Machine: machine(t, uefi, facts), Variables: map[string]string{"answer": "yes"}, Fail: []string{"18"}},
		"all-unsure": {Sequence: all, Machine: machine(t, bios, ""), Stage: status.StageInstalledSystem},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := Simulate(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(report, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(string(got), "hunter22") {
				t.Error("the report shows a secret value")
			}
		})
	}
}

// TestEveryStepIsSimulated: no type of step is forgotten, and what cannot run fails as it would.
func TestEveryStepIsSimulated(t *testing.T) {
	for _, info := range sequence.Types() {
		s := &sequence.Sequence{Steps: []sequence.Node{{Step: sequence.New(info.Type)}}}
		report, err := Simulate(t.Context(), Run{Sequence: s, Machine: machine(t, uefi, "")})
		if err != nil || len(report.Lines) != 1 || report.Lines[0].Type != string(info.Type) {
			t.Errorf("%s: %+v, %v", info.Type, report, err)
		}
		if info.Missing != "" && (report.Succeeded || !strings.Contains(report.Reason, info.Missing)) {
			t.Errorf("%s: %+v does not fail for what is missing", info.Type, report)
		}
	}
}

func TestDisks(t *testing.T) {
	for _, tt := range []struct{ disk, want string }{
		{`"disk":1`, "disk 1 (sda), ata, 1000 GB"},
		{`"select":{"bus":"nvme"}`, "disk 0 (nvme0n1), nvme, Fast, 512 GB"},
		{`"select":{"minSize":"600 GB"}`, "disk 1 (sda), ata, 1000 GB"},
		{`"select":{"maxSize":"0.5TiB"}`, "disk 0 (nvme0n1), nvme, Fast, 512 GB"},
		{`"disk":2`, "has no such disk: disk 2 of the internal fixed disks"},
		{`"select":{"minSize":"1GiB"}`, "2 disks fit, and the step takes none of them: the disk with minSize 1GiB"},
	} {
		s, err := sequence.Decode([]byte(`{"format":1,"name":"s","bootImage":"b","steps":[{"partitionDisk":{` + tt.disk + `,"style":"gpt","volumes":[{"type":"primary","size":"100%"}]}}]}`))
		if err != nil {
			t.Fatal(err)
		}
		report, err := Simulate(t.Context(), Run{Sequence: s, Machine: machine(t, uefi, "")})
		if err != nil || !strings.Contains(report.Lines[0].Erases+report.Reason, tt.want) {
			t.Errorf("%s: %+v, %v", tt.disk, report, err)
		}
	}
}

// TestLoops: a sequence that restarts for ever ends; a step that is told to fail must be there.
func TestLoops(t *testing.T) {
	s, err := sequence.Decode([]byte(`{"format":1,"name":"s","variables":{"SMSTSRebootRequested":"HD","SMSTSRetryRequested":"true"},"steps":[{"runCommandLine":{"command":"x"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r := Run{Sequence: s, Machine: machine(t, uefi, ""), Stage: status.StageInstalledSystem}
	report, err := Simulate(t.Context(), r)
	if err != nil || report.Restarts != 1 || !report.Succeeded {
		t.Errorf("%+v, %v", report, err)
	}
	var many []string
	for range maxRestarts + 2 {
		many = append(many, `{"restartComputer":{"to":"installedOS"}}`)
	}
	if r.Sequence, err = sequence.Decode([]byte(`{"format":1,"name":"s","steps":[` + strings.Join(many, ",") + `]}`)); err != nil {
		t.Fatal(err)
	}
	if report, err = Simulate(t.Context(), r); err != nil || report.Succeeded || !strings.Contains(report.Reason, "more than 100 times") {
		t.Errorf("%+v, %v", report, err)
	}
	r.Fail = []string{"nothing"}
	if _, err := Simulate(t.Context(), r); err == nil || !strings.Contains(err.Error(), `no step "nothing"`) {
		t.Error(err)
	}
}

// TestOperatingSystem: questions and queries ask the same system, as the agent does: that of the
// facts or the inventory until another one is applied.
func TestOperatingSystem(t *testing.T) {
	const applied = `{"partitionDisk":{"style":"gpt","volumes":[{"type":"primary","size":"100%","fileSystem":"ext4","variable":"V"}]}},{"applyOperatingSystem":{"image":"i","to":"%V%"}},`
	there := strings.TrimSuffix(uefi, "}") + `,"system":{"id":"debian","version":"12"}}`
	for _, tt := range []struct {
		name, inventory, facts, before string
		want                           Does
		unsure                         bool
	}{
		{"of the facts", uefi, `operatingSystem: {id: debian, version: "12"}`, "", Runs, false},
		{"of the inventory", there, "", "", Runs, false},
		{"the facts win", there, `operatingSystem: {id: debian, version: "11"}`, "", Skips, false},
		{"that is applied", there, `applied: {operatingSystem: {id: debian, version: "12"}}`, applied, Runs, false},
		{"another that is applied", there, `applied: {operatingSystem: {id: debian, version: "13"}}`, applied, Skips, false},
		{"of the inventory, gone", there, "files: {}", applied, Skips, true},
		{"of nobody", uefi, "", "", Skips, true},
	} {
		for _, condition := range []string{`{"query":"SELECT * FROM Win32_OperatingSystem WHERE Version = '12'"}`, `{"operatingSystem":"debian","equals":"12"}`} {
			s, err := sequence.Decode([]byte(`{"format":1,"name":"s","bootImage":"b","steps":[` + tt.before + `{"runCommandLine":{"command":"x","condition":` + condition + `}}]}`))
			if err != nil {
				t.Fatal(err)
			}
			report, err := Simulate(t.Context(), Run{Sequence: s, Machine: machine(t, tt.inventory, tt.facts)})
			if err != nil {
				t.Fatal(err)
			}
			last := report.Lines[len(report.Lines)-1]
			if last.Does != tt.want || (len(last.Warnings) > 0) != tt.unsure {
				t.Errorf("%s: %s: %+v", tt.name, condition, last)
			}
		}
	}
}

// TestDiskVariables: variables change a partition step as they do on the target.
func TestDiskVariables(t *testing.T) {
	for _, tt := range []struct {
		disk      string
		variables map[string]string
		want      string
	}{
		{`"disk":0`, map[string]string{"OSDDiskIndex": "%N%", "N": "1"}, "disk 1 (sda), ata, 1000 GB gpt: primary 100%"},
		{`"disk":0`, map[string]string{"OSDPartitionStyle": "MBR", "OSDPartitions0Type": "Primary", "OSDPartitions0Size": "10"}, "Fast, 512 GB mbr: primary 10MiB"},
		{`"select":{"bus":"nvme"}`, map[string]string{"OSDDiskIndex": "1"}, "selects its disk by what it is"},
		{`"disk":0`, map[string]string{"OSDPartitions1Type": "Primary"}, "OSDPartitions0Type is missing"},
	} {
		s, err := sequence.Decode([]byte(`{"format":1,"name":"s","bootImage":"b","steps":[{"partitionDisk":{` + tt.disk + `,"style":"gpt","volumes":[{"type":"primary","size":"100%"}]}}]}`))
		if err != nil {
			t.Fatal(err)
		}
		report, err := Simulate(t.Context(), Run{Sequence: s, Machine: machine(t, uefi, ""), Variables: tt.variables})
		if err != nil || !strings.Contains(report.Lines[0].Erases+" "+report.Lines[0].Detail+report.Reason, tt.want) {
			t.Errorf("%s with %v: %+v, %v", tt.disk, tt.variables, report, err)
		}
	}
}

// TestDiskVariableOfTwoSteps: OSDDiskIndex is of all steps, and the second one is refused.
func TestDiskVariableOfTwoSteps(t *testing.T) {
	const part = `{"partitionDisk":{"disk":%d,"style":"gpt","volumes":[{"type":"primary","size":"100%%"}]}}`
	s, err := sequence.Decode(fmt.Appendf(nil, `{"format":1,"name":"s","bootImage":"b","steps":[`+part+`,`+part+`]}`, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	for index, want := range map[string]string{"": "", "1": "this one disk 1", "0": "that step names disk 0"} {
		report, err := Simulate(t.Context(), Run{Sequence: s, Machine: machine(t, uefi, ""), Variables: map[string]string{"OSDDiskIndex": index}})
		if err != nil || report.Succeeded != (want == "") || !strings.Contains(report.Lines[len(report.Lines)-1].Detail+report.Reason, want) {
			t.Errorf("%q: %+v, %v", index, report, err)
		}
	}
}

// TestQuestions: an answer is what the agent takes where nobody is asked, and what only a person
// knows is not known.
func TestQuestions(t *testing.T) {
	s, err := sequence.Decode([]byte(`{"format":1,"name":"s","bootImage":"b","questions":[{"variable":"Role","prompt":"?","default":"Office"},{"variable":"Bay","prompt":"?"}],
		"steps":[{"runCommandLine":{"command":"x","condition":{"variable":"Role","equals":"Office"}}},{"runCommandLine":{"command":"x","condition":{"variable":"Bay","equals":"7"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		variables map[string]string
		want      []Does
		unsure    bool
	}{
		{nil, []Does{Runs, Skips}, true},
		{map[string]string{"role": "Ward", "bay": "7"}, []Does{Skips, Runs}, false},
	} {
		report, err := Simulate(t.Context(), Run{Sequence: s, Machine: machine(t, uefi, ""), Variables: tt.variables})
		if err != nil || len(report.Lines) != 2 {
			t.Fatalf("%+v, %v", report, err)
		}
		if got := []Does{report.Lines[0].Does, report.Lines[1].Does}; !cmp.Equal(got, tt.want) || (len(report.Lines[1].Warnings) > 0) != tt.unsure {
			t.Errorf("%v: %+v", tt.variables, report.Lines)
		}
	}
}

func TestParse(t *testing.T) {
	for _, bad := range []string{"x", "[]", `{"disks":[{"number":"one"}]}`} {
		if _, err := ParseInventory([]byte(bad)); err == nil {
			t.Errorf("inventory %s was taken", bad)
		}
	}
	for _, bad := range []string{"files: {/x: tomorrow}", "operatingsystem: {}", "- a", "", "a: [", "applied: {applied: {}}"} {
		if f, err := ParseFacts([]byte(bad)); err == nil {
			t.Errorf("facts %q were taken: %+v", bad, f)
		}
	}
	f, err := ParseFacts([]byte("files:\n  /a:\n  /b: 2026-01-02T03:04:05Z\nfolders: {}"))
	if err != nil || len(f.Files) != 2 || f.Folders == nil || fmt.Sprint(f.Files["/b"].Year()) != "2026" {
		t.Errorf("%+v, %v", f, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(uefi))
	f.Add([]byte("operatingSystem: {id: debian}\nfiles: {/etc/old: \"\"}\napplied: {software: {samba: \"2\"}}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = ParseInventory(b)
		if facts, err := ParseFacts(b); (facts == nil) == (err == nil) {
			t.Errorf("%v, %v", facts, err)
		}
	})
}

// FuzzSimulate: every valid sequence comes to an end, and nothing is told twice of a node.
func FuzzSimulate(f *testing.F) {
	f.Add([]byte(`{"format":1,"name":"s","steps":[{"group":"g","condition":{"variable":"A","equals":"%B%"},"steps":[{"setupOperatingSystem":{}}]},{"runCommandLine":{"command":"x","retry":{"count":3}}}]}`), "x")
	f.Add([]byte(`{"format":1,"name":"s","variables":{"OSDDiskIndex":"1","SMSTSRebootRequested":"WinPE"},"steps":[{"partitionDisk":{"style":"gpt","volumes":[{"type":"primary","size":"100%"}]}}]}`), "1")
	f.Fuzz(func(t *testing.T, b []byte, fail string) {
		s, err := sequence.Decode(b)
		if err != nil {
			return
		}
		report, err := Simulate(t.Context(), Run{Sequence: s, Machine: Machine{}, Fail: []string{fail}})
		if err != nil {
			return
		}
		if len(report.Lines) > len(s.Flatten())+maxRestarts+1 {
			t.Errorf("%d lines for %d nodes", len(report.Lines), len(s.Flatten()))
		}
		if !report.Succeeded && report.Reason == "" {
			t.Error("it fails without a reason")
		}
	})
}

// TestTwoDisks: a second disk leaves the system on the first one; the same disk again does not.
func TestTwoDisks(t *testing.T) {
	partition := func(disk, variable string) string {
		return `{"partitionDisk":{"disk":` + disk + `,"style":"gpt","volumes":[{"type":"primary","size":"100%","fileSystem":"ext4","variable":"` + variable + `"}]}},`
	}
	for second, want := range map[string]string{"1": "", "0": "no operating system was applied"} {
		s, err := sequence.Decode([]byte(`{"format":1,"name":"s","bootImage":"b","steps":[` + partition("0", "OSDisk") + `{"applyOperatingSystem":{"image":"i","to":"%OSDisk%"}},` + partition(second, "Data") + `{"setupOperatingSystem":{}}]}`))
		if err != nil {
			t.Fatal(err)
		}
		report, err := Simulate(t.Context(), Run{Sequence: s, Machine: machine(t, uefi, "")})
		if err != nil || report.Succeeded != (want == "") || !strings.Contains(report.Reason, want) {
			t.Errorf("second disk %s: %+v, %v", second, report, err)
		}
	}
}
