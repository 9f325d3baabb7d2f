package architecture

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var (
	packageOfTests = regexp.MustCompile("`([a-z/]+)`((?:[ ,]+(?:Test|Fuzz)[A-Za-z]+)+)")
	nameOfTest     = regexp.MustCompile(`(?:Test|Fuzz)[A-Za-z]+`)
)

// TestNames: docs/security.md names tests that are there, in the packages where
// it says.
func TestNames(t *testing.T) {
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, row := range packageOfTests.FindAllSubmatch(page, -1) {
		files, err := filepath.Glob(filepath.Join("../..", string(row[1]), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var all []byte
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text...)
		}
		for _, name := range nameOfTest.FindAll(row[2], -1) {
			seen++
			if !bytes.Contains(all, append([]byte("func "), append(name, '(')...)) {
				t.Errorf("package %s has no %s", row[1], name)
			}
		}
	}
	if seen < 40 {
		t.Errorf("%d tests are named: the page is read wrongly", seen)
	}
}
