package foresight

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/osd/sequence"
)

// pc is an OptiPlex that runs a boot image.
type pc struct{}

func (pc) Changed(path string, _ bool) (time.Time, bool, error) {
	return time.Time{}, path == "/there", nil
}
func (pc) OperatingSystem() (string, string, bool, error) { return "", "", false, nil }
func (pc) Software(string) (string, bool, error)          { return "", false, nil }
func (pc) Query(text string) (bool, string, error) {
	return strings.Contains(text, "OptiPlex"), "", nil
}

const (
	truth     = `"condition":{"variable":"_SMSTSBootUEFI","equals":"true"}`
	falsehood = `"condition":{"variable":"_SMSTSBootUEFI","equals":"false"}`
	volumes   = `"style":"gpt","volumes":[{"type":"primary","size":"100%","fileSystem":"ext4"}]`
)

// part is a partition step for a disk.
func part(disk int, options string) string {
	if options != "" {
		options = "," + options
	}
	return fmt.Sprintf(`{"partitionDisk":{"name":"P%d","disk":%d,%s%s}}`, disk, disk, volumes, options)
}

func run(options string) string {
	if options != "" {
		options = "," + options
	}
	return `{"runCommandLine":{"name":"Ask","command":"x"` + options + `}}`
}

func set(name, value, options string) string {
	if options != "" {
		options = "," + options
	}
	return fmt.Sprintf(`{"setTaskSequenceVariable":{"name":"Set","variable":%q,"value":%q%s}}`, name, value, options)
}

func when(variable, value string) string {
	return fmt.Sprintf(`"condition":{"variable":%q,"equals":%q}`, variable, value)
}

func group(options string, steps ...string) string {
	if options != "" {
		options = "," + options
	}
	return `{"group":"G"` + options + `,"steps":[` + strings.Join(steps, ",") + `]}`
}

