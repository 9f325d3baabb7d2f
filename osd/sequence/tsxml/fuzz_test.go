package tsxml

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd/sequence"
)

// FuzzImport: what comes in validates, goes out as it was unless a warning says that something was
// stripped, and comes in again as the same.
func FuzzImport(f *testing.F) {
	goldens, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(goldens) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range goldens {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(sample(product, toolkit, scripted)))
	f.Add([]byte(`<I><V><![CDATA[` + sample(product) + `]]></V></I>`))
	f.Add([]byte(sample(`<group name="a"><step name="Password"><defaultVarList><variable name="Password">1</variable></defaultVarList></step></group>`)))
	f.Fuzz(func(t *testing.T, src []byte) {
		r, err := Import(bytes.NewReader(src), "")
		if err != nil {
			return
		}
		if err := r.Sequence.Validate(); err != nil {
			t.Fatalf("the import does not validate: %v", err)
		}
		out, err := Export(r.Sequence)
		if err != nil {
			t.Fatalf("export: %v", err)
		}
		stripped := false
		for _, w := range r.Warnings {
			stripped = stripped || strings.Contains(w.Text, "stripped")
		}
		if ok, difference := Equal(src, out); !ok && !stripped {
			t.Fatalf("the export differs: %s\n%s", difference, out)
		}
		again, err := Import(bytes.NewReader(out), r.Sequence.Name)
		if err != nil {
			t.Fatalf("again: %v\n%s", err, out)
		}
		if diff := cmp.Diff(bare(r.Sequence), bare(again.Sequence)); diff != "" {
			t.Fatalf("again (-first +second):\n%s", diff)
		}
		anew(t, r.Sequence)
		touched(t, r.Sequence.Steps, bare(r.Sequence))
	})
}

// touched: what every node can have is changed, and comes in again as it is now.
func touched(t *testing.T, kept []sequence.Node, s *sequence.Sequence) {
	var change func(nodes, kept []sequence.Node)
	change = func(nodes, kept []sequence.Node) {
		for i := range nodes {
			if g := nodes[i].Group; g != nil {
				g.Imported, g.Name, g.Description, g.ContinueOnError = kept[i].Group.Imported, "Changed", "", !g.ContinueOnError
				change(g.Steps, kept[i].Group.Steps)
				continue
			}
			o := nodes[i].Step.Common()
			o.Imported, o.Name, o.Description, o.Condition = kept[i].Step.Common().Imported, "Changed", "Now <\n>", nil
			if _, ok := nodes[i].Step.(*sequence.Unknown); !ok {
				o.Disabled = !o.Disabled
			}
		}
	}
	change(s.Steps, kept)
	out, err := Export(s)
	if err != nil {
		t.Fatalf("export of changes: %v", err)
	}
	again, err := Import(bytes.NewReader(out), s.Name)
	if err != nil {
		t.Fatalf("changes: %v\n%s", err, out)
	}
	if diff := cmp.Diff(bare(s).Steps, bare(again.Sequence).Steps); diff != "" {
		t.Fatalf("changes (-want +got):\n%s\n%s", diff, out)
	}
}

// anew: without kept XML a sequence is written as one that comes in again, or refused by name.
func anew(t *testing.T, s *sequence.Sequence) {
	out, err := Export(bare(s))
	if err != nil {
		if !strings.Contains(err.Error(), "XML has no place for") {
			t.Fatal(err)
		}
		return
	}
	if _, err := Import(bytes.NewReader(out), s.Name); err != nil {
		t.Fatalf("written anew: %v\n%s", err, out)
	}
}
