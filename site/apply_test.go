package site

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
)

// grantsOf counts the grants that were ever issued.
func (r *rig) grantsOf() (n int) {
	r.t.Helper()
	if err := r.store.Read(r.t.Context(), func(x store.Tx) error {
		g, err := x.Grants(store.GrantFilter{})
		n = len(g)
		return err
	}); err != nil {
		r.t.Fatal(err)
	}
	return n
}

func TestApplyIsIdempotent(t *testing.T) {
	r := newRig(t)
	r.contents()
	dry := must[api.Applied](t, r.person(), "POST", "/v1/apply", api.Apply{DryRun: true, AcceptMissing: true, Documents: []api.Document{{File: "w", YAML: ward}}})
	if !dry.DryRun || find(dry, osd.KindComputer, "ward7-pc1").Action != "create" {
		t.Errorf("dry run: %+v", dry)
	}
	if l := must[api.ObjectList](t, r.person(), "GET", "/v1/objects/Computer", nil); len(l.Objects) != 0 || r.grantsOf() != 0 {
		t.Error("the dry run changed something")
	}
	first := r.apply(ward)
	second := r.apply(ward)
	for i, c := range second.Changes {
		if c.Action != "unchanged" || c.ID != first.Changes[i].ID || !strings.HasPrefix(c.ID, "CEN0000") {
			t.Errorf("applied again: %+v, first %+v", c, first.Changes[i])
		}
	}
	if n := r.grantsOf(); n != 2 {
		t.Errorf("%d grants, want 2", n)
	}
	// Content that an import set stays when YAML leaves it out.
	r.apply("kind: Image\nname: debian-12\ncomment: for the wards\n")
	i := must[osd.Image](t, r.person(), "GET", "/v1/objects/Image/debian-12", nil)
	if i.Manifest == "" || i.Bytes != 1_600_000 || i.File != "os.wim" || i.Comment != "for the wards" {
		t.Errorf("image is %+v", i)
	}
}

// TestApplyRefuses: nothing is changed, and the error says where and what to
// do.
func TestApplyRefuses(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	advert := func(rest string) string {
		return "kind: Advertisement\nname: New\nsequence: Debian\nmandatory: [asSoonAsPossible]\n" + rest
	}
	for name, c := range map[string]struct {
		yaml string
		code api.Code
		want []string // in detail, object and remedy
	}{
		"unknown key":       {"kind: Computer\nname: a\nmac: x\n", api.CodeInvalid, []string{"ward.yaml:3:", `Computer "a"`, "macs"}},
		"unknown computer":  {"kind: Collection\nname: c\nmembers:\n  - ward7-pc1\n  - nobody\n", api.CodeInvalid, []string{"ward.yaml:5:", "members[1]", `Collection "c"`, `no Computer "nobody"`}},
		"unknown image":     {"kind: TaskSequence\nname: s\nbootImage: linux-x64\nsteps:\n  - applyOperatingSystem: {image: none, to: x}\n", api.CodeInvalid, []string{"ward.yaml:5", `no Image "none"`, "bootward image import"}},
		"unknown bootimage": {"kind: TaskSequence\nname: s\nbootImage: none\nsteps:\n  - runCommandLine: {command: id}\n", api.CodeInvalid, []string{"ward.yaml:3", `no BootImage "none"`}},
		"unknown box":       {"kind: Computer\nname: a\nmacs: [52:54:00:77:00:99]\nbox: none\n", api.CodeInvalid, []string{"ward.yaml:4:", `no Box "none"`}},
		"two in a file":     {"kind: Box\nname: a\n---\nkind: Box\nname: a\n", api.CodeInvalid, []string{"is there twice"}},
		"mac of another":    {"kind: Computer\nname: a\nmacs: [aa:bb:cc:dd:ee:ff, 52-54-00-77-00-12]\n", api.CodeInvalid, []string{"macs[1]", `Computer "ward7-pc2"`}},
		"name in case":      {"kind: Box\nname: WARD7-BOX\n", api.CodeInvalid, []string{`Box "ward7-box"`}},
		"made-up id":        {"kind: Box\nname: b\nid: CEN0FFFF\n", api.CodeInvalid, []string{"CEN0FFFF", "leave it out"}},
		"made-up content":   {"kind: Package\nname: p\nmanifest: sha256:" + strings.Repeat("0", 64) + "\n", api.CodeInvalid, []string{"holds no content"}},
		"nothing":           {"# nothing\n", api.CodeInvalid, []string{"no object"}},
		"several":           {"kind: Collection\nname: c\nmembers: [x, y]\n", api.CodeInvalid, []string{"members[0]", "members[1]", "2 places"}},
		"wrong number":      {advert("collection: Ward 7\nconfirmedMachines: 3\n"), api.CodeRefused, []string{"ward.yaml:6:", "confirmedMachines", "holds 2 machines", "confirmedMachines: 2"}},
		"no number":         {advert("collection: Ward 7\n"), api.CodeRefused, []string{"holds 2 machines", "0 are confirmed"}},
		"all systems":       {advert("collection: All Systems\n"), api.CodeRefused, []string{"holds 2 machines"}},
		"unknown computers": {advert("collection: Unknown Computers\n"), api.CodeRefused, []string{"does not know"}},
		"two boxes":         {"kind: Box\nname: other\n---\n" + advert("collection: Ward 7\nconfirmedMachines: 2\n"), api.CodeRefused, []string{"computer ward7-pc1", "2 boxes", "`box`"}},
		"rename in use":     {"kind: Computer\nid: CEN00007\nname: new-name\nmacs: [52:54:00:77:00:11]\n", api.CodeInvalid, []string{"still uses that name"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := must[[]api.AuditEntry](t, r.person(), "GET", "/v1/audit", nil)
			e := r.refuse(c.yaml)
			text := e.Object + " | " + e.Detail + " | " + e.Remedy
			for _, w := range c.want {
				if !strings.Contains(text, w) {
					t.Errorf("%q is not in: %s", w, text)
				}
			}
			if e.Code != c.code || e.Remedy == "" {
				t.Errorf("code %s, want %s; remedy %q", e.Code, c.code, e.Remedy)
			}
			if after := must[[]api.AuditEntry](t, r.person(), "GET", "/v1/audit", nil); len(after) != len(before) {
				t.Error("something was changed")
			}
		})
	}
}

