package site

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/site/store"
)

// knownRig is a site with two boxes that know each their computers.
type knownRig struct {
	*rig
	boxes [2]*peer
	next  [2]uint64
}

const twoBoxes = `kind: Box
name: ward7-box
---
kind: Box
name: ward8-box
---
kind: SiteSettings
name: site
sharedMACs: ["00:50:b6"]
---
kind: Computer
name: pc1
macs: [52:54:00:00:00:01]
smbiosGUID: 4c4c4544-0042-3510-8052-b4c04f4d0001
box: ward7-box
variables: {Bed: "1", Side: left}
---
kind: Computer
name: pc2
macs: [52:54:00:00:00:02]
box: ward7-box
variables: {Bed: "2", Door: "9"}
---
kind: Computer
name: pc8
macs: [52:54:00:00:00:08]
box: ward8-box
---
kind: Collection
name: Ward
members: [pc1, pc2]
---
kind: Collection
name: Left
members: [pc2]
---
kind: ComputerAssociation
name: pc2 to pc1
source: pc2
destination: pc1
---
kind: ComputerAssociation
name: pc2 to pc8
source: pc2
destination: pc8
`

func newKnownRig(t *testing.T) *knownRig {
	r := &knownRig{rig: newRig(t), next: [2]uint64{1, 1}}
	r.apply(twoBoxes)
	for i, name := range []string{"ward7-box", "ward8-box"} {
		r.boxes[i], _ = r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/"+name+"/token", nil).Token, "s")
	}
	return r
}

// tell sends what a box says of a machine that became known.
func (r *knownRig) tell(box int, serial string, k api.Known) {
	r.t.Helper()
	d := api.Discovered{Computer: k.ID, Known: &k, Inventory: inventory.Record{Time: r.clock.now(), Machine: inventory.Machine{SerialNumber: serial, UUID: k.SMBIOSGUID}}}
	for _, m := range k.MACs {
		d.Inventory.Adapters = append(d.Inventory.Adapters, inventory.NIC{MAC: m})
	}
	ack := must[api.EventAck](r.t, r.boxes[box], "POST", "/v1/box/events", api.EventBatch{StateID: "s", Events: []api.BoxEvent{{Number: r.next[box], Discovered: &d}}})
	if r.next[box]++; ack.Next != r.next[box] {
		r.t.Errorf("next is %d, want %d", ack.Next, r.next[box])
	}
}

// all lists the computers as "name box MACs GUID provisional".
func (r *knownRig) all() []string {
	r.t.Helper()
	var out []string
	for _, raw := range must[api.ObjectList](r.t, r.person(), "GET", "/v1/objects/Computer", nil).Objects {
		var c osd.Computer
		if err := json.Unmarshal(raw, &c); err != nil {
			r.t.Fatal(err)
		}
		out = append(out, strings.TrimRight(fmt.Sprintf("%s %s %v %s %v", c.Name, c.Box, c.MACs, c.SMBIOSGUID, c.Provisional), " "))
	}
	return out
}

func (r *knownRig) says(what, text string) int {
	r.t.Helper()
	n := 0
	for _, e := range must[[]api.AuditEntry](r.t, r.person(), "GET", "/v1/audit", nil) {
		if e.What == what && strings.Contains(e.Text, text) {
			n++
		}
	}
	return n
}

func made(id, name, guid string, macs ...string) api.Known {
	return api.Known{Computer: osd.Computer{Meta: osd.Meta{ID: "local-" + id, Name: name}, MACs: macs, SMBIOSGUID: guid, Provisional: true}}
}

