package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/lab"
)

// said is what scenarios wait for in the words of the site, by scenario and file.
var said = map[string]string{
	"disks/2-unconfirmed-refused.yaml": `"Records PC" would erase, and 0 are confirmed`,
	"disks/3-confirmed.yaml":           "1 machines may be erased once: records-1",
	"disks/4-changed.yaml":             `the grants of advertisement "Records are set up" are for the earlier version`,
}

// TestScenarioObjects holds that the site takes the files of every scenario on
// top of the objects of the ward, in their order, and refuses those that the
// scenario says it refuses.
func TestScenarioObjects(t *testing.T) {
	for _, s := range lab.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			docs, err := s.Documents()
			if err != nil {
				t.Fatal(err)
			}
			if len(docs) == 0 {
				return // the objects of the ward, which TestWard applies
			}
			r := newRig(t)
			r.imports()
			r.want(exitDone, "apply", "-f", example, "--accept-missing")
			for _, d := range docs {
				file := filepath.Join(t.TempDir(), d.Name)
				if err := os.WriteFile(file, []byte(d.YAML), 0o644); err != nil {
					t.Fatal(err)
				}
				code := exitDone
				if d.Refused {
					code = exitRefused
				}
				out, errs := r.want(code, "apply", "-f", file, "--accept-missing")
				if want := said[s.Name+"/"+d.Name]; !strings.Contains(out+errs, want) {
					t.Errorf("%s: the site does not say %q but %s%s", d.Name, want, out, errs)
				}
			}
		})
	}
}

func TestScenarioFlag(t *testing.T) {
	r := &rig{t: t}
	for _, list := range []string{"list", "help"} {
		if out, _ := r.want(exitDone, "lab", "run", "--scenario", list); !strings.Contains(out, "twin-guid  ") {
			t.Errorf("%s: %s", list, out)
		}
	}
	out, _ := r.want(exitDone, "--json", "lab", "run", "--scenario", "list")
	var all []listedScenario
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != len(lab.Scenarios()) {
		t.Errorf("as JSON: %v: %s", err, out)
	}
	if _, errs := r.want(exitUsage, "lab", "run", "--scenario", "fire"); !strings.Contains(errs, "new-system, unknown-approval") {
		t.Errorf("an unknown name: %s", errs)
	}
	if _, errs := r.want(exitUsage, "lab", "run", "--scenario", "cut-line", "--nic", "e1000"); !strings.Contains(errs, "--nic") {
		t.Errorf("a flag of the ward's machines: %s", errs)
	}
	if out, _ := r.want(exitDone, "__complete", "lab", "run", "--scenario", ""); !strings.Contains(out, "wrong-advertisement\t") {
		t.Errorf("completion: %s", out)
	}
}

// TestScenarioXML holds that what the scenario disks imports can be applied, and warns of what it does not know.
func TestScenarioXML(t *testing.T) {
	r := newRig(t)
	r.imports()
	file := filepath.Join(t.TempDir(), "imported.yaml")
	_, errs := r.want(exitDone, "sequence", "import", "../../lab/scenarios/disks/imported.xml", "--boot-image", "linux-x64", "-o", file)
	for _, want := range []string{"InstallApplicationAction are not known: it is kept, disabled", `the image "WRD00021" of the other site`} {
		if !strings.Contains(errs, want) {
			t.Errorf("the import does not say %q: %s", want, errs)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(b), "WRD00021", "debian-12")), 0o644); err != nil {
		t.Fatal(err)
	}
	r.want(exitDone, "apply", "-f", file, "--accept-missing")
}