// TestInterlock: what grants follow from a change.
func TestInterlock(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	changed := strings.Replace(ward, "256MiB", "512MiB", 1)
	a := r.apply(changed)
	if n := notes(find(a, osd.KindTaskSequence, "Debian")); !strings.Contains(n, "advertisement grant") {
		t.Errorf("notes of the sequence: %s", n)
	}
	if n := notes(find(a, osd.KindAdvertisement, "Install")); !strings.Contains(n, "issue them anew") || r.grantsOf() != 2 {
		t.Errorf("notes of the advertisement: %s; %d grants", n, r.grantsOf())
	}
	r.apply(ward) // back to the version that was granted
	if r.grantsOf() != 2 {
		t.Errorf("%d grants after the way back, want 2", r.grantsOf())
	}
	a = r.apply("kind: Computer\nname: pc3\nmacs: [52:54:00:77:00:13]\n---\nkind: Collection\nname: Ward 7\nmembers: [ward7-pc1, ward7-pc2, pc3]\n")
	if n := notes(find(a, osd.KindCollection, "Ward 7")); !strings.Contains(n, "now holds 3") || r.grantsOf() != 2 {
		t.Errorf("notes of the collection: %s; %d grants", n, r.grantsOf())
	}
	advert := "kind: Advertisement\nname: Install\ncollection: Ward 7\nsequence: Debian\nmandatory: [asSoonAsPossible]\nconfirmedMachines: 3\n"
	a = r.apply(advert)
	if n := notes(find(a, osd.KindAdvertisement, "Install")); !strings.Contains(n, "1 machines may be erased once: pc3") || r.grantsOf() != 3 {
		t.Errorf("notes of the advertisement: %s; %d grants", n, r.grantsOf())
	}
	ended := strings.Replace(advert, "Install", "Ended", 1) + "expires: " + r.clock.now().Add(-time.Hour).Format(time.RFC3339) + "\n"
	if n := notes(find(r.apply(ended), osd.KindAdvertisement, "Ended")); !strings.Contains(n, "no grant is issued") || r.grantsOf() != 3 {
		t.Errorf("an ended advertisement: %s; %d grants", n, r.grantsOf())
	}
}

