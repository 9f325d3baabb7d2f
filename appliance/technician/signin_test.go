package technician

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/httpapi"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

// TestSignIn: who gets in; whoever does not hears the same, and neither PINs nor
// names that nobody has are written down.
func TestSignIn(t *testing.T) {
	r := newRig(t)
	var s api.Session
	code, _, _ := r.ask(api.RouteSignIn, "", api.SignIn{Name: "BOB", PIN: pin}, &s)
	if code != http.StatusOK || s.Name != "Bob" || len(s.Token) != 43 || fmt.Sprint(s.May) != "[approve clear resume media]" || s.ExpiresAt.Sub(r.clock) > longest {
		t.Errorf("%d %+v", code, s)
	}
	if a := r.auditLog()[0]; a.What != "sign-in" || a.Who != "Bob" || a.Object != "Bob" || !strings.HasPrefix(a.Text, "from 192.0.2.1") {
		t.Errorf("audit: %+v", a)
	}
	if code, _, _ := r.ask(api.RouteSignIn, "", api.SignIn{Name: "carl", PIN: pin}, &s); code != http.StatusOK || fmt.Sprint(s.May) != "[clear]" {
		t.Errorf("carl: %d %+v", code, s)
	}
	if code, _, _ := r.ask(api.RouteSignIn, "", api.SignIn{Name: "ann", PIN: pin}, &s); code != http.StatusOK {
		t.Errorf("administrator: %d", code)
	}
	answers := map[string]bool{}
	for _, in := range []api.SignIn{{Name: "bob", PIN: "000000"}, {Name: "nobody-here", PIN: pin}, {Name: "other", PIN: pin}, {Name: "dora", PIN: pin}, {Name: "nopin", PIN: pin}} {
		code, h, e := r.ask(api.RouteSignIn, "", in, nil)
		answers[fmt.Sprint(code, h, e)] = true
		if code != http.StatusUnauthorized {
			t.Errorf("%s: %d %v", in.Name, code, &e)
		}
		r.ask(api.RouteSignIn, "", api.SignIn{Name: "ann", PIN: pin}, &s) // forgets the tries of the side
	}
	if len(answers) != 1 {
		t.Errorf("answers differ: %v", answers)
	}
	failed := 0
	for _, a := range r.auditLog() {
		text := fmt.Sprint(a)
		if strings.Contains(text, pin) || strings.Contains(text, "000000") || strings.Contains(text, "nobody-here") {
			t.Errorf("audit: %+v", a)
		}
		if a.What == "sign-in-failed" {
			failed++
		}
	}
	if log := r.log.String(); failed != 5 || strings.Contains(log, pin) || strings.Contains(log, "000000") || strings.Contains(log, "nobody-here") || strings.Contains(log, s.Token) {
		t.Errorf("%d failures in the audit log; log: %s", failed, log)
	}
	for _, in := range []api.SignIn{{Name: "", PIN: pin}, {Name: "bob"}, {Name: "bob", PIN: strings.Repeat("1", maxPIN+1)}, {Name: "\x1b[2J", PIN: pin}, {Name: strings.Repeat("b", 64), PIN: pin}} {
		if code, _, _ := r.ask(api.RouteSignIn, "", in, nil); code != http.StatusBadRequest {
			t.Errorf("%+v: %d", in, code)
		}
	}
}

// TestNoTwoOfOneName: of two persons whose names differ in case nobody gets in.
func TestNoTwoOfOneName(t *testing.T) {
	r := newRig(t)
	r.policy.People = append(r.policy.People, person("P9", "BOB", ownBox))
	if code, _, _ := r.ask(api.RouteSignIn, "", api.SignIn{Name: "Bob", PIN: pin}, nil); code != http.StatusUnauthorized {
		t.Errorf("%d", code)
	}
}

// TestUnknownNamesTakeAsLong: argon2 runs once with the same cost, whoever it is.
func TestUnknownNamesTakeAsLong(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"bob", "nobody-here", "dora", "other", "nopin"} {
		var costs []string
		r.desk.checked = func(verifier string) { costs = append(costs, strings.Split(verifier, "$")[3]) }
		_, _, right := r.desk.checkPIN(name, "x")
		if right || len(costs) != 1 || costs[0] != strings.Split(trust.NewVerifier("x"), "$")[3] {
			t.Errorf("%s: %v, checked with %q", name, right, costs)
		}
	}
}

