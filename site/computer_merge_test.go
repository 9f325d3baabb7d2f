package site

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// TestMerge: everything of a record goes over, and the record is gone.
func TestMerge(t *testing.T) {
	r := newKnownRig(t)
	before := r.all()
	old := must[osd.Computer](t, r.person(), "GET", "/v1/objects/Computer/pc2", nil)
	dry := must[api.Applied](t, r.person(), "POST", "/v1/computers/pc2/merge", api.Merge{Into: "pc1", DryRun: true})
	if find(dry, osd.KindComputer, "pc2").Action != actionDelete || find(dry, osd.KindCollection, "Ward").Action != actionUpdate || !slices.Equal(r.all(), before) {
		t.Errorf("dry run: %+v", dry)
	}
	must[api.Applied](t, r.person(), "POST", "/v1/computers/pc2/merge", api.Merge{Into: "pc1"})
	c := must[osd.Computer](t, r.person(), "GET", "/v1/objects/Computer/pc1", nil)
	if fmt.Sprint(c.MACs, c.Variables, c.Former) != "[52:54:00:00:00:01 52:54:00:00:00:02] map[Bed:1 Door:9 Side:left] ["+old.ID+"]" {
		t.Errorf("the computer: %+v", c)
	}
	if code, _ := r.person().call("GET", "/v1/objects/Computer/pc2", nil); code != http.StatusNotFound {
		t.Errorf("the record is there: %d", code)
	}
	for name, want := range map[string]string{"Ward": "[pc1]", "Left": "[pc1]"} {
		if k := must[osd.Collection](t, r.person(), "GET", "/v1/objects/Collection/"+name, nil); fmt.Sprint(k.Members) != want {
			t.Errorf("collection %s: %v", name, k.Members)
		}
	}
	if code, _ := r.person().call("GET", "/v1/objects/ComputerAssociation/pc2%20to%20pc1", nil); code != http.StatusNotFound {
		t.Errorf("an association of a computer with itself is there: %d", code)
	}
	if a := must[osd.Association](t, r.person(), "GET", "/v1/objects/ComputerAssociation/pc2%20to%20pc8", nil); a.Source != "pc1" {
		t.Errorf("association %+v", a)
	}
	if r.says("merge", "pc2") != 1 {
		t.Error("the audit log says nothing of it")
	}
	// What boxes remember under the old ID is cleared with the rest.
	must[api.Ordered](t, r.person(), "POST", "/v1/orders", api.Order{Kind: policy.OrderClearPXE, Computers: []string{"pc1"}})
	s, _ := r.boxes[0].policy(t, "")
	if o := s.Orders; len(o) != 1 || !slices.Equal(o[0].Computers, []string{c.ID, old.ID}) {
		t.Errorf("orders %+v", o)
	}
}

// TestMergeIsRefused: where it looks like two machines.
func TestMergeIsRefused(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward) // two machines with grants
	r.apply("kind: Computer\nname: a\nsmbiosGUID: 4c4c4544-0042-3510-8052-b4c04f4d000a\n---\nkind: Computer\nname: b\nsmbiosGUID: 4c4c4544-0042-3510-8052-b4c04f4d000b\n")
	r.apply("kind: Box\nname: ward8-box\n---\nkind: Computer\nname: c\nmacs: [52:54:00:00:00:0c]\nbox: ward8-box\n")
	for _, tt := range []struct{ from, into, says string }{
		{"ward7-pc1", "ward7-pc2", "grants that were not used"}, {"a", "b", "two machines"}, {"c", "ward7-pc2", "box ward8-box serves it"},
	} {
		code, raw := r.person().call("POST", "/v1/computers/"+tt.from+"/merge", api.Merge{Into: tt.into})
		if code != http.StatusUnprocessableEntity || !strings.Contains(string(raw), tt.says) || !strings.Contains(string(raw), "--force") {
			t.Errorf("%s into %s: %d %s", tt.from, tt.into, code, raw)
		}
	}
	for path, want := range map[string]int{"nobody": http.StatusNotFound, "a": http.StatusBadRequest} {
		if code, raw := r.person().call("POST", "/v1/computers/"+path+"/merge", api.Merge{Into: "a"}); code != want {
			t.Errorf("%s into a: %d %s", path, code, raw)
		}
	}
	out := must[api.Applied](t, r.person(), "POST", "/v1/computers/ward7-pc1/merge", api.Merge{Into: "ward7-pc2", Force: true})
	if n := notes(find(out, osd.KindComputer, "ward7-pc2")); !strings.Contains(n, "1 grants of ward7-pc1 are void") {
		t.Errorf("notes: %s", n)
	}
	// The grant of the record that is gone is in nobody's policy.
	box, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token, "s")
	s, _ := box.policy(t, "")
	if len(s.Grants) != 1 || s.Grants[0].ComputerName != "ward7-pc2" {
		t.Errorf("grants in policy: %+v", s.Grants)
	}
}

