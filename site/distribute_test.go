package site

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/sequence"
)

// distribute assigns content, or takes it away.
func (r *rig) distribute(kind, name string, in api.Distribute) (int, []byte) {
	r.t.Helper()
	return r.person().call("POST", "/v1/objects/"+kind+"/"+strings.ReplaceAll(name, " ", "%20")+"/boxes", in)
}

func packagesOf(s *policy.Snapshot) []string {
	var all []string
	for _, p := range s.Packages {
		all = append(all, p.Name)
	}
	return all
}

// TestDistribute: assigned content is in the policy of its boxes alone, whether
// it is advertised or not, and no box learns of the others.
func TestDistribute(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply("kind: Box\nname: ward7-box\n---\nkind: Box\nname: ward8-box\n---\nkind: Package\nname: Empty\n")
	if code, raw := r.importing(osd.KindPackage, "Extra", r.upload(map[string][]byte{"a": []byte("an extra package")})); code != http.StatusOK {
		t.Fatalf("import: %d %s", code, raw)
	}
	var boxes []*peer
	for _, n := range []string{"ward7-box", "ward8-box"} {
		b, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/"+n+"/token", nil).Token, "state-"+n)
		boxes = append(boxes, b)
	}
	for _, c := range []struct {
		kind, name string
		in         api.Distribute
		code       int
		want       string // in the answer
		at7, at8   bool
	}{
		{"Package", "Extra", api.Distribute{Boxes: []string{"ward7-box"}}, 200, `"boxes":["ward7-box"]`, true, false},
		{"Package", "Extra", api.Distribute{Boxes: []string{"ward7-box"}}, 200, `"boxes":["ward7-box"]`, true, false},
		{"Package", "Extra", api.Distribute{Boxes: []string{"ward8-box"}}, 200, `"boxes":["ward7-box","ward8-box"]`, true, true},
		{"Package", "Extra", api.Distribute{Boxes: []string{"ward7-box"}, Remove: true}, 200, `"boxes":["ward8-box"]`, false, true},
		{"Package", "Extra", api.Distribute{All: true}, 200, `"boxes":["*"]`, true, true},
		{"Package", "Extra", api.Distribute{Boxes: []string{"ward7-box"}, Remove: true}, 422, "assigned to every box", true, true},
		{"Package", "Extra", api.Distribute{All: true, Remove: true}, 200, `"boxes":[]`, false, false},
		{"Package", "Extra", api.Distribute{Boxes: []string{"nowhere"}}, 404, `Box \"nowhere\"`, false, false},
		{"Package", "Extra", api.Distribute{}, 400, "no box is named", false, false},
		{"Package", "Extra", api.Distribute{All: true, Boxes: []string{"ward7-box"}}, 400, "all are meant as well", false, false},
		{"Package", "Empty", api.Distribute{All: true}, 200, "no content yet", false, false},
		{"Box", "ward7-box", api.Distribute{All: true}, 400, "has no content", false, false},
		{"Package", "Nothing", api.Distribute{All: true}, 404, "", false, false},
	} {
		code, raw := r.distribute(c.kind, c.name, c.in)
		if code != c.code || !strings.Contains(string(raw), c.want) {
			t.Errorf("%s %s %+v: %d %s", c.kind, c.name, c.in, code, raw)
		}
		for i, want := range []bool{c.at7, c.at8} {
			s, _ := boxes[i].policy(t, "")
			if got := slices.Contains(packagesOf(s), "Extra"); got != want || slices.Contains(packagesOf(s), "Empty") {
				t.Errorf("%+v: box %d holds %v", c.in, i, packagesOf(s))
			}
			for _, p := range s.Packages {
				if p.Boxes != nil {
					t.Errorf("policy names the boxes of others: %v", p.Boxes)
				}
			}
		}
	}
	keepsAssignment(t, r)
}

// keepsAssignment: an import and a document that says nothing of boxes leave
// them; an empty list takes them away. A box that is named cannot be deleted.
func keepsAssignment(t *testing.T, r *rig) {
	t.Helper()
	get := func() []string {
		return must[osd.Package](t, r.person(), "GET", "/v1/objects/Package/Extra", nil).Boxes
	}
	r.distribute("Package", "Extra", api.Distribute{Boxes: []string{"ward7-box"}})
	r.importing(osd.KindPackage, "Extra", r.upload(map[string][]byte{"a": []byte("a newer one")}))
	r.apply("kind: Package\nname: Extra\ncomment: changed\n")
	if got := get(); !slices.Equal(got, []string{"ward7-box"}) {
		t.Errorf("after import and apply: %v", got)
	}
	if code, raw := r.person().call("DELETE", "/v1/objects/Box/ward7-box", nil); code != http.StatusConflict {
		t.Errorf("delete of a box that content is assigned to: %d %s", code, raw)
	}
	r.apply("kind: Package\nname: Extra\nboxes: []\n")
	if got := get(); len(got) != 0 {
		t.Errorf("after an empty list: %v", got)
	}
	for yaml, want := range map[string]string{
		"kind: Package\nname: Extra\nboxes: [nowhere]\n":              "there is no Box",
		"kind: Package\nname: Extra\nboxes: [ward7-box, ward7-box]\n": "name each box once",
		"kind: Package\nname: Extra\nboxes: ['*', ward7-box]\n":       "leave the other names out",
	} {
		if e := r.refuse(yaml); !strings.Contains(e.Detail+e.Remedy, want) {
			t.Errorf("%q: %+v", yaml, e)
		}
	}
}

