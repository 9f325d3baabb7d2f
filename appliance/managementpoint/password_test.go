package managementpoint

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
)

const goodPassword = "correct horse"

// locked sets a PXE password. The verifier stands in for what is sealed.
func (r *rig) locked(revision int64) {
	r.change(func(s *policy.Snapshot) {
		s.Sealed = []policy.Sealed{{Kind: policy.SealedSecret, Ciphertext: []byte("other")},
			{Kind: policy.SealedPassword, Object: "CEN00001", Revision: revision, Ciphertext: []byte(trust.NewVerifier(goodPassword))}}
	})
}

func (r *rig) lockedPoint(now func() time.Time) *Point {
	p := r.direct(now)
	p.Unseal = func(s policy.Sealed) ([]byte, error) { return s.Ciphertext, nil }
	return p
}

func (r *rig) try(p *Point, id api.Identity, password string) (string, time.Duration, api.Code) {
	r.t.Helper()
	t, wait, failed := p.password(r.t.Context(), api.Password{Identity: id, Password: password})
	if failed != nil {
		return "", wait, failed.Code
	}
	return t.Ticket, wait, ""
}

// TestPasswordHidesOffers: with a password set, what waits for a person is neither
// named nor given without a ticket; what starts by itself starts.
func TestPasswordHidesOffers(t *testing.T) {
	r := newRig(t)
	r.wiping(1, 1, 1)
	a := osd.Advertisement{Meta: osd.Meta{ID: "A5", Name: "Look"}, Collection: osd.AllSystems, Sequence: "S"}
	broken := osd.Advertisement{Meta: osd.Meta{ID: "A6", Name: "Hidden too"}, Collection: osd.AllSystems, Sequence: "nothing"}
	r.policy.Advertisements = append(r.policy.Advertisements, a, broken)
	r.policy.Sequences = append(r.policy.Sequences, policy.Sequence{ID: "S2", Name: "S", Digest: "e", BootImage: "B1"})
	r.locked(1)
	p := r.lockedPoint(time.Now)
	id := api.Identity{MACs: []string{pcMAC(0)}}
	o, failed := p.offers(t.Context(), api.Ask{Identity: id})
	raw, err := json.Marshal(o)
	fatal(t, err)
	if failed != nil || !o.Password || len(o.Offers) != 1 || !o.Offers[0].Mandatory || strings.Contains(string(raw), "Look") || strings.Contains(string(raw), "Hidden") {
		t.Errorf("offers without a ticket: %s, %v", raw, failed)
	}
	m := r.waiter(p, "A9", id)
	if _, failed := m.claim(); failed == nil || strings.Contains(failed.Error(), "Hidden") {
		t.Errorf("a claim is told: %v", failed)
	}
	m.advertisement = "A5"
	m.refused(api.CodeRefused, "PXE password")
	if m.ticket, _, _ = r.try(p, id, goodPassword); m.ticket == "" {
		t.Fatal("the right password gave no ticket")
	}
	o, failed = p.offers(t.Context(), api.Ask{Identity: id, Ticket: m.ticket})
	if failed != nil || o.Password || len(o.Offers) != 2 {
		t.Errorf("offers with a ticket: %+v, %v", o, failed)
	}
	if c, failed := m.claim(); failed != nil || c.Job == "" {
		t.Errorf("claim with a ticket: %+v, %v", c, failed)
	}
	// The mandatory one needs none.
	r2 := newRig(t)
	r2.wiping(1, 1, 1)
	r2.locked(1)
	m = r2.waiter(r2.lockedPoint(time.Now), "A1", id)
	m.unattended = true
	if c, failed := m.claim(); failed != nil || c.Job == "" {
		t.Errorf("mandatory: %+v, %v", c, failed)
	}
}

