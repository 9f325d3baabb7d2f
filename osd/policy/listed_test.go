package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/bootward/bootward/osd"
)

// listing is a ward whose available sequence installs the list AA.
func listing(variables map[string]string) *Snapshot {
	s := ward()
	s.Advertisements[0].Collection = "Ward"
	s.Sequences[1].Lists, s.Sequences[1].Document = []string{"AA"}, json.RawMessage(`{"variables":{"AA001":"Office:Install","Which":"Install","Office":"Office"}}`)
	s.Collections[0].Variables = variables
	s.Packages = []osd.Package{
		{Meta: osd.Meta{ID: "P1", Name: "Office"}, Content: osd.Content{Manifest: "m1"}, Programs: []osd.Program{{Name: "Install", Command: "x"}}},
		{Meta: osd.Meta{ID: "P2", Name: "A: viewer"}, Content: osd.Content{Manifest: "m2"}, Programs: []osd.Program{{Name: "Install", Command: "x"}}},
	}
	return s
}

// TestListed: a machine begins nothing that would fail at the end because of what its variables
// list; what is only known while the sequence runs is left to it.
func TestListed(t *testing.T) {
	for _, tt := range []struct {
		name      string
		variables map[string]string
		packages  string
		want      string // the reason of the refusal
	}{
		{"of the sequence", nil, "P1", ""},
		{"of the collection too", map[string]string{"aa002": "A: viewer:install"}, "P1 P2", ""},
		{"which wins", map[string]string{"AA001": "P2:Install"}, "P2", ""},
		{"by another variable", map[string]string{"AA002": "P2:%Which%"}, "P1 P2", ""},
		{"by a variable that is not known yet", map[string]string{"AA002": "%Nothing%:Install"}, "P1", ""},
		{"of another list", map[string]string{"AB001": "Nothing:Install", "AA01": "x", "AA000": "y"}, "P1", ""},
		{"no such package", map[string]string{"AA002": "Nothing:Install"}, "P1", `variable AA002 lists package "Nothing", which is not in this box's policy`},
		{"no such program", map[string]string{"AA002": "Office:Remove"}, "P1", `variable AA002 lists program "Remove", which package "Office" has not`},
		{"no entry", map[string]string{"AA002": "Office"}, "P1", "write Package:Program"},
	} {
		s := listing(tt.variables)
		e := New(s, Local{})
		d := e.Evaluate(known(), History{}, now)
		packages, _ := e.Listed(&s.Sequences[1], e.Variables(&d))
		var ids []string
		for _, p := range packages {
			ids = append(ids, p.ID)
		}
		if got := strings.Join(ids, " "); got != tt.packages {
			t.Errorf("%s: packages %s, want %s", tt.name, got, tt.packages)
		}
		why := ""
		for _, r := range d.Refusals {
			if r.Advertisement == "Inventory" {
				why = r.Why
			}
		}
		if (why == "") != (tt.want == "") || !strings.Contains(why, tt.want) {
			t.Errorf("%s: refused with %q, want %q", tt.name, why, tt.want)
		}
		if len(tt.want) > 0 {
			if lacks := strings.Join(e.Ready(func(string) bool { return true }, now)[0].Lacks, "; "); !strings.Contains(lacks, "computer pc-1: ") || !strings.Contains(lacks, tt.want) {
				t.Errorf("%s: ready says %q", tt.name, lacks)
			}
		}
	}
	s := listing(nil)
	r := New(s, Local{}).Ready(func(m string) bool { return m == "boot" }, now)[0]
	if r.Ready || !strings.Contains(strings.Join(r.Lacks, "; "), "computer pc-2: package Office, which its variables list, is not complete") {
		t.Errorf("%+v", r)
	}
}