// checkIn has a box say what it holds.
func checkIn(t *testing.T, box *peer, at time.Time, complete ...string) {
	t.Helper()
	c := api.CheckIn{StateID: box.state, Complete: complete, Copied: map[string]time.Time{}}
	for _, m := range complete {
		c.Copied[m] = at
	}
	must[api.CheckedIn](t, box, "POST", "/v1/box/checkin", c)
}

// TestMissingContent: an advertisement whose boxes lack content is refused with
// the list, or taken by choice; what was taken before is not refused again.
func TestMissingContent(t *testing.T) {
	r := newRig(t)
	r.contents()
	objects, advertisement, _ := strings.Cut(ward, "kind: Advertisement")
	advertisement = "kind: Advertisement" + advertisement
	r.apply(objects)
	if e := r.refuseStrictly(advertisement); e.Code != api.CodeRefused || !strings.Contains(e.Detail, "box ward7-box lacks bootimage") ||
		!strings.Contains(e.Detail, "never checked in") || !strings.Contains(e.Remedy, "distribute \"debian-12\" --box ward7-box") || !strings.Contains(e.Remedy, "--accept-missing") {
		t.Errorf("before the box is there: %+v", e)
	} else if len(e.Changes) != 0 {
		t.Errorf("a plan, though it was no dry run: %+v", e)
	}
	code, raw := r.person().call("POST", "/v1/apply", api.Apply{DryRun: true, Documents: []api.Document{{File: "x.yaml", YAML: advertisement}}})
	if e := problemOf(t, raw); code != 422 || len(e.Changes) != 1 || !strings.Contains(notes(e.Changes[0]), "2 machines may be erased once") {
		t.Errorf("the plan of a dry run that is refused: %d %s", code, raw)
	}
	box, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token, "s")
	var all []string
	for _, c := range must[[]api.ContentStatus](t, r.person(), "GET", "/v1/content", nil) {
		if len(c.Boxes) != 0 {
			t.Errorf("nothing is assigned or advertised: %+v", c)
		}
		all = append(all, c.Manifest)
		r.distribute(c.Kind, c.Name, api.Distribute{Boxes: []string{"ward7-box"}})
	}
	image := must[osd.Image](t, r.person(), "GET", "/v1/objects/Image/debian-12", nil)
	copied := r.clock.now().Truncate(time.Second)
	checkIn(t, box, copied, slices.DeleteFunc(slices.Clone(all), func(m string) bool { return m == image.Manifest })...)
	if e := r.refuseStrictly(advertisement); e.Code != api.CodeRefused || !strings.Contains(e.Detail, `box ward7-box lacks image "debian-12",`) {
		t.Errorf("without the image: %+v", e)
	}
	if n := notes(find(r.apply(advertisement), "Advertisement", "Install")); !strings.Contains(n, "get nothing of this until") {
		t.Errorf("taken by choice: %s", n)
	}
	checkIn(t, box, copied, all...)
	states := must[[]api.ContentStatus](t, r.person(), "GET", "/v1/content?name=debian-12", nil)
	if len(states) != 1 || len(states[0].Boxes) != 1 {
		t.Fatalf("status: %+v", states)
	}
	if b := states[0].Boxes[0]; !b.Assigned || b.State != api.ContentComplete || !b.Copied.Equal(copied) || !slices.Equal(b.UsedBy, []string{"Install"}) {
		t.Errorf("status: %+v", b)
	}
	taken(t, r, advertisement)
}

// taken applies what the box can carry out, and what it cannot any more.
func taken(t *testing.T, r *rig, advertisement string) {
	t.Helper()
	strictly := func(yaml string) (int, []byte) {
		return r.person().call("POST", "/v1/apply", api.Apply{Documents: []api.Document{{File: "x.yaml", YAML: yaml}}})
	}
	if code, raw := strictly(advertisement + "comment: changed\n"); code != http.StatusOK {
		t.Errorf("with all content: %d %s", code, raw)
	}
	r.importing(osd.KindPackage, sequence.ImagingTools, r.upload(map[string][]byte{"a": []byte("newer tools")}))
	if code, raw := strictly(advertisement + "comment: changed\n"); code != http.StatusOK {
		t.Errorf("unchanged, after another import: %d %s", code, raw)
	}
	if code, raw := strictly(advertisement + "comment: changed again\n"); code != http.StatusUnprocessableEntity {
		t.Errorf("changed, after another import: %d %s", code, raw)
	}
	code, raw := strictly(advertisement + "comment: relayed\nremoteDistributionPoint: true\n")
	if code != http.StatusOK || !strings.Contains(string(raw), "needs its line for it") {
		t.Errorf("with a remote distribution point: %d %s", code, raw)
	}
	steps, _, _ := strings.Cut(ward[strings.Index(ward, "kind: TaskSequence"):], "---")
	code, raw = strictly(steps + "comment: changed\n")
	if code != http.StatusOK || !strings.Contains(string(raw), `advertisement \"Install\": box ward7-box lacks package`) {
		t.Errorf("a changed sequence: %d %s", code, raw)
	}
}

// refuseStrictly applies without accepting what boxes lack, and wants a problem.
func (r *rig) refuseStrictly(yaml string) api.Error {
	r.t.Helper()
	code, raw := r.person().call("POST", "/v1/apply", api.Apply{Documents: []api.Document{{File: "x.yaml", YAML: yaml}}})
	if code < 400 {
		r.t.Fatalf("taken: %s", raw)
	}
	return problemOf(r.t, raw)
}
