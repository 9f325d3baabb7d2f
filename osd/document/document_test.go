package document

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

func ward(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/ward.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecode(t *testing.T) {
	objects, err := Decode("ward.yaml", ward(t))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []osd.Kind
	for _, o := range objects {
		kinds = append(kinds, o.ObjectKind())
	}
	if d := cmp.Diff([]osd.Kind{osd.KindComputer, osd.KindTaskSequence, osd.KindAdvertisement}, kinds); d != "" {
		t.Fatal(d)
	}
	s := objects[1].(*sequence.Sequence)
	if !s.Destructive() || len(s.Flatten()) != 7 {
		t.Errorf("destructive %v, %d nodes", s.Destructive(), len(s.Flatten()))
	}
	want := []sequence.Reference{
		{Kind: osd.KindBootImage, Name: "linux-x64", Field: "bootImage"},
		{Kind: osd.KindImage, Name: "debian-12", Field: "steps[0].steps[2].applyOperatingSystem.image"},
		{Kind: osd.KindPackage, Name: sequence.ImagingTools, Field: "steps[0].steps[2].applyOperatingSystem"},
	}
	if d := cmp.Diff(want, s.References()); d != "" {
		t.Error(d)
	}
	if a := objects[2].(*osd.Advertisement); a.StartTime().Year() != 2026 || a.ConfirmedMachines != 2 {
		t.Errorf("advertisement: %+v", a)
	}
}

// TestRoundTrip: YAML to JSON and back, and to YAML and back, is the same
// version of the sequence.
func TestRoundTrip(t *testing.T) {
	objects, err := Decode("ward.yaml", ward(t))
	if err != nil {
		t.Fatal(err)
	}
	s := objects[1].(*sequence.Sequence)
	first, err := s.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	again, err := sequence.Decode(first)
	if err != nil {
		t.Fatal(err)
	}
	second, _ := again.Canonical()
	if d := cmp.Diff(string(first), string(second)); d != "" {
		t.Error(d)
	}
	text, err := s.EncodeYAML()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode("again.yaml", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	third, _ := back[0].(*sequence.Sequence).Canonical()
	if d := cmp.Diff(string(first), string(third)); d != "" {
		t.Error(d)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ name, yaml, want string }{
		{"kind", "name: x\n", `f.yaml:1:1: kind: the kind is missing`},
		{"unknown kind", "kind: Komputer\n", `f.yaml:1:7: kind: "Komputer" is no kind of object`},
		{"unknown key", "kind: Computer\nname: pc\nmac: [x]\n", `f.yaml:3:1: Computer "pc": mac: the key "mac" is not known`},
		{"bad MAC", "kind: Computer\nname: pc\nmacs:\n  - 52:54:00:12:34:56\n  - nonsense\n", `f.yaml:5:5: Computer "pc": macs[1]: "nonsense"; give six bytes`},
		{"twice", "kind: Computer\nname: pc\nname: pd\n", `f.yaml:3:1: name: the key stands here twice`},
		{"alias", "kind: Computer\nname: &a pc\ncomment: *a\n", `f.yaml:2:7: Computer "": name: anchors and aliases`},
		{"no number", "kind: Advertisement\nname: a\ncollection: c\nsequence: s\ngrantDays: many\n", `f.yaml:5:12: Advertisement "a": grantDays: "many" is no whole number`},
		{"second document", "kind: Computer\nname: pc\nmacs: [52:54:00:12:34:56]\n---\nkind: Box\nname: a b\n", `f.yaml:6:1: Box "a b": name: "a b"`},
		{"syntax", "kind: [Computer\n", `f.yaml:2:`},
		{"unknown step", "kind: TaskSequence\nname: s\nsteps:\n  - eraseEverything: {}\n", `f.yaml:4:5: TaskSequence "s": steps[0].eraseEverything: the type of step "eraseEverything" is not known`},
		{"empty step", "kind: TaskSequence\nname: s\nsteps:\n  - setupOperatingSystem:\n", `steps[0].setupOperatingSystem: the step has nothing below it`},
		{"style", "kind: TaskSequence\nname: s\nsteps:\n  - partitionDisk:\n      style: gtp\n      volumes: [{type: primary, size: 100%}]\n", `f.yaml:5:7: TaskSequence "s": steps[0].partitionDisk.style: "gtp"; give gpt or mbr`},
		{"bus", "kind: TaskSequence\nname: s\nsteps:\n  - partitionDisk:\n      style: gpt\n      select: {bus: sata}\n      volumes: [{type: primary, size: 100%}]\n", `steps[0].partitionDisk.select.bus: "sata"; give one of ata, nvme`},
		{"size", "kind: TaskSequence\nname: s\nsteps:\n  - partitionDisk:\n      style: gpt\n      volumes: [{type: primary, size: 100}]\n", `f.yaml:6:33: TaskSequence "s": steps[0].partitionDisk.volumes[0].size: "100"`},
		{"read-only", "kind: TaskSequence\nname: s\nsteps:\n  - setTaskSequenceVariable: {variable: _SMSTSMP, value: x}\n", `variable: "_SMSTSMP"`},
		{"two types", "kind: TaskSequence\nname: s\nsteps:\n  - setupOperatingSystem: {}\n    restartComputer: {to: installedOS}\n", `a step has one type`},
		{"condition", "kind: TaskSequence\nname: s\nsteps:\n  - setupOperatingSystem: {condition: {variable: x}}\n", `f.yaml:4:28: TaskSequence "s": steps[0].setupOperatingSystem.condition`},
		{"query", "kind: TaskSequence\nname: s\nsteps:\n  - setupOperatingSystem: {condition: {query: SELECT}}\n", "the name of a column is missing"},
		{"condition", "kind: TaskSequence\nname: s\nsteps:\n  - setupOperatingSystem: {condition: {wmi: SELECT}}\n", `the key "wmi" is not known`},
		{"duration", "kind: TaskSequence\nname: s\nsteps:\n  - runCommandLine: {command: ls, timeout: 5}\n", `"5" is no duration`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			objects, err := Decode("f.yaml", []byte(tt.yaml))
			var errs Errors
			if !errors.As(err, &errs) || objects != nil {
				t.Fatalf("got %v, %v; want Errors", objects, err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestEmpty(t *testing.T) {
	for _, text := range []string{"", "---\n", "# nothing\n"} {
		if o, err := Decode("f", []byte(text)); len(o) != 0 || err != nil {
			t.Errorf("%q: %v, %v", text, o, err)
		}
	}
}

// FuzzDecode holds that what is taken survives a round trip, and that nothing
// makes the reader panic.
func FuzzDecode(f *testing.F) {
	f.Add(ward(f))
	f.Add([]byte("kind: Computer\nname: pc\nmacs: [52:54:00:12:34:56]\n"))
	f.Add([]byte("kind: TaskSequence\nname: s\nsteps:\n  - group: g\n    condition: {any: [{variable: a, like: 'x*'}]}\n    steps: [{restartComputer: {to: bootImage, delay: 3s}}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		objects, err := Decode("f", data)
		if err != nil {
			return
		}
		for _, o := range objects {
			s, ok := o.(*sequence.Sequence)
			if !ok {
				continue
			}
			first, err := s.Canonical()
			if err != nil {
				t.Fatal(err)
			}
			again, err := sequence.Decode(first)
			if err != nil {
				t.Fatalf("%v\n%s", err, first)
			}
			second, _ := again.Canonical()
			if string(first) != string(second) {
				t.Errorf("%s\n%s", first, second)
			}
		}
	})
}
