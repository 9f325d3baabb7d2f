//go:build system

package systemtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bootward/bootward/lab"
)

// TestScenario plays every scenario of `bootward lab run --scenario`, each from
// nothing: its own site, ward and box. `make scenarios` runs it.
func TestScenario(t *testing.T) {
	for _, s := range lab.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			err := lab.RunScenario(t.Context(), lab.Options{
				Scenario: s.Name, Kit: provided(t, "BOOTWARD_KIT"), Bin: provided(t, "BOOTWARD_BIN"), Cache: provided(t, "BOOTWARD_CACHE"),
				Dir: filepath.Join(provided(t, "BOOTWARD_CACHE"), "..", "scenarios", s.Name), Name: "scenario",
				Ward: "../../examples/ward", Out: os.Stdout,
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
