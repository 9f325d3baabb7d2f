package site

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/site/store"
)

// runs is a sequence that runs others.
func runs(name string, others ...string) string {
	text := "kind: TaskSequence\nname: " + name + "\nbootImage: linux-x64\nsteps:\n"
	for _, o := range others {
		text += "  - runTaskSequence: {sequence: " + o + "}\n"
	}
	return text + "---\n"
}

func says(name, command string) string {
	return "kind: TaskSequence\nname: " + name + "\nbootImage: linux-x64\nsteps:\n  - runCommandLine: {command: " + command + "}\n---\n"
}

// TestNestedSequencesAreRefused: what could not run is not taken, whichever of the sequences is
// changed, and what others run is not deleted.
func TestNestedSequencesAreRefused(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward + "---\n" + says("Leaf", "id") + runs("Middle", "Leaf") + strings.TrimSuffix(runs("Outer", "Middle"), "---\n"))
	deep := ""
	for i := range 9 {
		deep += strings.Repeat("  ", 2*i) + "  - group: G\n" + strings.Repeat("  ", 2*i) + "    steps:\n"
	}
	for _, tt := range []struct{ name, yaml, want string }{
		{"itself", runs("Self", "Self"), "it runs itself: Self runs Self"},
		{"by way of others", runs("Leaf", "Outer"), "runs itself"},
		{"one that does not exist", runs("New", "Nothing"), `there is no TaskSequence "Nothing"`},
		{"a name that goes", strings.Replace(says("Twig", "id"), "name", "id: LEAFID\nname", 1), "still uses that name"},
		{"groups too deep, by way of others", "kind: TaskSequence\nname: Leaf\nsteps:\n" + deep + strings.Repeat("  ", 18) + "  - runCommandLine: {command: id}\n", "10 deep"},
	} {
		id := must[osd.Package](t, r.person(), "GET", "/v1/objects/TaskSequence/Leaf", nil).ID
		e := r.refuse(strings.TrimSuffix(strings.ReplaceAll(tt.yaml, "LEAFID", id), "---\n"))
		if e.Code != api.CodeInvalid || !strings.Contains(e.Detail, tt.want) || e.Remedy == "" {
			t.Errorf("%s: %+v, want %q", tt.name, e, tt.want)
		}
	}
	code, raw := r.person().call(http.MethodDelete, "/v1/objects/TaskSequence/Leaf", nil)
	if code != http.StatusConflict || !strings.Contains(string(raw), "Middle") {
		t.Errorf("delete: %d %s", code, raw)
	}
}

// TestNestedSequencesInPolicy: a box gets one document, with the steps, the content and the danger
// of the sequences within; a change of an inner one is another version, whose grants are issued
// anew.
func TestNestedSequencesInPolicy(t *testing.T) {
	r := newRig(t)
	r.contents()
	inner := strings.Replace(says("Inner", "id"), "- runCommandLine", "- partitionDisk: {style: gpt, volumes: [{name: OSDisk, type: primary, size: 100%, fileSystem: ext4, variable: OSDisk}]}\n  - applyOperatingSystem: {image: debian-12, to: '%OSDisk%'}\n  - runCommandLine", 1)
	r.apply(ward + "---\n" + inner + strings.TrimSuffix(runs("Outer", "Inner"), "---\n"))
	advert := "kind: Advertisement\nname: New\ncollection: Ward 7\nsequence: Outer\nmandatory: [asSoonAsPossible]\n"
	if e := r.refuseStrictly(advert); !strings.Contains(e.Detail, "would erase") {
		t.Errorf("the wipe interlock passes a sequence that erases by way of another: %+v", e)
	}
	had := r.grantsOf()
	r.apply(advert + "confirmedMachines: 2\n")
	if r.grantsOf() != had+2 {
		t.Error("no grant was issued")
	}
	seq := r.pinned("ward7-box", "Outer")
	if seq == nil || !seq.Destructive || len(seq.Content) != 2 || strings.Contains(string(seq.Document), "runTaskSequence") || !strings.Contains(string(seq.Document), `"command":"id"`) {
		t.Fatalf("in policy: %+v", seq)
	}
	if r.pinned("ward7-box", "Inner") != nil {
		t.Error("the inner sequence is in policy by itself, and nothing advertises it")
	}
	n := notes(find(r.apply(strings.TrimSuffix(strings.Replace(inner, "command: id", "command: date", 1), "---\n")), osd.KindTaskSequence, "Inner"))
	if !strings.Contains(n, `advertisement "New" are for the earlier version`) {
		t.Errorf("notes: %s", n)
	}
	if again := r.pinned("ward7-box", "Outer"); again.Digest == seq.Digest {
		t.Error("a change of the inner sequence is no other version of the outer one")
	}
}