// TestIncomplete: a sequence whose content is not there is not in policy.
func TestIncomplete(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply("kind: Image\nname: empty\n")
	a := r.apply(strings.Replace(ward, "image: debian-12", "image: empty", 1))
	if n := notes(find(a, osd.KindAdvertisement, "Install")); !strings.Contains(n, `Image "empty" has no content`) {
		t.Errorf("notes: %s", n)
	}
	box, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token, "s")
	if s, _ := box.policy(t, ""); len(s.Sequences) != 0 || len(s.Images) != 0 || len(s.Grants) != 0 || len(s.Advertisements) != 1 {
		t.Errorf("snapshot: %+v", s)
	}
}

func TestDelete(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	for _, c := range []struct {
		path string
		want int
	}{
		{"Box/ward7-box", 409}, {"Computer/ward7-pc1", 409}, {"Image/debian-12", 409}, {"BootImage/linux-x64", 409}, {"Box/none", 404}, {"Nothing/x", 404},
		{"Advertisement/Install", 204}, {"TaskSequence/Debian", 204}, {"Image/debian-12", 204}, {"Collection/Ward 7", 204}, {"Computer/ward7-pc2", 204}, {"Box/ward7-box", 204},
	} {
		path := "/v1/objects/" + strings.ReplaceAll(c.path, " ", "%20")
		asked, said := r.person().call(http.MethodGet, path+"/deletion", nil)
		code, raw := r.person().call(http.MethodDelete, path, nil)
		if code != c.want {
			t.Errorf("delete %s: %d %s, want %d", c.path, code, raw, c.want)
		}
		if code >= 400 && (asked != code || string(said) != string(raw)) || code < 400 && asked != http.StatusOK {
			t.Errorf("asked before, delete %s: %d %s, and then %d %s", c.path, asked, said, code, raw)
		}
	}
}

// TestDeletion: who asks before he deletes is told what goes with it, and nothing
// is done.
func TestDeletion(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token, "s")
	r.add("ben", "")
	r.apply("kind: Secret\nname: join\n---\nkind: Box\nname: new-box\n---\nkind: Computer\nname: new-pc\nmacs: [52:54:00:88:00:11]\n---\nkind: Collection\nname: Ward 7\n")
	for _, c := range []struct{ path, want string }{
		{"Computer/ward7-pc2", "1 grants that were not used are void"}, {"Computer/new-pc", ""}, {"Person/ben", "1 tokens and certificates are void"},
		{"Box/new-box", ""}, {"Secret/join", "nobody can bring it back"}, {"Advertisement/Install", ""},
	} {
		a := must[api.Applied](t, r.person(), "GET", "/v1/objects/"+c.path+"/deletion", nil)
		if len(a.Changes) != 1 || !a.DryRun || a.Changes[0].Action != actionDelete || c.path != a.Changes[0].Kind+"/"+a.Changes[0].Name ||
			(c.want == "") != (len(a.Changes[0].Notes) == 0) || !strings.Contains(notes(a.Changes[0]), c.want) {
			t.Errorf("%s: %+v", c.path, a)
		}
		if code, raw := r.person().call("GET", "/v1/objects/"+c.path, nil); code != http.StatusOK {
			t.Errorf("%s is gone: %d %s", c.path, code, raw)
		}
	}
	for _, path := range []string{"Advertisement/Install", "Collection/Ward%207", "Computer/ward7-pc1", "Computer/ward7-pc2"} {
		r.person().call(http.MethodDelete, "/v1/objects/"+path, nil)
	}
	a := must[api.Applied](t, r.person(), "GET", "/v1/objects/Box/ward7-box/deletion", nil)
	if !strings.Contains(notes(a.Changes[0]), "its enrolment ends") {
		t.Errorf("a box that is enrolled: %+v", a)
	}
}

// TestBoundary: a box knows nothing of what another box serves.
func TestBoundary(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	r.apply("kind: Box\nname: ward8-box\n---\nkind: Computer\nname: ward8-pc1\nbox: ward8-box\nmacs: [52:54:00:88:00:11]\n")
	box, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward8-box/token", nil).Token, "s")
	s, raw := box.policy(t, "")
	if len(s.Computers) != 2 || len(s.Grants) != 0 { // its own, and the one that any box may serve
		t.Errorf("snapshot: %+v", s)
	}
	if strings.Contains(string(raw), "ward7-pc2") || len(s.Collections) != 1 || len(s.Collections[0].Members) != 1 {
		t.Errorf("it knows of the other ward: %+v", s.Collections)
	}
}
