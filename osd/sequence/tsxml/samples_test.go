//go:build samples

package tsxml

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/osd/sequence"
)

// TestSamples imports and exports each document of the folder that BOOTWARD_TSXML names: public
// samples, which are not part of this repository (docs/results/tsxml-samples.md). It prints one
// line for each.
func TestSamples(t *testing.T) {
	folder := os.Getenv("BOOTWARD_TSXML")
	if folder == "" {
		t.Fatal("BOOTWARD_TSXML names no folder with samples")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.xml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples in %s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { checkSample(t, file) })
	}
}

func checkSample(t *testing.T, file string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Import(strings.NewReader(string(raw)), "")
	if err != nil {
		t.Logf("| %s | refused: %v |", filepath.Base(file), err)
		return
	}
	groups, steps, unknown := 0, 0, map[string]int{}
	for _, line := range r.Sequence.Flatten() {
		switch s := line.Node.Step.(type) {
		case nil:
			groups++
		case *sequence.Unknown:
			steps++
			unknown[s.XML]++
		default:
			steps++
		}
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		names = append(names, fmt.Sprintf("%s %d", name, unknown[name]))
	}
	out, err := Export(r.Sequence)
	if err != nil {
		t.Fatal(err)
	}
	equal, difference := Equal(raw, out)
	t.Logf("| %s | %d | %d | %s | %d | %t |", filepath.Base(file), groups, steps, strings.Join(names, ", "), len(r.Warnings), equal)
	stripped := slices.ContainsFunc(r.Warnings, func(w Warning) bool { return strings.Contains(w.Text, "stripped") })
	if !equal && !stripped {
		t.Error(difference)
	}
	if os.Getenv("BOOTWARD_TSXML_WARNINGS") != "" {
		for _, w := range r.Warnings {
			t.Log(w)
		}
	}
}
