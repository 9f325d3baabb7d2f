package template

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/lint"
)

var update = flag.Bool("update", false, "write the golden files")

// TestTemplates: what is written is what the golden files hold, it can be applied, and lint has
// nothing to say of it.
func TestTemplates(t *testing.T) {
	domain := Options{Name: `Ward "PC": 50%`, Domain: "ward.example.org", OU: "OU=Wards,DC=example,DC=org", Account: `WARD\join`, Secret: "ward join", Image: "null", BootImage: "linux-arm64"}
	for _, tt := range []struct {
		name    string
		kind    Kind
		options Options
	}{
		{"install", Install, Options{}},
		{"install-domain", Install, domain},
		{"capture", Capture, Options{Destination: `\\server\share\x.wim`}},
		{"custom", Custom, Options{}},
		{"custom-booted", Custom, Options{BootImage: "linux-x64", Name: "On"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := New(tt.kind, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", tt.name+".yaml")
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
			objects, err := document.Decode(golden, got)
			if err != nil || len(objects) != 1 {
				t.Fatal(objects, err)
			}
			s := objects[0].(*sequence.Sequence)
			if found := lint.Lint(s, lint.Around{}); len(found) > 0 {
				t.Errorf("%+v", found)
			}
			if tt.options.Name != "" && s.Name != tt.options.Name || tt.options.BootImage != "" && s.BootImage != tt.options.BootImage {
				t.Errorf("name %q, boot image %q", s.Name, s.BootImage)
			}
			disabledSay(t, string(got), s)
		})
	}
}

// disabledSay: steps that cannot run are disabled, and a comment says when they can be enabled.
func disabledSay(t *testing.T, text string, s *sequence.Sequence) {
	t.Helper()
	missing := false
	s.Walk(func(path string, n sequence.Node) {
		cannot := func(n sequence.Node) bool { return n.Step != nil && n.Step.Type().Missing() != "" }
		missing = missing || cannot(n)
		if n.Group != nil && n.Group.Disabled && !slices.ContainsFunc(n.Group.Steps, cannot) {
			t.Errorf("%s: every step of the group can run now: enable it, and take out the comment", path)
		}
		if n.Step != nil && n.Step.Type() == sequence.TypeAutoApplyDrivers && n.Step.Common().Disabled != cannot(n) {
			t.Errorf("%s: the step can run now: enable it, and take out the comment", path)
		}
	})
	if missing && !strings.Contains(text, "This version") {
		t.Error("no comment says what this version cannot do")
	}
}

func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		kind    Kind
		options Options
		want    string
	}{
		{"other", Options{}, "install, capture and custom"},
		{Install, Options{Domain: "x"}, "account"},
		{Install, Options{OU: "x"}, "domain"},
		{Install, Options{Domain: "x", Account: "y", Workgroup: "z"}, "without a workgroup"},
	} {
		if _, err := New(tt.kind, tt.options); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want %q", tt, err, tt.want)
		}
	}
}