// TestTickets: a ticket is good for its machine, for the password of then, for a
// quarter of an hour, and until the box starts again.
func TestTickets(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(r *rig, m *waiter, clock *time.Time)
		good   bool
	}{
		{"as it was given", func(*rig, *waiter, *time.Time) {}, true},
		{"on another machine", func(_ *rig, m *waiter, _ *time.Time) { m.id = stranger("52:54:00:99:00:02") }, false},
		{"ended", func(_ *rig, _ *waiter, clock *time.Time) { *clock = clock.Add(ticketLife) }, false},
		{"of an earlier password", func(r *rig, _ *waiter, _ *time.Time) { r.locked(2) }, false},
		{"of before a restart", func(r *rig, m *waiter, _ *time.Time) { m.p = r.lockedPoint(m.p.Now) }, false},
		{"made up", func(_ *rig, m *waiter, _ *time.Time) { m.ticket = "AAAA" }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			_, clock := r.strangers()
			r.locked(1)
			m := r.waiter(r.lockedPoint(func() time.Time { return *clock }), "A2", stranger(strangerMAC))
			m.ticket, _, _ = r.try(m.p, m.id, goodPassword)
			tt.change(r, m, clock)
			if !tt.good {
				m.refused(api.CodeRefused, "PXE password")
				return
			}
			// It stands in for the code, and the job says so.
			c, failed := m.claim()
			if failed != nil || c.Job == "" {
				t.Fatalf("%+v, %v", c, failed)
			}
			if j, err := r.store.Job(t.Context(), c.Job); err != nil || j.Approved != byPassword || m.p.trusted(j) != nil {
				t.Errorf("approved by %q, %v, trusted: %v", j.Approved, err, m.p.trusted(j))
			}
		})
	}
}

// TestPasswordDoesNotReplaceRequiredApproval: where an advertisement asks for a
// code by name, the password only opens the list. A machine that waits needs no
// ticket any more.
func TestPasswordDoesNotReplaceRequiredApproval(t *testing.T) {
	r := newRig(t)
	_, clock := r.strangers()
	r.policy.Advertisements[1].Approval = osd.ApprovalRequired
	r.locked(1)
	p := r.lockedPoint(func() time.Time { return *clock })
	m := r.waiter(p, "A2", stranger(strangerMAC))
	m.refused(api.CodeRefused, "PXE password")
	m.ticket, _, _ = r.try(p, m.id, goodPassword)
	code := m.waits()
	m.p = r.lockedPoint(p.Now) // the tickets are gone
	if m.waits() != code {
		t.Error("the code changed")
	}
	if _, failed := m.p.DecideCode(t.Context(), code, store.Approve, "ann"); failed != nil {
		t.Fatal(failed)
	}
	if c, failed := m.claim(); failed != nil || c.Job == "" {
		t.Errorf("%+v, %v", c, failed)
	}
}

// TestWaitingIsNoPassword: a key that waits for what starts by itself, which needs no
// password, gets nothing that a person chooses without one.
func TestWaitingIsNoPassword(t *testing.T) {
	r := newRig(t)
	r.wiping(1, 1, 1)
	r.policy.Advertisements[0].Approval = osd.ApprovalRequired
	r.policy.Advertisements = append(r.policy.Advertisements, osd.Advertisement{Meta: osd.Meta{ID: "A5", Name: "Look"}, Collection: osd.AllSystems, Sequence: "Wipe"})
	r.locked(1)
	m := r.waiter(r.lockedPoint(time.Now), "A1", api.Identity{MACs: []string{pcMAC(0)}})
	m.unattended = true
	m.waits()
	m.advertisement, m.unattended = "A5", false
	m.refused(api.CodeRefused, "PXE password")
	r.nothingOpened()
}

// TestPasswordBeforeNames: without the password nobody learns which computers there
// are by typing their names.
func TestPasswordBeforeNames(t *testing.T) {
	r := newRig(t)
	r.strangers()
	r.locked(1)
	m := r.waiter(r.lockedPoint(time.Now), "A2", stranger(strangerMAC))
	for _, name := range []string{"pc-C0", "nobody"} {
		m.replaces = name
		m.refused(api.CodeRefused, "PXE password")
	}
}