func TestDisk(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps []string
		want  string // the disk, or a part of the error
	}{
		{"no condition", []string{part(1, "")}, "disk 1"},
		{"the first that applies", []string{part(0, falsehood), part(1, truth), part(2, "")}, "disk 1"},
		{"behind a download", []string{`{"downloadPackageContent":{"packages":["P"],"variable":"DL"}}`, part(1, truth)}, "disk 1"},
		{"by the folder of a download", []string{`{"downloadPackageContent":{"name":"Get","packages":["P"],"variable":"DL"}}`, part(1, when("DL01", "x"))}, `"Get" sets DL01`},
		{"disabled", []string{part(0, `"disabled":true`), part(1, "")}, "disk 1"},
		{"in a group that is disabled", []string{group(`"disabled":true`, part(0, "")), part(1, "")}, "disk 1"},
		{"in a group that does not apply", []string{group(falsehood, part(0, truth)), part(1, "")}, "disk 1"},
		{"groups in a group that does not apply", []string{group(falsehood, group("", part(0, ""))), part(1, "")}, "disk 1"},
		{"in a group that applies", []string{group(truth, part(0, "")), part(1, "")}, "disk 0"},
		{"hardware", []string{part(0, `"condition":{"query":"SELECT * FROM Win32_ComputerSystem WHERE Model LIKE 'Latitude%'"}`), part(1, `"condition":{"query":"SELECT * FROM Win32_ComputerSystem WHERE Model LIKE 'OptiPlex%'"}`)}, "disk 1"},
		{"a file of the boot image", []string{part(0, `"condition":{"file":"/nowhere"}`), part(1, `"condition":{"file":"/there"}`)}, "disk 1"},
		{"none", []string{part(0, falsehood)}, "no partition step"},
		{"a variable of the computer", []string{part(0, when("Ward", "7")), part(1, "")}, "disk 0"},

		{"a variable that a command sets", []string{run(`"outputVariable":"X"`), part(0, when("X", "1")), part(1, "")}, `step 2 "P0" depends on what is known later: step 1 "Ask" sets X`},
		{"the same, around it", []string{run(`"outputVariable":"X"`), group(when("X", "1"), part(0, "")), part(1, "")}, "Ask"},
		{"the same, by way of another", []string{run(`"outputVariable":"X"`), set("Y", "a%X%", ""), part(0, when("Y", "a1")), part(1, "")}, "sets Y"},
		{"the same, on the right side", []string{run(`"outputVariable":"X"`), part(0, when("Ward", "%X%")), part(1, "")}, "sets X"},
		{"the same, in a query", []string{run(`"outputVariable":"X"`), part(0, `"condition":{"query":"SELECT * FROM Win32_BIOS WHERE SerialNumber = '%X%'"}`), part(1, "")}, "sets X"},
		{"the same, in a rule", []string{run(`"outputVariable":"X"`), `{"setDynamicVariables":{"name":"Rules","rules":[{` + when("X", "1") + `,"variables":{"Y":"1"}}]}}`, part(0, when("Y", "1")), part(1, "")}, "Rules"},
		{"a file that a command may make", []string{run(""), part(0, `"condition":{"file":"/there"}`), part(1, "")}, "Ask"},
		{"whether the last step succeeded", []string{run(`"continueOnError":true`), part(0, when("_SMSTSLastActionSucceeded", "true")), part(1, "")}, "_SMSTSLastActionSucceeded"},
		{"the disk's number", []string{run(`"outputVariable":"OSDDiskIndex"`), part(0, "")}, "OSDDiskIndex"},
		{"the layout", []string{run(`"outputVariable":"OSDPartitions0Size"`), part(0, "")}, "sets OSDPartitions0Size"},
		{"the layout, by way of another", []string{run(`"outputVariable":"X"`), set("OSDPartitions0Size", "%X%", ""), part(0, "")}, "sets OSDPartitions0Size"},
		{"the layout, set for certain", []string{set("OSDPartitions0Type", "primary", ""), part(1, "")}, "disk 1"},
		{"a step that may set anything", []string{`{"captureNetworkSettings":{"adapters":true}}`, part(0, when("Ward", "7"))}, "Capture Network Settings"},
		{"what a check of readiness found", []string{`{"checkReadiness":{"name":"Check","memory":"4GiB","continueOnError":true}}`, part(0, when("_TS_CRMEMORY", "1")), part(1, "")}, `"Check" sets _TS_CRMEMORY`},
		{"a condition that cannot be judged", []string{set("Loop", "%Loop%x", ""), part(0, when("Ward", "%Loop%")), part(1, "")}, "without end"},

		{"an open question of another step", []string{run(`"outputVariable":"X"`), set("Y", "1", when("X", "1")), part(1, when("Ward", "7"))}, "disk 1"},
		{"a command beside hardware", []string{run(""), part(0, falsehood), part(1, "")}, "disk 1"},
		{"open, and closed by another", []string{run(`"outputVariable":"X"`), part(0, `"condition":{"all":[{"variable":"X","equals":"1"},{"variable":"Ward","equals":"8"}]}`), part(1, `"condition":{"any":[{"variable":"X","equals":"1"},{"variable":"Ward","equals":"7"}]}`)}, "disk 1"},
		{"open, and negated", []string{run(`"outputVariable":"X"`), part(0, `"condition":{"none":[{"variable":"X","equals":"1"}]}`), part(1, "")}, "sets X"},
		{"closed, and negated", []string{run(`"outputVariable":"X"`), part(0, `"condition":{"none":[{"variable":"X","equals":"1"},{"variable":"Ward","equals":"7"}]}`), part(1, "")}, "disk 1"},
		{"a variable that is set for certain", []string{set("X", "%Ward%1", ""), part(0, when("X", "1")), part(1, when("X", "71"))}, "disk 1"},
		{"the disk's number, set for certain", []string{set("OSDDiskIndex", "2", truth), part(0, "")}, "disk 2"},
		{"the disk's number, which holds a secret", []string{`{"setTaskSequenceVariable":{"variable":"Pin","value":"2","secret":true}}`, set("OSDDiskIndex", "2", ""), part(0, "")}, "OSDDiskIndex is secret"},
		{"the disk's number, perhaps set", []string{run(`"outputVariable":"X"`), set("OSDDiskIndex", "2", when("X", "1")), part(0, "")}, "OSDDiskIndex"},
		{"set by a command, and again for certain", []string{run(`"outputVariable":"X"`), set("X", "1", ""), part(0, when("X", "1"))}, "disk 0"},
		{"anything, and again for certain", []string{`{"captureNetworkSettings":{"adapters":true}}`, set("X", "1", ""), set("OSDDiskIndex", "1", ""), part(0, when("X", "1"))}, "disk 1"},
		{"rules", []string{`{"setDynamicVariables":{"rules":[{` + truth + `,"variables":{"A":"1"}},{` + falsehood + `,"variables":{"A":"2"}}]}}`, part(0, when("A", "2")), part(1, when("A", "1"))}, "disk 1"},
		{"steps that do not run", []string{run(`"outputVariable":"Ward","disabled":true`), run(`"outputVariable":"Ward",` + falsehood), part(0, when("Ward", "7"))}, "disk 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seq, err := sequence.Decode([]byte(`{"format":1,"name":"s","steps":[` + strings.Join(tt.steps, ",") + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			env := sequence.NewEnvironment()
			for name, value := range map[string]string{"_SMSTSBootUEFI": "true", "Ward": "7"} {
				if err := env.SetReadOnly(name, value); err != nil {
					t.Fatal(err)
				}
			}
			before := fmt.Sprint(env.All())
			var disks []disk.Disk
			for i := range 3 {
				disks = append(disks, disk.Disk{Name: fmt.Sprintf("sd%c", 'a'+i), Number: i, Size: 1 << 40})
			}
			got, _, err := Disk(seq, env, pc{}, disks)
			if text := fmt.Sprintf("disk %d %v", got.Number, err); !strings.Contains(text, tt.want) || strings.HasPrefix(tt.want, "disk ") != (err == nil) {
				t.Errorf("got %s, want %s", text, tt.want)
			}
			if fmt.Sprint(env.All()) != before {
				t.Error("the variables were changed")
			}
		})
	}
}

