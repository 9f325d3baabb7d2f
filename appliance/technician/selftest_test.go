package technician

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/selftest"
)

// TestSelfTest: what comes back, at the route and at the console.
func TestSelfTest(t *testing.T) {
	r := newRig(t)
	r.test = api.SelfTest{Time: r.clock, Segments: []api.Segment{{Interface: "eth0", MTU: 1500,
		Findings: []api.Finding{{Severity: api.FindingProblem, Text: strings.Repeat("no DHCP server ", 20), Ask: "a DHCP server for this VLAN"}}}}}
	term := r.terminal("carl")
	out := term.Line(t.Context(), "selftest")
	if text := strings.Join(out, "\n"); !strings.Contains(text, "eth0: address none") || !strings.Contains(text, "problem  no DHCP server") || !strings.Contains(text, "ask the network team: a DHCP") {
		t.Errorf("console: %s", text)
	}
	for _, l := range out {
		if len(l) >= 80 {
			t.Errorf("%d columns: %s", len(l), l)
		}
	}
	var got api.SelfTest
	token := r.signIn("carl")
	if code, _, e := r.ask(api.RouteSelfTest+"?interface=eth0", token, nil, &got); code != http.StatusOK || len(got.Segments) != 1 {
		t.Errorf("%d %v %+v", code, &e, got)
	}
	for _, c := range []struct {
		err  error
		code int
		said string
	}{
		{selftest.ErrBusy, http.StatusTooManyRequests, "a test is running"}, {selftest.ErrNoInterface, http.StatusNotFound, "does not answer PXE there"},
		{errors.New("a secret of the kernel"), http.StatusInternalServerError, "its log says why"},
	} {
		r.testErr = c.err
		code, head, e := r.ask(api.RouteSelfTest, token, nil, nil)
		if code != c.code || !strings.Contains(e.Detail, c.said) || (head.Get("Retry-After") != "") != (c.err == selftest.ErrBusy) {
			t.Errorf("%v: %d %v %v", c.err, code, &e, head)
		}
		if said := strings.Join(term.Line(t.Context(), "selftest eth0"), ""); !strings.Contains(said, "not done: ") || !strings.Contains(said, c.said) {
			t.Errorf("%v at the console: %s", c.err, said)
		}
	}
	if said := strings.Join(term.Line(t.Context(), "selftest a b"), ""); !strings.Contains(said, "give one interface") {
		t.Errorf("two interfaces: %s", said)
	}
	if said := strings.Join(r.terminal("").Line(t.Context(), "selftest"), ""); !strings.Contains(said, "who are you?") {
		t.Errorf("without a sign-in: %s", said)
	}
}