// world is what the site holds, as the site itself sees it.
func (r *rig) world() (w world) {
	r.t.Helper()
	if err := r.store.Read(r.t.Context(), func(x store.Tx) (err error) {
		w, err = r.readWorld(x)
		return err
	}); err != nil {
		r.t.Fatal(err)
	}
	return w.asSite()
}

// pinned is a sequence in the policy that a box would be given now.
func (r *rig) pinned(box, name string) *policy.Sequence {
	r.t.Helper()
	w := r.world()
	s, err := compile(w, w.kinds[osd.KindBox][box].(*osd.Box), "CEN", nil, nil, r.clock.now())
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range s.Sequences {
		if s.Sequences[i].Name == name {
			if _, err := sequence.Decode(s.Sequences[i].Document); err != nil {
				r.t.Error(err)
			}
			return &s.Sequences[i]
		}
	}
	return nil
}

// TestRightsOfLists: what somebody may not see is not there for his lists.
func TestRightsOfLists(t *testing.T) {
	r, _ := twoWards(t)
	r.apply("kind: Package\nname: Seen\nfolder: Wards/7\nprograms: [{name: Run, command: id}]\n---\nkind: Package\nname: Hidden\nprograms: [{name: Run, command: id}]\n---\n" +
		"kind: TaskSequence\nname: Soft\nbootImage: linux-x64\nsteps: [{installPackage: {list: AA}}]\n")
	p := r.add("fay", "rights: [{allow: [change, deploy], folder: Wards/7}]\n")
	for name, want := range map[string]int{"Seen": 200, "Hidden": 400, "Nothing": 400} {
		code, raw := p.applies("kind: Collection\nname: Mine\nfolder: Wards/7\nvariables: {AA001: '" + name + ":Run'}\n")
		if code != want || code != 200 && !strings.Contains(string(raw), `there is no Package \"`+name) {
			t.Errorf("%s: %d %s", name, code, raw)
		}
	}
}

// TestRightsOfNestedSequences: whoever changes a sequence changes those that run it, and whoever
// runs one has its secrets.
func TestRightsOfNestedSequences(t *testing.T) {
	r, _ := twoWards(t)
	r.apply(strings.Replace(says("Leaf", "id"), "name", "folder: Wards/7\nname", 1) + runs("Outer", "Leaf") +
		"kind: Secret\nname: join\n---\nkind: TaskSequence\nname: Joins\nbootImage: linux-x64\nsteps:\n  - runCommandLine: {command: id, secrets: {P: join}}\n---\n" +
		"kind: Advertisement\nname: Runs unasked\ncollection: Ward 8\nsequence: Outer\nmandatory: [asSoonAsPossible]\n")
	p := r.add("fay", "rights: [{allow: [see], kind: TaskSequence}, {allow: [see], kind: BootImage}, {allow: [see], kind: Secret}, {allow: [change, deploy], folder: Wards/7}]\n")
	in := func(yaml string) string {
		return strings.TrimSuffix(strings.Replace(yaml, "name", "folder: Wards/7\nname", 1), "---\n")
	}
	for _, tt := range []struct {
		name, yaml string
		code       int
		want       string
	}{
		{"an inner sequence that runs unasked elsewhere", in(says("Leaf", "reboot")), 403, "a mandatory advertisement runs it there"},
		{"a new sequence that runs it", in(runs("Mine", "Leaf")), 200, ""},
		{"one that uses a secret by way of another", in(runs("Mine", "Joins")), 403, "can show its value"},
	} {
		if code, raw := p.applies(tt.yaml); code != tt.code || !strings.Contains(string(raw), tt.want) {
			t.Errorf("%s: %d %s", tt.name, code, raw)
		}
	}
}
