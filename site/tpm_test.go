package site

import (
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
)

// approvedTPM sends what a box says of a computer whose TPM a person approved.
func (r *knownRig) approvedTPM(box int, id, digest, was string) {
	r.t.Helper()
	d := api.Discovered{Computer: id, TPM: digest, TPMWas: was, Inventory: inventory.Record{Time: r.clock.now()}}
	ack := must[api.EventAck](r.t, r.boxes[box], "POST", "/v1/box/events", api.EventBatch{StateID: "s", Events: []api.BoxEvent{{Number: r.next[box], Discovered: &d}}})
	if r.next[box]++; ack.Next != r.next[box] {
		r.t.Errorf("next is %d, want %d", ack.Next, r.next[box])
	}
}

func (r *knownRig) computer(name string) osd.Computer {
	r.t.Helper()
	return must[osd.Computer](r.t, r.person(), "GET", "/v1/objects/Computer/"+name, nil)
}

// TestTPMOfAComputer: what a person approved at the box that serves a computer is
// the computer's TPM from then on, in the boxes' policy too; a repair forgets it, a
// merge keeps it; no two computers have one, and no other box says anything of it.
func TestTPMOfAComputer(t *testing.T) {
	r := newKnownRig(t)
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	is := func(name, want string) {
		t.Helper()
		if got := r.computer(name).TPM; got != want {
			t.Errorf("the TPM of %s is %q, want %q", name, got, want)
		}
	}
	pc1, pc2 := r.computer("pc1").ID, r.computer("pc2").ID
	r.approvedTPM(1, pc1, a, "")
	is("pc1", "")
	r.approvedTPM(0, pc1, "not a digest", "")
	is("pc1", "")
	r.approvedTPM(0, pc1, a, "")
	is("pc1", a)
	if c := r.computer("pc1"); len(c.Variables) != 2 || len(c.MACs) != 1 {
		t.Errorf("the rest of pc1 is %+v", c)
	}
	if n := r.says("known", "its TPM was approved with it: "+a); n != 1 {
		t.Errorf("%d entries of the audit log tell of it", n)
	}
	s, _ := r.boxes[0].policy(t, "")
	if i := slices.IndexFunc(s.Computers, func(c osd.Computer) bool { return c.Name == "pc1" }); i < 0 || s.Computers[i].TPM != a {
		t.Error("the box's policy does not say it")
	}
	r.approvedTPM(0, pc2, a, "")
	is("pc2", "")
	if n := r.says("conflict", `its TPM is that of computer "pc1"`); n != 1 {
		t.Errorf("%d entries tell of the conflict", n)
	}
	r.approvedTPM(0, pc1, b, "") // as if nobody had known of a
	is("pc1", a)
	if n := r.says("conflict", "before the box knew"); n != 1 {
		t.Errorf("%d entries tell of what was not taken", n)
	}
	r.approvedTPM(0, pc1, b, a)
	is("pc1", b)
	r.apply(twoBoxes) // documents do not say it
	is("pc1", b)

	r.tell(0, "S9", made("9", "guest", "", "52:54:00:00:00:09")) // without a TPM
	d := made("10", "guest10", "", "52:54:00:00:00:10")
	e := api.BoxEvent{Number: r.next[0], Discovered: &api.Discovered{Computer: d.ID, Known: &d, TPM: a, Inventory: inventory.Record{Time: r.clock.now()}}}
	must[api.EventAck](t, r.boxes[0], "POST", "/v1/box/events", api.EventBatch{StateID: "s", Events: []api.BoxEvent{e}})
	is("guest10", a)
	is("guest", "")

	replace := func(name string, in api.Replace) {
		t.Helper()
		must[api.Applied](t, r.person(), "POST", "/v1/computers/"+name+"/replace", in)
	}
	replace("pc1", api.Replace{MACs: []string{"52:54:00:00:00:21"}})
	is("pc1", b)
	replace("pc1", api.Replace{SMBIOSGUID: api.NoGUID})
	is("pc1", b)
	replace("pc1", api.Replace{SMBIOSGUID: "4c4c4544-0042-3510-8052-b4c04f4d0021"})
	is("pc1", "")
	replace("pc1", api.Replace{TPM: b})
	is("pc1", b)
	if code, raw := r.person().call("POST", "/v1/computers/guest10/merge", api.Merge{Into: "pc1"}); code != 409 && code != 422 || !strings.Contains(string(raw), "both have a TPM") {
		t.Errorf("merge of two TPMs: %d %s", code, raw)
	}
	for _, in := range []api.Replace{{TPM: "x"}, {TPM: a}} {
		if code, raw := r.person().call("POST", "/v1/computers/pc1/replace", in); code < 400 {
			t.Errorf("TPM %q: %d %s", in.TPM, code, raw)
		}
	}
	replace("pc1", api.Replace{TPM: api.NoTPM})
	is("pc1", "")
	must[api.Applied](t, r.person(), "POST", "/v1/computers/guest10/merge", api.Merge{Into: "guest"})
	is("guest", a)
}

// TestRightToTPM: to say which TPM stands for a computer is to approve it; who may
// only change the computer may not.
func TestRightToTPM(t *testing.T) {
	r, people := twoWards(t)
	was := must[osd.Computer](t, r.person(), "GET", "/v1/objects/Computer/w7-pc1", nil).TPM
	for _, in := range []api.Replace{{TPM: strings.Repeat("a", 64)}, {TPM: api.NoTPM, MACs: []string{"52:54:00:00:70:01"}}} {
		code, raw := people["changes ward 7"].call("POST", "/v1/computers/w7-pc1/replace", in)
		if want := in.TPM == api.NoTPM; (code == 200) != want || code != 200 && code != 403 {
			t.Errorf("%+v: %d %s", in, code, raw)
		}
	}
	must[api.Applied](t, r.person(), "POST", "/v1/computers/w7-pc1/replace", api.Replace{TPM: strings.Repeat("a", 64)})
	if code, raw := people["changes ward 7"].call("POST", "/v1/computers/w7-pc1/replace", api.Replace{TPM: api.NoTPM}); code != 403 {
		t.Errorf("who may only change it takes the TPM away (it was %q): %d %s", was, code, raw)
	}
}