// TestReplace: new labels after a repair.
func TestReplace(t *testing.T) {
	const guid = "4c4c4544-0042-3510-8052-b4c04f4d00ff"
	for _, tt := range []struct {
		name string
		in   api.Replace
		code int
		want string // labels, or what the error says
	}{
		{"all addresses", api.Replace{MACs: []string{"52-54-00-00-00-FF"}}, 200, "[52:54:00:00:00:ff] 4c4c4544-0042-3510-8052-b4c04f4d0001"},
		{"motherboard", api.Replace{MACs: []string{"52:54:00:00:00:ff"}, SMBIOSGUID: guid}, 200, "[52:54:00:00:00:ff] " + guid},
		{"GUID alone", api.Replace{SMBIOSGUID: "{" + strings.ToUpper(guid) + "}"}, 200, "[52:54:00:00:00:01] " + guid},
		{"no GUID", api.Replace{SMBIOSGUID: api.NoGUID}, 200, "[52:54:00:00:00:01] "},
		{"one address", api.Replace{MACs: []string{"52:54:00:00:00:ff"}, OldMACs: []string{"525400000001"}}, 200, "[52:54:00:00:00:ff] 4c4c4544-0042-3510-8052-b4c04f4d0001"},
		{"an address that it does not have", api.Replace{MACs: []string{"52:54:00:00:00:ff"}, OldMACs: []string{"52:54:00:00:00:02"}}, 400, "has no address"},
		{"an address of another", api.Replace{MACs: []string{"52:54:00:00:00:02"}}, 409, "computer merge"},
		{"no address", api.Replace{MACs: []string{"x"}}, 400, "six bytes"},
		{"no number", api.Replace{SMBIOSGUID: "x"}, 400, "32 hexadecimal"},
		{"old ones alone", api.Replace{OldMACs: []string{"52:54:00:00:00:01"}}, 400, "no new label"},
		{"nothing", api.Replace{}, 400, "no new label"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newKnownRig(t)
			before := r.all()
			tt.in.DryRun = true
			if code, raw := r.person().call("POST", "/v1/computers/pc1/replace", tt.in); code != tt.code || !slices.Equal(r.all(), before) {
				t.Errorf("dry run: %d %s", code, raw)
			}
			tt.in.DryRun = false
			code, raw := r.person().call("POST", "/v1/computers/pc1/replace", tt.in)
			if code != tt.code || code != 200 && !strings.Contains(string(raw), tt.want) {
				t.Errorf("%d %s", code, raw)
			}
			c := must[osd.Computer](t, r.person(), "GET", "/v1/objects/Computer/pc1", nil)
			if code == 200 && fmt.Sprint(c.MACs, " ", c.SMBIOSGUID) != tt.want {
				t.Errorf("labels %v %s", c.MACs, c.SMBIOSGUID)
			}
			if n := r.says("replace", "it was MAC"); (n == 1) != (code == 200) {
				t.Errorf("the audit log says it %d times", n)
			}
		})
	}
	r := newRig(t)
	r.contents()
	r.apply(ward)
	out := must[api.Applied](t, r.person(), "POST", "/v1/computers/ward7-pc1/replace", api.Replace{MACs: []string{"52:54:00:00:00:ff"}})
	if n := notes(out.Changes[0]); !strings.Contains(n, "1 grants that were not used hold the old labels") {
		t.Errorf("notes: %s", n)
	}
}
