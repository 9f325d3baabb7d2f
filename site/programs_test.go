package site

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bootward/bootward/osd"
)

const office = `kind: Package
name: Office
programs:
  - {name: Install, command: sh install.sh, restartCodes: [100], timeout: 30m}
`

// TestProgramsAreChecked: a program that a sequence or a list names is there, and stays there.
func TestProgramsAreChecked(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward + "---\n" + office)
	install := func(options string) string {
		return "kind: TaskSequence\nname: Soft\nbootImage: linux-x64\nsteps:\n  - installPackage: {" + options + "}\n"
	}
	r.apply(install("list: AA"))
	pc := func(variables string) string {
		return "kind: Collection\nname: Ward 7\nmembers: [ward7-pc1]\nvariables: {" + variables + "}\n"
	}
	id := must[osd.Package](t, r.person(), "GET", "/v1/objects/Package/Office", nil).ID
	for _, tt := range []struct{ name, yaml, want string }{
		{"no such program", install("package: Office, program: Remove"), `package "Office" has no program "Remove"`},
		{"no such package", install("package: Nothing, program: Install"), `there is no Package "Nothing"`},
		{"no such program in a list", pc("AA001: 'Office:Remove'"), `has no program "Remove"`},
		{"the same by its ID", pc("AA001: '" + id + ":Remove'"), `has no program "Remove"`},
		{"no such package in a list", pc("aa001: 'Nothing:Install'"), `there is no Package "Nothing"`},
		{"a list of the sequence itself", strings.Replace(install("list: AA"), "steps:", "variables: {AA001: 'Office:Remove'}\nsteps:", 1), `has no program "Remove"`},
		{"one that a step lists", install("list: AA}\n  - setTaskSequenceVariable: {variable: AA002, value: 'Office:Remove'"), `has no program "Remove"`},
	} {
		if e := r.refuse(tt.yaml); !strings.Contains(e.Detail, tt.want) || e.Remedy == "" {
			t.Errorf("%s: %+v, want %q", tt.name, e, tt.want)
		}
	}
	r.apply(pc("AA001: 'Office:install', AB001: 'Nothing:Install', AA002: 'Office:%Which%'"))
	if e := r.refuse("kind: Package\nname: Office\n"); !strings.Contains(e.Detail, `Collection "Ward 7" runs its program "install"`) {
		t.Errorf("the program goes: %+v", e)
	}
	code, raw := r.person().call(http.MethodDelete, "/v1/objects/Package/Office", nil)
	if code != http.StatusConflict || !strings.Contains(string(raw), "Ward 7") {
		t.Errorf("delete: %d %s", code, raw)
	}
}

// TestListedPackagesReachTheBox: what variables of its computers and of collections list is in
// the policy of a box, with its programs; an import keeps those.
func TestListedPackagesReachTheBox(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward + "---\n" + office + "---\nkind: Package\nname: Other\nprograms: [{name: Run, command: id}]\n---\nkind: Package\nname: Third\nprograms: [{name: Run, command: id}]\n")
	r.apply("kind: TaskSequence\nname: Soft\nbootImage: linux-x64\nsteps: [{installPackage: {list: AA}}]\n---\n" +
		"kind: Collection\nname: Ward 7\nmembers: [ward7-pc1]\nvariables: {AA001: 'Office:Install', BB001: 'Third:Run'}\n---\n" +
		"kind: Advertisement\nname: Soft\ncollection: Ward 7\nsequence: Soft\n")
	m := r.upload(map[string][]byte{"a": []byte("exit 100\n")})
	if code, raw := r.importing(osd.KindPackage, "Office", m); code != http.StatusOK {
		t.Fatalf("%d %s", code, raw)
	}
	w := r.world()
	s, err := compile(w, w.kinds[osd.KindBox]["ward7-box"].(*osd.Box), "CEN", nil, nil, r.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range s.Packages {
		names = append(names, p.Name)
		if p.Name == "Office" && (p.Program("install") == nil || p.Manifest == "") {
			t.Errorf("%+v", p)
		}
	}
	if got := strings.Join(names, " "); !strings.Contains(got, "Office") || strings.Contains(got, "Third") || strings.Contains(got, "Other") {
		t.Errorf("packages in policy: %s", got)
	}
	if q := r.pinned("ward7-box", "Soft"); q == nil || len(q.Lists) != 1 || q.Lists[0] != "AA" {
		t.Errorf("%+v", q)
	}
	if uses := w.uses(w.kinds[osd.KindBox]["ward7-box"].(*osd.Box)); len(uses[w.find(osd.KindPackage, "Office").(*osd.Package).ID]) != 1 {
		t.Errorf("content status: %v", uses)
	}
}