// TestBecameKnown: a machine that a box made known is made a computer, merged
// with the one that it is, or reported; the same event may come again.
func TestBecameKnown(t *testing.T) {
	const (
		g1, g9 = "4c4c4544-0042-3510-8052-b4c04f4d0001", "4c4c4544-0042-3510-8052-b4c04f4d0009"
		m      = "52:54:00:00:00:0"
	)
	confirmed := func(k api.Known) api.Known { k.Provisional = false; return k }
	replacing := func(k api.Known, name string) api.Known { k.Replaces = name; return k }
	for _, tt := range []struct {
		name   string
		box    int
		serial string
		k      api.Known
		then   []api.Known
		want   string // how the computer is; "" for as it was
		what   string // in the audit log
		says   string
	}{
		{"new", 0, "S9", made("1", "bed9", g9, m+"9"), nil, "bed9 ward7-box [" + m + "9] " + g9 + " true", auditKnown, "became known"},
		{"new, and its job succeeds", 0, "S9", made("1", "bed9", g9, m+"9"), []api.Known{confirmed(made("1", "bed9", g9, m+"9"))}, "bed9 ward7-box [" + m + "9] " + g9 + " false", auditKnown, "its job has succeeded"},
		{"name is taken", 0, "S9", made("1", "PC1", "", m+"9"), nil, "PC1-2 ward7-box [" + m + "9]  true", auditKnown, "another computer has that name"},
		{"named anew", 0, "S9", made("1", "bde9", "", m+"9"), []api.Known{{Computer: made("1", "bed9", "", m+"9").Computer, Was: "bde9"}}, "bed9 ward7-box [" + m + "9]  true", auditKnown, "named it anew"},
		{"a dock beside its own", 0, "S9", made("1", "bed9", "", "00:50:b6:00:00:01", m+"9"), nil, "bed9 ward7-box [" + m + "9]  true", auditKnown, "became known"},
		{"a dock alone", 0, "S9", made("1", "bed9", "", "00:50:b6:00:00:01"), nil, "", auditConflict, "nothing that is its own"},
		{"imported meanwhile, by MAC", 0, "S2", made("1", "bed9", g9, m+"2", m+"9"), nil, "pc2 ward7-box [" + m + "2 " + m + "9] " + g9 + " false", auditKnown, "is this computer"},
		{"imported meanwhile, by GUID", 0, "S1", made("1", "bed9", g1, m+"9"), nil, "pc1 ward7-box [" + m + "1 " + m + "9] " + g1 + " false", auditKnown, "is this computer"},
		{"MAC of one with another GUID", 0, "S1", made("1", "bed9", g9, m+"1"), nil, "", auditConflict, "but its SMBIOS GUID is"},
		{"labels of two", 0, "S1", made("1", "bed9", g1, m+"2"), nil, "", auditConflict, "bootward computer merge pc2 --into pc1"},
		{"of another box", 0, "S1", made("1", "bed9", "", m+"8"), nil, "", auditConflict, "which another box serves"},
		{"GUID of a machine at another box", 1, "S1", made("1", "bed9", g1, m+"9"), nil, "", auditConflict, "which another box serves"},
		{"replaces one", 0, "S9", replacing(made("1", "bed9", "", m+"9"), "PC1"), nil, "bed9 ward7-box [" + m + "9]  true", auditKnown, "said that it replaces pc1"},
		{"replaces nobody", 0, "S9", replacing(made("1", "bed9", "", m+"9"), "nobody"), nil, "bed9 ward7-box [" + m + "9]  true", auditConflict, "no such other computer"},
		{"replaces one of another box", 0, "S9", replacing(made("1", "bed9", "", m+"9"), "pc8"), nil, "bed9 ward7-box [" + m + "9]  true", auditConflict, "which another box serves; no association"},
		{"replaces another than was said", 0, "S1", replacing(made("1", "bed9", g1, m+"9"), "pc8"), nil, "pc1 ward7-box [" + m + "1 " + m + "9] " + g1 + " false", auditConflict, "gets the state of"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newKnownRig(t)
			before := r.all()
			r.tell(tt.box, tt.serial, tt.k)
			for _, k := range tt.then {
				r.tell(tt.box, tt.serial, k)
			}
			after := r.all()
			if tt.want == "" && !slices.Equal(before, after) || tt.want != "" && !slices.Contains(after, tt.want) {
				t.Errorf("computers:\n%s\nwant %q", strings.Join(after, "\n"), tt.want)
			}
			if n := r.says(tt.what, tt.says); n != 1 {
				t.Errorf("the audit log says %q %d times", tt.says, n)
			}
			r.tell(tt.box, tt.serial, append([]api.Known{tt.k}, tt.then...)[len(tt.then)])
			if again := r.all(); !slices.Equal(again, after) {
				t.Errorf("the same once more:\n%s", strings.Join(again, "\n"))
			}
		})
	}
}

