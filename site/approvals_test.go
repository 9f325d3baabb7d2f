package site

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/policy"
)

// atBox enrols a box and lets it say that machines wait.
func (r *rig) atBox(name string, pending ...api.PendingApproval) *peer {
	r.t.Helper()
	p, _ := r.enrol(must[api.EnrolToken](r.t, r.person(), "POST", "/v1/boxes/"+name+"/token", nil).Token, "s")
	p.checkIn(r.clock.now(), pending...)
	return p
}

func (p *peer) checkIn(clock time.Time, pending ...api.PendingApproval) {
	p.rig.t.Helper()
	must[api.CheckedIn](p.rig.t, p, "POST", "/v1/box/checkin", api.CheckIn{StateID: "s", Time: clock, Pending: pending})
}

func (r *rig) waits(id, code string, from time.Time) api.PendingApproval {
	return api.PendingApproval{ID: id, Code: code, Computer: "pc-" + id, Identity: api.Identity{MACs: []string{"52:54:00:77:00:91"}, Model: "Latitude"},
		Advertisement: "Strangers", Sequence: "Wipe", Destructive: true, AskedAt: from, ExpiresAt: from.Add(15 * time.Minute)}
}

// TestApprovals: from what a box says to the order in its policy, and the audit
// entry of who decided.
func TestApprovals(t *testing.T) {
	r := newRig(t)
	r.apply("kind: Box\nname: one\n---\nkind: Box\nname: two\n")
	now := r.clock.now()
	one := r.atBox("one", r.waits("a1", "111-111", now), r.waits("a2", "222-222", now.Add(-time.Minute)))
	two := r.atBox("two", r.waits("b1", "111-111", now))
	list := func() (codes []string) {
		t.Helper()
		for _, p := range must[[]api.BoxPending](t, r.person(), "GET", "/v1/approvals", nil) {
			codes = append(codes, strings.TrimSpace(p.Box+" "+p.Code+" "+p.Decision))
		}
		return codes
	}
	if got, want := list(), []string{"one 222-222", "one 111-111", "two 111-111"}; !slices.Equal(got, want) {
		t.Errorf("pending %v, want %v", got, want)
	}
	for _, tt := range []struct {
		name, code string
		in         api.SiteDecision
		want       int
		says       string
	}{
		{"no decision", "111-111", api.SiteDecision{}, 400, "approve or deny"},
		{"no code", "11", api.SiteDecision{Decision: "approve"}, 400, "six digits"},
		{"unknown", "999-999", api.SiteDecision{Decision: "approve"}, 404, "computer pending"},
		{"at two boxes", "111111", api.SiteDecision{Decision: "approve"}, 409, "--at-box"},
		{"at no such box", "111-111", api.SiteDecision{Decision: "approve", Box: "three"}, 404, ""},
		{"at one", "111-111", api.SiteDecision{Decision: "approve", Box: "two"}, 200, "pc-b1"},
		{"again", "111-111", api.SiteDecision{Decision: "deny", Box: "two"}, 409, "approve by ann"},
		{"the other", "222%20222", api.SiteDecision{Decision: "deny"}, 200, "pc-a2"},
	} {
		if code, raw := r.person().call("POST", "/v1/approvals/"+tt.code, tt.in); code != tt.want || !strings.Contains(string(raw), tt.says) {
			t.Errorf("%s: %d %s, want %d with %q", tt.name, code, raw, tt.want, tt.says)
		}
	}
	if got, want := list(), []string{"one 222-222 deny", "one 111-111", "two 111-111 approve"}; !slices.Equal(got, want) {
		t.Errorf("pending %v, want %v", got, want)
	}
	for p, want := range map[*peer]policy.Order{one: {Kind: policy.OrderDeny, Approval: "a2", By: "ann"}, two: {Kind: policy.OrderApprove, Approval: "b1", By: "ann"}} {
		s, _ := p.policy(t, "")
		if len(s.Orders) != 1 || s.Orders[0].Kind != want.Kind || s.Orders[0].Approval != want.Approval || s.Orders[0].By != want.By || !s.Orders[0].ExpiresAt.After(r.clock.now()) {
			t.Errorf("orders of %s: %+v, want %+v", p.name, s.Orders, want)
		}
	}
	var audit []string
	for _, e := range must[[]api.AuditEntry](t, r.person(), "GET", "/v1/audit", nil) {
		if e.What == "approve" || e.What == "deny" {
			audit = append(audit, e.Who+" "+e.What+" "+e.Object+" "+e.Text)
		}
	}
	for _, want := range []string{"ann approve", "ann deny", "111-111", "222-222", "52:54:00:77:00:91", "Strangers"} {
		if !strings.Contains(strings.Join(audit, "\n"), want) {
			t.Errorf("no %q in the audit log: %q", want, audit)
		}
	}
	two.checkIn(r.clock.now())
	if got, want := list(), []string{"one 222-222 deny", "one 111-111"}; !slices.Equal(got, want) {
		t.Errorf("after the box carried it out: %v, want %v", got, want)
	}
	r.clock.add(15 * time.Minute)
	if got := list(); len(got) != 0 {
		t.Errorf("after the end: %v", got)
	}
	if code, _ := r.person().call("POST", "/v1/approvals/111-111", api.SiteDecision{Decision: "approve"}); code != http.StatusNotFound {
		t.Errorf("approved after the end: %d", code)
	}
}

// TestApprovalsOfWrongClocks: a box whose clock stands years away is served all
// the same, and its order ends by neither clock too early.
func TestApprovalsOfWrongClocks(t *testing.T) {
	for name, off := range map[string]time.Duration{"behind": -10 * 365 * 24 * time.Hour, "before": 10 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.apply("kind: Box\nname: one\n")
			theirs := r.clock.now().Add(off)
			one := r.atBox("one")
			one.checkIn(theirs, r.waits("a1", "111-111", theirs))
			r.clock.add(time.Minute)
			must[api.Ordered](t, r.person(), "POST", "/v1/approvals/111-111", api.SiteDecision{Decision: "approve"})
			s, _ := one.policy(t, "")
			if len(s.Orders) != 1 || !s.Orders[0].ExpiresAt.After(theirs.Add(time.Minute)) {
				t.Errorf("orders: %+v", s.Orders)
			}
			r.clock.add(15 * time.Minute)
			if got := must[[]api.BoxPending](t, r.person(), "GET", "/v1/approvals", nil); len(got) != 0 {
				t.Errorf("a box that was not seen for long: %+v", got)
			}
		})
	}
}

// TestPendingIsChecked: what a box sends is cut, and what nobody could compare is
// dropped.
func TestPendingIsChecked(t *testing.T) {
	r := newRig(t)
	r.apply("kind: Box\nname: one\n")
	now := r.clock.now()
	long, badCode, noID := r.waits("a1", "111-111", now), r.waits("a2", "12", now), r.waits("", "333-333", now)
	long.Computer = strings.Repeat("x", 5000)
	late := r.waits("a3", "444-444", now)
	late.ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -12*3600))
	all := []api.PendingApproval{long, badCode, noID, late}
	for range 200 {
		all = append(all, r.waits("b", "555-555", now))
	}
	r.atBox("one", all...)
	got := must[[]api.BoxPending](t, r.person(), "GET", "/v1/approvals", nil)
	if len(got) != maxPending || len(got[0].Computer) > maxText || slices.ContainsFunc(got, func(p api.BoxPending) bool { return p.Code != "111-111" && p.Code != "555-555" }) {
		t.Errorf("%d kept: %+v", len(got), got[:2])
	}
}