// TestPasswordsAreLimited: wrong ones cost time, for the machine and for all
// machines together, also over a restart of the box; every one stands in the
// audit log and in the flight recorder, and no password does.
func TestPasswordsAreLimited(t *testing.T) {
	r := newRig(t)
	_, clock := r.strangers()
	r.locked(1)
	now := func() time.Time { return *clock }
	p := r.lockedPoint(now)
	wrong := 0
	var wait time.Duration
	for ; wrong < 20; wrong++ { // each time another machine
		var code api.Code
		_, wait, code = r.try(p, stranger(macOf(wrong)), "canary-password")
		if code == api.CodeTooMany {
			break
		}
		if code != api.CodeForbidden {
			t.Fatalf("try %d: %s", wrong, code)
		}
	}
	if wrong < 3 || wrong > 10 || wait <= 0 || wait > time.Hour {
		t.Fatalf("%d wrong ones were looked at, then wait %s", wrong, wait)
	}
	p = r.lockedPoint(now)
	if _, again, code := r.try(p, stranger(strangerMAC), goodPassword); code != api.CodeTooMany || again != wait {
		t.Errorf("after a restart: %s, wait %s, want %s", code, again, wait)
	}
	*clock = clock.Add(wait)
	if ticket, _, code := r.try(p, stranger(strangerMAC), goodPassword); ticket == "" {
		t.Errorf("after the wait: %s", code)
	}
	log, err := r.store.AuditLog(t.Context(), 100)
	fatal(t, err)
	events, err := r.store.Timeline(t.Context(), 1000)
	fatal(t, err)
	failed := 0
	for _, e := range events {
		if e.Flight != nil && e.Flight.What == "password-failed" {
			failed++
		}
	}
	raw, err := json.Marshal([]any{log, events})
	fatal(t, err)
	if len(log) != wrong || log[0].What != "password-failed" || failed != wrong || strings.Contains(string(raw), "canary") || strings.Contains(string(raw), goodPassword) {
		t.Errorf("%d entries, %d events, want %d of each: %s", len(log), failed, wrong, raw)
	}
}

// TestPasswordRoute: what the route says over the wire.
func TestPasswordRoute(t *testing.T) {
	r := newRig(t)
	_, clock := r.strangers()
	p := r.lockedPoint(func() time.Time { return *clock })
	ask := func(body string) (int, string, string) {
		w := httptest.NewRecorder()
		p.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/password", strings.NewReader(body)))
		return w.Code, w.Header().Get("Retry-After"), w.Body.String()
	}
	const id = `{"identity":{"macs":["` + strangerMAC + `"]},"password":"`
	if code, _, text := ask(id + `x"}`); code != http.StatusUnprocessableEntity {
		t.Errorf("without a password set: %d %s", code, text)
	}
	r.locked(1)
	for body, want := range map[string]int{"{}": 400, id + `"}`: 400, id + strings.Repeat("x", maxPassword+1) + `"}`: 400, id + goodPassword + `"}`: 200} {
		if code, _, text := ask(body); code != want {
			t.Errorf("%.80s: %d %s, want %d", body, code, text, want)
		}
	}
	for range 10 {
		if code, after, text := ask(id + `wrong"}`); code == http.StatusTooManyRequests {
			if after == "" || after == "0" || !strings.Contains(text, "may be tried in") {
				t.Errorf("Retry-After %q: %s", after, text)
			}
			return
		}
	}
	t.Error("nobody was told to wait")
}

// TestPasswordThatCannotBeOpened: a box that cannot open what the site sealed lets
// nobody choose.
func TestPasswordThatCannotBeOpened(t *testing.T) {
	r := newRig(t)
	_, _ = r.strangers()
	r.locked(1)
	p := r.direct(time.Now)
	if _, _, code := r.try(p, stranger(strangerMAC), goodPassword); code != api.CodeInternal {
		t.Errorf("%s", code)
	}
	if o, failed := p.offers(t.Context(), api.Ask{Identity: stranger(strangerMAC)}); failed != nil || len(o.Offers) != 0 || !o.Password {
		t.Errorf("%+v, %v", o, failed)
	}
}
