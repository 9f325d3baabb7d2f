package technician

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
)

// TestTablesAreClosed: every line of both tables says whose it is; an empty right
// is nobody's.
func TestTablesAreClosed(t *testing.T) {
	for _, rt := range routes {
		if rt.right != anybody && rights[rt.right] == "" || rt.right == anybody && rt.pattern != api.RouteSignIn {
			t.Errorf("%s is for %q", rt.pattern, rt.right)
		}
	}
	for _, w := range words {
		if w.right != anybody && rights[w.right] == "" || w.right == anybody && !strings.HasPrefix(w.name, "sign") && w.name != "status" {
			t.Errorf("%s is for %q", w.name, w.right)
		}
	}
	admin := caller{&osd.Person{Role: osd.RoleAdministrator}, ownBox}
	for _, do := range []string{"", "everything"} {
		if admin.may(do) == nil {
			t.Errorf("right %q is the administrator's", do)
		}
	}
}

// TestRights: each change needs its right, at the routes and at the console.
func TestRights(t *testing.T) {
	for _, c := range []struct {
		right, pattern, typed string
		in                    any
	}{
		{osd.MayApprove, api.RouteDecide, "approve " + theCode, api.Decision{Decision: "approve"}},
		{osd.MayApprove, api.RouteDecide, "deny " + theCode, api.Decision{Decision: "deny"}},
		{osd.MayResume, api.RouteBoxResume, "resume", nil},
		{osd.MayClear, api.RouteBoxRetry, "retry ward7-pc1", api.RetryJobs{Computers: []string{"ward7-pc1"}}},
		{osd.MayClear, api.RouteBoxClear, "clear ward7-pc1", api.ClearPXE{Computers: []string{"ward7-pc1"}}},
	} {
		for _, has := range []string{osd.MayApprove, osd.MayResume, osd.MayClear, osd.MayMedia} {
			r := newRig(t)
			r.wait(theCode)
			r.stop()
			r.failed()
			r.policy.People[0].Technician.May = []string{has}
			code, _, e := r.ask(c.pattern, r.signIn("bob"), c.in, nil)
			if ok := code < 300; ok != (has == c.right) || !ok && code != http.StatusForbidden {
				t.Errorf("%s with the right to %s: %d %v", c.pattern, has, code, &e)
			}
			r = newRig(t)
			r.wait(theCode)
			r.stop()
			r.failed()
			r.policy.People[0].Technician.May = []string{has}
			term := r.terminal("bob")
			if out := strings.Join(term.Line(t.Context(), c.typed), " "); strings.Contains(out, "may not") != (has != c.right) || has == c.right && strings.Contains(out, "not done") {
				t.Errorf("%s with the right to %s: %s", c.typed, has, out)
			}
		}
	}
}

// TestChangesAreAudited under the name of the person, and go up to the site.
func TestChangesAreAudited(t *testing.T) {
	r := newRig(t)
	r.wait(theCode)
	r.stop()
	token := r.signIn("bob")
	var p api.PendingApproval
	if code, _, e := r.ask(api.RouteDecide, token, api.Decision{Decision: "approve"}, &p); code != http.StatusOK || p.Who != "Bob" || p.Decision != "approve" {
		t.Errorf("approve: %d %v %+v", code, &e, p)
	}
	if code, _, _ := r.ask(api.RouteDecide, token, api.Decision{Decision: "deny"}, nil); code != http.StatusConflict {
		t.Errorf("deny after approve: %d", code)
	}
	if code, _, e := r.ask(api.RouteBoxResume, token, nil, nil); code != http.StatusNoContent {
		t.Errorf("resume: %d %v", code, &e)
	}
	if code, _, _ := r.ask(api.RouteBoxResume, token, nil, nil); code != http.StatusConflict {
		t.Errorf("resume of a box that goes on: %d", code)
	}
	var cleared api.Cleared
	if code, _, e := r.ask(api.RouteBoxClear, token, api.ClearPXE{Computers: []string{pcMAC, "C2", "WARD7-PC1"}}, &cleared); code != http.StatusOK || fmt.Sprint(cleared.Computers) != "[ward7-pc1 ward7-pc2]" {
		t.Errorf("clear: %d %v %v", code, &e, cleared)
	}
	if code, _, e := r.ask(api.RouteBoxClear, token, api.ClearPXE{Computers: []string{"ward7-pc1", "ward9-pc9"}}, nil); code != http.StatusNotFound || e.Object != "ward9-pc9" {
		t.Errorf("clear of an unknown computer: %d %+v", code, e)
	}
	var log []api.AuditRecord
	r.ask(api.RouteBoxAudit, token, nil, &log)
	var got []string
	for _, a := range log {
		got = append(got, a.Who+" "+a.What+" "+a.Object)
	}
	want := "Bob clear-pxe C2;Bob clear-pxe C1;Bob resume ;Bob approve A482-913;Bob sign-in Bob;box stopped "
	if strings.Join(got, ";") != want {
		t.Errorf("audit log\n%s, want\n%s", strings.Join(got, ";"), want)
	}
	events, err := r.desk.Store.Unsent(t.Context(), 100)
	fatal(t, err)
	sent := 0
	for _, e := range events {
		if e.Audit != nil {
			sent++
		}
	}
	if sent != len(log) {
		t.Errorf("%d entries go up, want %d", sent, len(log))
	}
}