// TestWrongPINsWait: after five wrong ones a name waits everywhere, and the side
// that they came from waits with every name, also after a restart. The right one
// is not taken meanwhile.
func TestWrongPINsWait(t *testing.T) {
	r := newRig(t)
	try := func(o origin, name, with string) *failure {
		_, f := r.desk.signIn(t.Context(), api.SignIn{Name: name, PIN: with}, o)
		return f
	}
	network, console := origin{side: "network", idle: remoteIdle}, origin{side: "console", idle: consoleIdle}
	for range 5 {
		if f := try(network, "bob", "wrong"); f == nil || f.Code != api.CodeUnauthorized {
			t.Fatalf("wrong: %v", f)
		}
	}
	limited := func(when string) {
		t.Helper()
		for _, c := range []struct {
			o     origin
			name  string
			waits bool
		}{{network, "bob", true}, {console, "bob", true}, {network, "carl", true}} {
			if f := try(c.o, c.name, pin); (f != nil) != c.waits || f != nil && (f.Code != api.CodeTooMany || f.wait <= 0 || f.wait > time.Minute) {
				t.Errorf("%s: %s at the %s: %v", when, c.name, c.o.side, f)
			}
		}
	}
	limited("at once")
	if code, h, e := r.ask(api.RouteSignIn, "", api.SignIn{Name: "bob", PIN: pin}, nil); code != http.StatusTooManyRequests || h.Get("Retry-After") != "30" || !strings.Contains(e.Detail, "30s") {
		t.Errorf("%d, Retry-After %q, %v", code, h.Get("Retry-After"), &e)
	}
	r.open()
	limited("after a restart")
	if f := try(console, "carl", pin); f != nil {
		t.Errorf("somebody else at the console: %v", f)
	}
	r.clock = r.clock.Add(31 * time.Second)
	if f := try(network, "bob", "wrong"); f == nil || f.Code != api.CodeUnauthorized {
		t.Errorf("after the wait: %v", f)
	}
	if f := try(network, "bob", pin); f == nil || f.wait < 50*time.Second {
		t.Errorf("the wait has not grown: %v", f)
	}
	r.clock = r.clock.Add(61 * time.Second)
	if f := try(network, "bob", pin); f != nil {
		t.Errorf("the right one: %v", f)
	}
	if f := try(network, "bob", "wrong"); f == nil || f.Code != api.CodeUnauthorized {
		t.Errorf("the right one forgot nothing: %v", f)
	}
}

// TestTriesAtOnce: many at the same time get no more tries than one after the
// other, and one who goes away before the answer has tried.
func TestTriesAtOnce(t *testing.T) {
	r := newRig(t)
	codes := make(chan api.Code)
	for range 20 {
		go func() {
			_, f := r.desk.signIn(t.Context(), api.SignIn{Name: "bob", PIN: "wrong"}, origin{side: "network"})
			codes <- f.Code
		}()
	}
	wrong := 0
	for range 20 {
		if <-codes == api.CodeUnauthorized {
			wrong++
		}
	}
	if wrong != 5 {
		t.Errorf("%d tries were taken, want 5", wrong)
	}
}

// TestSessionsEnd by idleness, by age, by signing out, and when there are too many.
func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sessions
		alive := func(token string) bool { _, ok := s.find(token, true); return ok }
		idle, busy := s.open("a", "1", 1, remoteIdle), s.open("b", "2", 1, remoteIdle)
		for range 4 {
			time.Sleep(remoteIdle / 4)
			if !alive(busy) {
				t.Fatal("a session that is used ended")
			}
		}
		if alive(idle) {
			t.Error("an idle session lives")
		}
		for range int(longest/(remoteIdle/2)) - 2 {
			time.Sleep(remoteIdle / 2)
			alive(busy)
		}
		if alive(busy) {
			t.Error("a session of more than eight hours lives")
		}
		out := s.open("c", "3", 1, remoteIdle)
		if s.close(out); alive(out) || alive("") || alive("x") {
			t.Error("a session that was closed lives")
		}
		first := s.open("d", "4", 1, remoteIdle)
		for range maxSessions {
			time.Sleep(time.Millisecond)
			s.open("e", "5", 1, remoteIdle)
		}
		if len(s.all) > maxSessions || alive(first) {
			t.Errorf("%d sessions; the oldest lives: %v", len(s.all), alive(first))
		}
	})
}

