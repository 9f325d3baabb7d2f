package site

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// TestAgentless: nothing that erases or is mandatory is advertised with a boot image
// that holds no agent; a change that makes an advertisement so is explained.
func TestAgentless(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	own := "kind: BootImage\nname: own\nagent: none\n---\nkind: TaskSequence\nname: Own\nbootImage: own\nsteps:\n  - %STEP\n---\nkind: Advertisement\nname: New\ncollection: Ward 7\nsequence: Own\n"
	documents := func(step, more string) string { return strings.Replace(own, "%STEP", step, 1) + more }
	const look = "runCommandLine: {command: id}"
	for _, tt := range []struct{ name, step, more, want string }{
		{"erases", "partitionDisk: {style: gpt, volumes: [{name: OSDisk, type: primary, size: 100%, fileSystem: ext4}]}", "", "nobody claims a grant in it"},
		{"mandatory", look, "mandatory: [asSoonAsPossible]\n", "nothing can be mandatory in it"},
	} {
		if code, raw := r.person().applies(documents(tt.step, tt.more)); code != http.StatusBadRequest || !strings.Contains(string(raw), tt.want) {
			t.Errorf("%s: %d %s", tt.name, code, raw)
		}
	}
	n := notes(find(r.apply(documents(look, "")), osd.KindAdvertisement, "New"))
	if !strings.Contains(n, "each machine gets it once") || !strings.Contains(n, `do not get it: nobody would have asked for it; startUnasked: true in boot image "own"`) {
		t.Errorf("notes: %s", n)
	}
	n = notes(find(r.apply(strings.Replace(documents(look, ""), "agent: none", "agent: none\nstartUnasked: true", 1)), osd.KindAdvertisement, "New"))
	if !strings.Contains(n, "start it with nobody present") {
		t.Errorf("notes: %s", n)
	}
	// An agent is for people to say, in either direction.
	r.apply("kind: BootImage\nname: linux-x64\nagent: none\n")
	x := must[policy.Explanation](t, r.person(), "GET", "/v1/computers/ward7-pc1/explain", nil)
	said := false
	for _, g := range x.GetsNot {
		said = said || g.Advertisement == "Install" && strings.Contains(g.Why, "holds no agent")
	}
	if !said {
		t.Errorf("explained as %+v", x)
	}
	r.apply("kind: BootImage\nname: linux-x64\n")
	if b := must[osd.BootImage](t, r.person(), "GET", "/v1/objects/BootImage/linux-x64", nil); b.Agent != "" || b.Manifest == "" {
		t.Errorf("boot image is %+v", b)
	}
}

// TestCommandSupport: whoever turns a shell on, or advertises a boot image that has one, is
// warned; explain says so; importing again keeps it, and a document that leaves it out ends it.
func TestCommandSupport(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	explained := func() string {
		x := must[policy.Explanation](t, r.person(), "GET", "/v1/computers/ward7-pc1/explain", nil)
		var all []string
		for _, g := range x.Gets {
			all = append(all, g.Options...)
		}
		return strings.Join(all, "\n")
	}
	if got := explained(); got == "" || strings.Contains(got, "command support") {
		t.Errorf("without it: %q", got)
	}
	plan := r.apply("kind: BootImage\nname: linux-x64\ncommandSupport: true\n---\nkind: Advertisement\nname: Again\ncollection: Ward 7\nsequence: Debian\n")
	for kind, name := range map[osd.Kind]string{osd.KindBootImage: "linux-x64", osd.KindAdvertisement: "Again"} {
		if n := notes(find(plan, kind, name)); !strings.Contains(n, "WARNING: ") || !strings.Contains(n, "is root there") {
			t.Errorf("%s: %q", kind, n)
		}
	}
	if got := explained(); !strings.Contains(got, policy.CommandSupportText) {
		t.Errorf("explained as %q", got)
	}
	was := must[osd.BootImage](t, r.person(), "GET", "/v1/objects/BootImage/linux-x64", nil)
	for _, tt := range []struct {
		name  string
		again osd.BootImage
		want  bool
	}{
		{"again", osd.BootImage{}, true}, {"without an agent", osd.BootImage{Agent: osd.AgentNone}, false}, {"Windows", osd.BootImage{Windows: &osd.WindowsBoot{}}, false},
	} {
		if carryBootImage(&tt.again, &was); tt.again.CommandSupport != tt.want {
			t.Errorf("imported %s: %v", tt.name, tt.again.CommandSupport)
		}
	}
	r.apply("kind: BootImage\nname: linux-x64\n")
	if got := explained(); strings.Contains(got, "command support") {
		t.Errorf("taken out: %q", got)
	}
}

// TestMandatoryAsksNobody: what waits for F12 and starts by itself is refused, whichever
// of the two is changed; each alone is taken.
func TestMandatoryAsksNobody(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	const (
		asks      = "kind: BootImage\nname: pe\nwindows: {askF12: true}\n---\n"
		starts    = "kind: BootImage\nname: pe\nwindows: {askF12: false}\n---\n"
		sequence  = "kind: TaskSequence\nname: Look\nbootImage: pe\nsteps:\n  - runCommandLine: {command: id}\n---\n"
		available = "kind: Advertisement\nname: New\ncollection: Ward 7\nsequence: Look\n"
		mandatory = available + "mandatory: [asSoonAsPossible]\n"
	)
	refused := func(name, image, documents string) {
		t.Helper()
		e := r.refuse(documents)
		for _, want := range []string{`Advertisement "New" starts by itself`, `BootImage "` + image + `" waits for F12`, "write windows.askF12: false into BootImage", "leave mandatory out of Advertisement"} {
			if !strings.Contains(e.Detail+e.Remedy, want) {
				t.Errorf("%s: %q %q lacks %q", name, e.Detail, e.Remedy, want)
			}
		}
	}
	refused("all at once", "pe", asks+sequence+mandatory)
	r.apply(asks + sequence + available)
	refused("the advertisement", "pe", mandatory)
	r.apply(starts + mandatory)
	refused("the boot image", "pe", asks)
	r.apply(strings.Replace(asks, "pe", "pe2", 1))
	refused("the task sequence", "pe2", strings.Replace(sequence, "pe", "pe2", 1))
}

// TestImportOfWindows: the site wants the WIM and its disk, and nothing of ours.
func TestImportOfWindows(t *testing.T) {
	holds := func(names ...string) *content.Manifest {
		m := &content.Manifest{}
		for _, n := range names {
			m.Files = append(m.Files, content.File{Path: n})
		}
		return m
	}
	o, err := importTarget(api.Import{Kind: "BootImage", Name: "winpe", File: "sources/boot.wim", NoAgent: true})
	if err != nil {
		t.Fatal(err)
	}
	b := o.(*osd.BootImage)
	if err := inspectBootImage(b, holds("sources/boot.wim", "boot/boot.sdi")); err != nil || b.Agent != osd.AgentNone || b.Windows.File != "sources/boot.wim" {
		t.Errorf("%+v, %v", b, err)
	}
	if err := inspectBootImage(b, holds("uki.efi")); err == nil || !strings.Contains(err.Error(), "sources/boot.wim, boot/boot.sdi") {
		t.Errorf("%v", err)
	}
	if err := inspectBootImage(&osd.BootImage{}, holds("boot/boot.sdi")); err == nil || !strings.Contains(err.Error(), "vmlinuz, initrd, uki.efi") {
		t.Errorf("%v", err)
	}
}