// TestManyValues: variables that name each other many times over are looked at once each.
func TestManyValues(t *testing.T) {
	env := sequence.NewEnvironment()
	for i := range 200 {
		if err := env.Set(fmt.Sprintf("V%d", i), strings.Repeat(fmt.Sprintf("%%V%d%%", i+1), 10)); err != nil {
			t.Fatal(err)
		}
	}
	f := &future{env: env, later: map[string]string{"v200": "known later"}, sure: map[string]bool{}}
	if why := f.doubt("V0", map[string]bool{}); why != "known later" {
		t.Errorf("got %q", why)
	}
	delete(f.later, "v200")
	if why := f.doubt("V0", map[string]bool{}); why != "" {
		t.Errorf("got %q", why)
	}
}

// TestLayout: the person is shown the disk and the layout that the step takes, variables
// among them; wrong variables stop it before he is asked.
func TestLayout(t *testing.T) {
	disks := []disk.Disk{{Name: "vda", Number: 0, Size: 8 << 30}, {Name: "vdb", Number: 1, Size: 8 << 30}}
	seq := &sequence.Sequence{Steps: []sequence.Node{{Step: &sequence.PartitionDisk{Style: "gpt", Volumes: []sequence.Volume{
		{Name: "System", Type: "primary", Size: "100%", FileSystem: "ext4"}, {Type: "primary", Size: "1GiB", FileSystem: "swap", Encryption: &sequence.Encryption{}}}}}}}
	for _, tt := range []struct {
		variables    map[string]string
		disk, layout string
	}{
		{nil, "vda", "gpt: System 100% ext4, 1GiB swap encrypted"},
		{map[string]string{"OSDDiskIndex": "1", "OSDPartitionStyle": "MBR"}, "vdb", "mbr: System 100% ext4, 1GiB swap encrypted"},
		{map[string]string{"OSDDiskIndex": "one"}, "", ""},
		{map[string]string{"OSDPartitions0Type": "Primary"}, "", ""}, // the encrypted one would be lost
	} {
		env := sequence.NewEnvironment()
		for name, value := range tt.variables {
			if err := env.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
		d, made, err := Disk(seq, env, pc{}, disks)
		if d.Name != tt.disk || (err == nil) != (tt.disk != "") || err == nil && step.Layout(made) != tt.layout {
			t.Errorf("%v: %q, %+v, %v", tt.variables, d.Name, made, err)
		}
	}
}