// TestTwinsAtTheSite: two machines with one GUID at one box, of which the site
// hears one after the other, do not become one computer.
func TestTwinsAtTheSite(t *testing.T) {
	const guid = "4c4c4544-0042-3510-8052-b4c04f4d0009"
	r := newKnownRig(t)
	r.tell(0, "S1", made("1", "one", guid, "52:54:00:00:00:0a"))
	r.tell(0, "S2", made("2", "two", guid, "52:54:00:00:00:0b"))
	if got := r.all(); len(got) != 4 || r.says(auditConflict, "two machines with one GUID") != 1 {
		t.Errorf("computers %v", got)
	}
	// The remedy that the text names: then their MACs tell them apart.
	r.apply("kind: SiteSettings\nname: site\nsharedGUIDs: [" + guid + "]\n")
	r.tell(0, "S2", made("2", "two", guid, "52:54:00:00:00:0b"))
	k := made("1", "one", guid, "52:54:00:00:00:0a")
	k.Provisional = false
	r.tell(0, "S1", k)
	if got := r.all(); !slices.Contains(got, "two ward7-box [52:54:00:00:00:0b]  true") || !slices.Contains(got, "one ward7-box [52:54:00:00:00:0a] "+guid+" false") {
		t.Errorf("computers %v", got)
	}
}

// TestGrantsHoldOwnLabels: the agent lets a grant count for a machine that has one
// of its labels, so none of them is a dock's, or a GUID of two machines.
func TestGrantsHoldOwnLabels(t *testing.T) {
	const guid = "4c4c4544-0042-3510-8052-b4c04f4d0009"
	r := newRig(t)
	r.contents()
	r.apply("kind: SiteSettings\nname: site\nsharedGUIDs: [" + guid + "]\nsharedMACs: [\"00:50:b6\"]\n")
	both := "macs: [00:50:b6:00:00:01, 52:54:00:77:00:11]\nsmbiosGUID: " + guid
	r.apply(strings.Replace(ward, "macs: [52:54:00:77:00:11]", both, 1))
	for _, g := range r.grants(store.GrantFilter{}) {
		if g.ComputerName == "ward7-pc1" && (g.SMBIOSGUID != "" || !slices.Equal(g.MACs, []string{"52:54:00:77:00:11"})) {
			t.Errorf("grant for %v, %q", g.MACs, g.SMBIOSGUID)
		}
	}
}

// TestKnownOfABoxThatMisbehaves: a box can say of a machine who it is, and nothing
// else; what it cannot say right is dropped, and stops nothing.
func TestKnownOfABoxThatMisbehaves(t *testing.T) {
	r := newKnownRig(t)
	before := r.all()
	bad := func(change func(*api.Known)) {
		k := made("1", "bed9", "", "52:54:00:00:00:09")
		change(&k)
		r.tell(0, "S", k)
	}
	bad(func(k *api.Known) { k.ID = "CEN00003" })
	bad(func(k *api.Known) { k.Name = "a b" })
	bad(func(k *api.Known) { k.Name = "" })
	bad(func(k *api.Known) { k.MACs = []string{"x"} })
	bad(func(k *api.Known) { k.MACs = nil })
	bad(func(k *api.Known) { k.MACs = slices.Repeat(k.MACs, maxAdapters+1) })
	if got := r.all(); !slices.Equal(got, before) {
		t.Errorf("computers %v", got)
	}
	bad(func(k *api.Known) {
		k.Box, k.Variables, k.Former, k.Comment = "ward8-box", map[string]string{"A": "b"}, []string{"CEN00003"}, "x"
	})
	c := must[osd.Computer](t, r.person(), "GET", "/v1/objects/Computer/bed9", nil)
	if c.Box != "ward7-box" || c.Variables != nil || c.Former != nil || c.Comment != "" || osd.Local(c.ID) {
		t.Errorf("the box said more than it may: %+v", c)
	}
}