// TestPolicyEndsSessions: whom a new policy locks out is out at once.
func TestPolicyEndsSessions(t *testing.T) {
	for name, change := range map[string]func(*policy.Snapshot){
		"disabled":    func(s *policy.Snapshot) { s.People[0].Disabled = true },
		"another box": func(s *policy.Snapshot) { s.People[0].Technician.Boxes = []string{"ward8-box"} },
		"no rights":   func(s *policy.Snapshot) { s.People[0].Technician = nil },
		"gone":        func(s *policy.Snapshot) { s.People = s.People[1:] },
		"new PIN":     func(s *policy.Snapshot) { s.Sealed[0].Revision = 2 },
		"PIN taken":   func(s *policy.Snapshot) { s.Sealed = s.Sealed[1:] },
		"namesake":    func(s *policy.Snapshot) { s.People[0].ID = "P77" },
	} {
		r := newRig(t)
		token := r.signIn("bob")
		if code, _, e := r.ask(api.RouteBoxState, token, nil, nil); code != http.StatusOK {
			t.Fatalf("%s: %d %v", name, code, &e)
		}
		change(r.policy)
		if code, _, _ := r.ask(api.RouteBoxState, token, nil, nil); code != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, code)
		}
	}
	r := newRig(t)
	token := r.signIn("bob")
	r.policy.People[0].Technician.May = []string{osd.MayClear}
	if code, _, _ := r.ask(api.RouteDecide, token, api.Decision{Decision: "approve"}, nil); code != http.StatusForbidden {
		t.Errorf("a right that was taken away: %d", code)
	}
}

// TestCertificates: that of a person, which the site itself signed, lets in as far
// as the policy says; nothing else does.
func TestCertificates(t *testing.T) {
	r := newRig(t)
	person := func(ca *trust.Authority, name string) []byte {
		_, csr := trusttest.Key(t)
		chain, _, err := ca.Person(csr, name, r.clock, time.Hour)
		fatal(t, err)
		return chain
	}
	other, err := trust.NewAuthority("CEN", r.clock)
	fatal(t, err)
	_, csr := trusttest.Key(t)
	box, err := r.ca.BoxClient(csr, "ward7-box", r.clock)
	fatal(t, err)
	for _, c := range []struct {
		name  string
		chain []byte
		want  int
	}{
		{"bob", person(r.ca, "bob"), 200}, {"administrator", person(r.ca, "ann"), 200}, {"without a PIN", person(r.ca, "nopin"), 200},
		{"of another box", person(r.ca, "other"), 403}, {"disabled", person(r.ca, "dora"), 403}, {"not in the policy", person(r.ca, "zoe"), 403},
		{"of another authority", person(other, "bob"), 403}, {"of a box", box, 403}, {"revoked", person(r.ca, "bob"), 401},
	} {
		block, _ := pem.Decode(c.chain)
		leaf, err := x509.ParseCertificate(block.Bytes)
		fatal(t, err)
		if sum := sha256.Sum256(leaf.Raw); c.name != "revoked" {
			for _, p := range r.policy.People {
				r.policy.Certificates[p.Name] = append(r.policy.Certificates[p.Name], hex.EncodeToString(sum[:]))
			}
		}
		ask := func(token string) int {
			q := httptest.NewRequest("GET", "/v1/state", nil)
			q.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
			if token != "" {
				q.Header.Set("Authorization", "Bearer "+token)
			}
			w := httptest.NewRecorder()
			httpapi.Mux(r.desk.Routes()).ServeHTTP(w, q)
			return w.Code
		}
		if got := ask(""); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
		if got := ask(r.signIn("bob")); got != c.want {
			t.Errorf("%s with a token of bob: %d, want %d", c.name, got, c.want)
		}
		was := r.clock
		if r.clock = r.clock.Add(400 * 24 * time.Hour); c.want == 200 && ask("") != 401 {
			t.Errorf("%s: an ended certificate is good", c.name)
		}
		r.clock = was
	}
}