// TestCodesAreNotGuessed: after five codes that no machine shows a technician
// waits, also with the right one; others do not.
func TestCodesAreNotGuessed(t *testing.T) {
	r := newRig(t)
	r.wait(theCode)
	bob, _ := r.desk.callerNamed("bob")
	ann, _ := r.desk.callerNamed("ann")
	for i, typed := range []string{"000-001", "000002", "000 003", "000-004", "000-005"} {
		if _, f := r.desk.decide(t.Context(), bob, typed, "approve"); f == nil || f.Code != api.CodeNotFound {
			t.Errorf("guess %d: %v", i, f)
		}
	}
	for _, typed := range []string{"", "12345", "abc-def"} { // no guesses
		if _, f := r.desk.decide(t.Context(), ann, typed, "approve"); f == nil || f.Code != api.CodeInvalid {
			t.Errorf("%q: %v", typed, f)
		}
	}
	if _, f := r.desk.decide(t.Context(), bob, theCode, "approve"); f == nil || f.Code != api.CodeTooMany || f.wait <= 0 {
		t.Errorf("the right one after five wrong: %v", f)
	}
	if _, f := r.desk.decide(t.Context(), ann, theCode, "approve"); f != nil {
		t.Errorf("somebody else: %v", f)
	}
}

func TestTimeline(t *testing.T) {
	r := newRig(t)
	for i, mac := range []string{pcMAC, newMAC, pcMAC} {
		fatal(t, r.desk.Store.Record(t.Context(), status.FlightEvent{Time: r.clock.Add(time.Duration(i)), Client: mac, What: "tftp", Text: fmt.Sprint(i)}))
	}
	token := r.signIn("carl")
	var events []status.FlightEvent
	code, _, _ := r.ask(api.RouteBoxTimeline+"?client=525400770011", token, nil, &events)
	if code != http.StatusOK || len(events) != 2 || events[0].Text != "0" || events[1].Text != "2" {
		t.Errorf("%d %+v", code, events)
	}
	if code, _, _ := r.ask(api.RouteBoxTimeline, token, nil, nil); code != http.StatusBadRequest {
		t.Errorf("without a MAC: %d", code)
	}
}

// TestErrorsStayInside: what the database says is told nobody.
func TestErrorsStayInside(t *testing.T) {
	r := newRig(t)
	token := r.signIn("bob")
	fatal(t, r.desk.Store.Close())
	for _, rt := range routes {
		if rt.pattern == api.RouteSignOut || rt.pattern == api.RouteBoxTimeline || rt.pattern == api.RouteBoxTrace || rt.pattern == api.RouteBoxExplain {
			continue // those ask for a MAC first: see below
		}
		var in any = map[string]any{"name": "bob", "pin": pin, "decision": "approve", "computers": []string{"C1"}}
		if rt.pattern == api.RouteSelfTest {
			continue // it asks the network, not the database
		}
		if code, _, e := r.ask(rt.pattern, token, in, nil); code != http.StatusInternalServerError || strings.Contains(e.Detail, "database") || strings.Contains(e.Detail, "sql") {
			t.Errorf("%s: %d %v", rt.pattern, code, &e)
		}
	}
	for _, route := range []string{api.RouteBoxTimeline, api.RouteBoxTrace, api.RouteBoxExplain} {
		if code, _, e := r.ask(route+"?client="+pcMAC, token, nil, nil); code != http.StatusInternalServerError || strings.Contains(e.Detail, "database") || strings.Contains(e.Detail, "sql") {
			t.Errorf("%s: %d %v", route, code, &e)
		}
	}
}

// TestTrace: the timeline comes with a diagnosis; a machine that was never seen has one too.
func TestTrace(t *testing.T) {
	r := newRig(t)
	token := r.signIn("carl")
	fatal(t, r.desk.Store.Record(t.Context(), status.FlightEvent{Time: r.clock, Client: pcMAC, What: status.FlightRefused, Text: "silent: no",
		Boot: &status.Boot{Firmware: "uefi-ia32", Cause: status.CauseArchitecture}}))
	for mac, want := range map[string]trace.Code{pcMAC: trace.NoBootImage, newMAC: trace.Nothing} {
		var x trace.Trace
		code, _, _ := r.ask(api.RouteBoxTrace+"?client="+mac, token, nil, &x)
		if code != http.StatusOK || x.Diagnosis.Code != want || x.Entries == nil || x.Client != mac {
			t.Errorf("%s: %d %+v", mac, code, x)
		}
	}
	if code, _, _ := r.ask(api.RouteBoxTrace, token, nil, nil); code != http.StatusBadRequest {
		t.Errorf("without a MAC: %d", code)
	}
	r.desk.Explain = nil
	if code, _, _ := r.ask(api.RouteBoxExplain+"?client="+pcMAC, token, nil, nil); code != http.StatusServiceUnavailable {
		t.Errorf("nothing explains: %d", code)
	}
}

// TestBeforeAnything: a box without identity or policy lets nobody in.
func TestBeforeAnything(t *testing.T) {
	r := newRig(t)
	token := r.signIn("bob")
	r.desk.Evaluator = func() *policy.Evaluator { return nil }
	if code, _, _ := r.ask(api.RouteBoxState, token, nil, nil); code != http.StatusUnauthorized {
		t.Errorf("without a policy: %d", code)
	}
	if code, _, _ := r.ask(api.RouteSignIn, "", api.SignIn{Name: "bob", PIN: pin}, nil); code != http.StatusUnauthorized {
		t.Errorf("sign-in without a policy: %d", code)
	}
	r.desk.Self = func() *Self { return nil }
	for _, rt := range routes {
		if code, h, _ := r.ask(rt.pattern, token, nil, nil); code != http.StatusServiceUnavailable || h.Get("Retry-After") == "" {
			t.Errorf("%s: %d", rt.pattern, code)
		}
	}
}
