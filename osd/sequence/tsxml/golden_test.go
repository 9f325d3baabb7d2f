package tsxml

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGoldens imports the documents of testdata, which were written for it after the manner of the
// product and of the deployment toolkit.
func TestGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d documents, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := mustImport(t, string(src))
			mustEqual(t, string(src), mustExport(t, r.Sequence))
			var got bytes.Buffer
			for _, w := range r.Warnings {
				got.WriteString("# " + w.String() + "\n")
			}
			yaml, err := r.Sequence.EncodeYAML()
			if err != nil {
				t.Fatal(err)
			}
			got.Write(yaml)
			golden := strings.TrimSuffix(file, ".xml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
