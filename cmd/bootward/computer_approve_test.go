package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site"
	"github.com/bootward/bootward/trust"
)

// pendingAt enrols boxes whose check-ins say that machines wait.
func (r *rig) pendingAt(boxes map[string][]api.PendingApproval) *site.Site {
	t := r.t
	t.Helper()
	s, err := site.Open(t.Context(), r.dir, site.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for name, pending := range boxes {
		if _, err := s.Apply(t.Context(), "ann", api.Apply{Documents: []api.Document{{File: "x.yaml", YAML: "kind: Box\nname: " + name + "\n"}}}); err != nil {
			t.Fatal(err)
		}
		token, err := s.EnrolToken(t.Context(), "ann", name)
		if err != nil {
			t.Fatal(err)
		}
		k, err := trust.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		csr, err := trust.NewCSR(k)
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.Enrol(t.Context(), api.Enrol{Token: token.Token, ClientCSR: csr, IntermediateCSR: csr, StateID: "s"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.CheckIn(t.Context(), e.Box, api.CheckIn{StateID: "s", Time: time.Now(), Pending: pending}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func waitingPC(id, code string) api.PendingApproval {
	return api.PendingApproval{ID: id, Code: code, Computer: "bw-" + id, Advertisement: "Strangers", Sequence: "Wipe", Destructive: true, Why: "the site does not know the machine",
		Identity: api.Identity{MACs: []string{"52:54:00:77:00:91"}, Manufacturer: "Dell\x1b[2J", Model: "Latitude", SerialNumber: "4711"}, AskedAt: time.Now(), ExpiresAt: time.Now().Add(15 * time.Minute)}
}

// TestApprove: what is shown, what is asked, and that nothing is approved without
// a y.
func TestApprove(t *testing.T) {
	r := newRig(t)
	r.pendingAt(map[string][]api.PendingApproval{"ward7-box": {waitingPC("a1", "111-111"), waitingPC("a2", "222-222"), waitingPC("a3", "333-333")}, "ward8-box": {waitingPC("b1", "111-111")}})
	out, _ := r.want(exitDone, "computer", "pending")
	for _, want := range []string{"222-222  ward7-box  bw-a2", "no", "Latitude, serial 4711, MAC 52:54:00:77:00:91", "Strangers"} {
		if !strings.Contains(out, want) || strings.Contains(out, "\x1b") {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
	if out, _ := r.want(exitDone, "__complete", "computer", "approve", ""); !strings.Contains(out, "222-222\tbw-a2 at ward7-box") {
		t.Errorf("completion: %s", out)
	}
	answer := func(typed string, code int, args ...string) (string, string) {
		t.Helper()
		var o, e bytes.Buffer
		if got := run(t.Context(), newApp(strings.NewReader(typed), &o, &e, r.getenv), args); got != code {
			t.Errorf("%v, typed %q: exit code %d, want %d\n%s%s", args, typed, got, code, o.String(), e.String())
		}
		return o.String(), e.String()
	}
	for _, typed := range []string{"", "\n", "n\n", "yess\n"} {
		_, errs := answer(typed, exitRefused, "computer", "approve", "222-222")
		for _, want := range []string{"Code:     222-222, at box ward7-box", "NOT KNOWN to the site", "serial 4711", "Strangers (Wipe)", "ERASES", "Type y", "not approved"} {
			if !strings.Contains(errs, want) {
				t.Errorf("%q is not in:\n%s", want, errs)
			}
		}
	}
	if out, _ := answer("y\n", exitDone, "computer", "approve", "222222"); !strings.Contains(out, "bw-a2 at ward7-box is approved") {
		t.Errorf("approve: %s", out)
	}
	if out, _ := r.want(exitDone, "computer", "pending"); !strings.Contains(out, "approve ann") {
		t.Errorf("afterwards:\n%s", out)
	}
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{exitFailed, []string{"computer", "approve", "111-111"}, "--at-box"},
		{exitFailed, []string{"computer", "approve", "111-111", "--yes"}, "--at-box"},
		{exitFailed, []string{"computer", "approve", "999-999"}, "computer pending"},
		{exitFailed, []string{"computer", "deny", "222-222"}, "approve by ann"},
		{exitUsage, []string{"computer", "approve", "pc1"}, "six digits"},
		{exitUsage, []string{"computer", "approve"}, "CODE is missing"},
		{exitUsage, []string{"--json", "computer", "approve", "333-333"}, "--yes"},
		{exitUsage, []string{"computer", "pending", "--every", "0s"}, "more than 0"},
	} {
		if _, errs := r.want(c.code, c.args...); !strings.Contains(errs, c.want) {
			t.Errorf("%v: %q is not in %s", c.args, c.want, errs)
		}
	}
	r.want(exitDone, "computer", "approve", "111-111", "--at-box", "ward8-box", "--yes")
	out, _ = r.want(exitDone, "--json", "computer", "deny", "333-333")
	var ordered api.Ordered
	if err := json.Unmarshal([]byte(out), &ordered); err != nil || len(ordered.Boxes) != 1 {
		t.Errorf("deny: %s, %v", out, err)
	}
	out, _ = r.want(exitDone, "site", "audit")
	for _, want := range []string{policy.OrderApprove, policy.OrderDeny, "333-333"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the audit log:\n%s", want, out)
		}
	}
}
