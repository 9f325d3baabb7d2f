package managementpoint

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust/trusttest"
)

const (
	wardMAC  = "52:54:00:00:00:01"
	wardGUID = "33221100-5544-7766-8899-aabbccddeeff"
)

// secrets are texts of the policy that nobody may hear.
var secrets = []string{"secret-pc-name", "secret-variable", wardGUID, "Other ward", "Secret collection", "SERIAL-1"}

// ward fills the rig's policy: one computer with an advertisement that a person
// may choose, and one of another collection.
func (r *rig) ward() {
	meta := func(id, name string) osd.Meta { return osd.Meta{ID: id, Name: name} }
	*r.policy = policy.Snapshot{
		Format: 1, Site: "CEN", IssuedAt: time.Now(),
		Box: osd.Box{PXE: osd.PXE{UnknownComputers: true}},
		Computers: []osd.Computer{
			{Meta: meta("C1", "secret-pc-name"), MACs: []string{wardMAC}, SMBIOSGUID: wardGUID, Variables: map[string]string{"Key": "secret-variable"}},
			{Meta: meta("C2", "secret-pc-name-2"), MACs: []string{"52:54:00:00:00:02"}},
		},
		Collections: []osd.Collection{{Meta: meta("K1", "Ward"), Members: []string{"secret-pc-name"}}, {Meta: meta("K2", "Secret collection"), Members: []string{"secret-pc-name-2"}}},
		Advertisements: []osd.Advertisement{
			{Meta: meta("A1", "Look"), Collection: "Ward", Sequence: "S", Rerun: osd.RerunAlways},
			{Meta: meta("A2", "Other ward"), Collection: "Secret collection", Sequence: "S"},
			{Meta: meta("A3", "Guests"), Collection: osd.UnknownComputers, Sequence: "S", Rerun: osd.RerunAlways, Approval: osd.ApprovalNone},
		},
		BootImages: []osd.BootImage{{Meta: osd.Meta{ID: "B1", Name: "Boot"}, Content: osd.Content{Manifest: "boot"}}},
		Sequences:  []policy.Sequence{{ID: "S1", Name: "S", Digest: "d", BootImage: "B1"}},
	}
}

func (r *rig) claim(id api.Identity, advertisement string) (job string, code int, text string) {
	r.t.Helper()
	_, csr := r.key()
	body, err := json.Marshal(api.Claim{Identity: id, Advertisement: advertisement, Person: true, CSR: csr})
	fatal(r.t, err)
	code, text = r.ask(nil, api.RouteClaim, string(body))
	var c api.Claimed
	if code == http.StatusOK {
		fatal(r.t, json.Unmarshal([]byte(text), &c))
	}
	return c.Job, code, text
}

// TestLabelsBuyNoKnowledge: who shows a MAC learns what is on offer, and neither
// names, variables, the other labels, nor what is for others.
func TestLabelsBuyNoKnowledge(t *testing.T) {
	r := newRig(t)
	r.ward()
	asks := []struct {
		name, route, body string
	}{
		{"offers", api.RouteOffers, `{"macs":["` + wardMAC + `"]}`},
		{"offers, wrong GUID", api.RouteOffers, `{"macs":["` + wardMAC + `"],"smbiosGUID":"00000000-0000-0000-0000-000000000001"}`},
		{"offers, MACs of two", api.RouteOffers, `{"macs":["` + wardMAC + `","52:54:00:00:00:02"]}`},
		{"offers, unknown", api.RouteOffers, `{"macs":["52:54:00:00:00:99"]}`},
		{"decline", api.RouteDecline, `{"macs":["` + wardMAC + `"]}`},
	}
	hear := func(name, text string) {
		t.Helper()
		for _, s := range secrets {
			if strings.Contains(strings.ToLower(text), strings.ToLower(s)) {
				t.Errorf("%s tells %q: %s", name, s, text)
			}
		}
	}
	for _, a := range asks {
		_, text := r.ask(nil, a.route, a.body)
		hear(a.name, text)
	}
	for _, adv := range []string{"A2", "A9", "Other ward"} {
		_, code, text := r.claim(api.Identity{MACs: []string{wardMAC}}, adv)
		if code != http.StatusUnprocessableEntity {
			t.Errorf("claim of %s: %d %s", adv, code, text)
		}
		hear("claim of "+adv, strings.ReplaceAll(text, adv, "")) // what he said himself
	}
	// A second claimant is not told the labels of the first.
	if _, code, text := r.claim(api.Identity{MACs: []string{wardMAC}, SMBIOSGUID: wardGUID, SerialNumber: "SERIAL-1"}, "A1"); code != http.StatusOK {
		t.Fatalf("claim: %d %s", code, text)
	}
	hear2 := func(code int, text string) {
		t.Helper()
		if code != http.StatusConflict {
			t.Errorf("second claimant: %d %s", code, text)
		}
		hear("the refusal of a second claimant", text)
	}
	_, code, text := r.claim(api.Identity{MACs: []string{wardMAC}, SerialNumber: "other"}, "A1")
	hear2(code, text)
}

// TestSelfRegisteredClientsGetNothing: a thousand made-up machines at a box that
// serves known computers only.
func TestSelfRegisteredClientsGetNothing(t *testing.T) {
	r := newRig(t)
	r.ward()
	r.policy.Box.PXE.UnknownComputers = false
	p := r.direct(time.Now)
	for i := range 1000 {
		id := api.Identity{MACs: []string{fmt.Sprintf("52:54:00:99:%02x:%02x", i>>8, i&0xff)}}
		o, failed := p.offers(t.Context(), api.Ask{Identity: id})
		if failed != nil || len(o.Offers) != 0 {
			t.Fatalf("machine %d: %+v, %v", i, o, failed)
		}
		if i%50 != 0 { // claims cost a key each
			continue
		}
		_, csr := r.key()
		for _, adv := range []string{"A1", "A2", "A3"} {
			if _, failed := p.claim(t.Context(), api.Claim{Identity: id, Advertisement: adv, Person: true, CSR: csr}, "10.7.0.20"); failed == nil || failed.Code != api.CodeRefused {
				t.Fatalf("claim of machine %d: %v", i, failed)
			}
		}
	}
	if jobs, err := r.store.OpenJobs(t.Context()); err != nil || len(jobs) != 0 {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
}

// direct is a management point without a socket, on the rig's store and policy.
func (r *rig) direct(now func() time.Time) *Point {
	return &Point{Store: r.store, Self: func() *Self {
		return &Self{Box: "CEN00001", BoxName: "ward-7", Site: "CEN", Anchor: r.Anchor, Authority: r.box}
	}, Policy: func() *policy.Snapshot { return r.policy }, Complete: func(string) bool { return true }, Content: noContent{}, Now: now, Log: slog.New(slog.DiscardHandler)}
}

// TestMadeUpMachinesAreCounted: claims without a grant cannot fill the box.
func TestMadeUpMachinesAreCounted(t *testing.T) {
	r := newRig(t)
	r.ward()
	clock := time.Now()
	p := r.direct(func() time.Time { return clock })
	claim := func(mac, adv string) *api.Error {
		_, csr := r.key()
		c, failed := p.claim(t.Context(), api.Claim{Identity: api.Identity{MACs: []string{mac}}, Advertisement: adv, Person: true, CSR: csr}, "10.7.0.20")
		if failed == nil {
			fatal(t, r.store.EndJob(t.Context(), c.Job, store.JobAbandoned, "test", clock))
		}
		return failed
	}
	for i := range maxUnknown {
		if failed := claim(fmt.Sprintf("52:54:00:98:00:%02x", i), "A3"); failed != nil {
			t.Fatalf("machine %d: %v", i, failed)
		}
	}
	if failed := claim("52:54:00:97:00:01", "A3"); failed == nil || failed.Code != api.CodeTooMany {
		t.Errorf("one made-up machine more: %v", failed)
	}
	for i := range maxOfMachine {
		if failed := claim(wardMAC, "A1"); failed != nil {
			t.Fatalf("run %d of a known machine: %v", i, failed)
		}
	}
	if failed := claim(wardMAC, "A1"); failed == nil || failed.Code != api.CodeTooMany {
		t.Errorf("one run more: %v", failed)
	}
	clock = clock.Add(time.Hour + time.Second)
	if failed := claim(wardMAC, "A1"); failed != nil {
		t.Errorf("an hour later: %v", failed)
	}
}

// TestGrantIsNotSpentInVain: a box that cannot sign keeps the grant.
func TestGrantIsNotSpentInVain(t *testing.T) {
	r := newRig(t)
	r.ward()
	a := &r.policy.Advertisements[0]
	a.Mandatory, r.policy.Sequences[0].Destructive = []string{osd.AsSoonAsPossible}, true
	now := time.Now().Add(20 * 365 * 24 * time.Hour) // the box's own certificate has ended
	r.policy.IssuedAt = now
	r.policy.Grants = []policy.SignedGrant{{Grant: policy.Grant{ID: "G1", Computer: "C1", Advertisement: "A1", Sequence: "d", StateID: r.store.StateID(), IssuedAt: now, ExpiresAt: now.Add(time.Hour)}}}
	_, csr := r.key()
	_, failed := r.direct(func() time.Time { return now }).claim(t.Context(), api.Claim{Identity: api.Identity{MACs: []string{wardMAC}}, Advertisement: "A1", CSR: csr}, "10.7.0.20")
	if failed == nil {
		t.Fatal("a certificate of an authority that has ended was given")
	}
	if used, err := r.store.UsedGrants(t.Context()); err != nil || len(used) != 0 {
		t.Errorf("used grants %v, %v", used, err)
	}
}

// TestClaimsAtOnce: of many machines with the same labels one gets the job, then
// all are stopped, and the grant is spent once.
func TestClaimsAtOnce(t *testing.T) {
	r := newRig(t)
	r.ward()
	p := r.direct(time.Now)
	type result struct {
		c      api.Claimed
		failed *api.Error
	}
	results := make(chan result)
	const n = 8
	for range n {
		_, csr := r.key()
		go func() {
			c, failed := p.claim(t.Context(), api.Claim{Identity: api.Identity{MACs: []string{wardMAC}}, Advertisement: "A1", Person: true, CSR: csr}, "10.7.0.20")
			results <- result{c, failed}
		}()
	}
	won := map[string]bool{}
	for range n {
		if got := <-results; got.failed == nil {
			won[got.c.Job] = true
		}
	}
	jobs, err := r.store.JobsOf(t.Context(), "computer:C1")
	fatal(t, err)
	open := 0
	for _, j := range jobs {
		if j.State == store.JobOpen {
			open++
		}
	}
	if len(won) != len(jobs) || open > 1 {
		t.Errorf("%d won, %d jobs, %d open", len(won), len(jobs), open)
	}
}

// TestMessagesAreCutDown: a job is whoever showed a MAC; what it makes the box
// keep is short, printable and has an end.
func TestMessagesAreCutDown(t *testing.T) {
	r := newRig(t)
	r.ward()
	p := r.direct(time.Now)
	job, code, text := r.claim(api.Identity{MACs: []string{wardMAC}, Model: "\x1b[2Jevil"}, "A1")
	if code != http.StatusOK {
		t.Fatal(text)
	}
	j, err := r.store.Job(t.Context(), job)
	fatal(t, err)
	if j.Identity.Model != "?[2Jevil" {
		t.Errorf("model %q", j.Identity.Model)
	}
	huge := strings.Repeat("\x1b[31m", 1<<20)
	if _, failed := p.status(t.Context(), j, api.StatusBatch{Messages: []status.Message{{Number: 1, ID: status.ActionCompleted, Action: huge, Group: huge, Stage: huge, Output: huge}},
		Progress: &status.Progress{Action: huge}}); failed != nil {
		t.Fatal(failed)
	}
	kept, err := r.store.Messages(t.Context(), job)
	fatal(t, err)
	if m := kept[0]; len(m.Action) > maxName || len(m.Group) > maxName || len(m.Stage) > maxName || len(m.Output) > status.MaxOutput || strings.Contains(m.Action, "\x1b") {
		t.Errorf("kept %d, %d, %d, %d bytes", len(m.Action), len(m.Group), len(m.Stage), len(m.Output))
	}
	if g := p.Progress()[job]; len(g.Action) > maxName {
		t.Errorf("progress of %d bytes", len(g.Action))
	}
	if _, failed := p.status(t.Context(), j, api.StatusBatch{Messages: []status.Message{{Job: "another", Number: 2, ID: status.SequenceFailed}}}); failed == nil || failed.Code != api.CodeInvalid {
		t.Errorf("a message of another job: %v", failed)
	}
	j.Next = maxJobMessages + 1
	if _, failed := p.status(t.Context(), j, api.StatusBatch{Messages: []status.Message{{Number: j.Next, ID: status.ActionCompleted}}}); failed == nil || failed.Code != api.CodeRefused {
		t.Errorf("one message too many: %v", failed)
	}
}

// TestClockSetBack: a job of the future is not open for ever.
func TestClockSetBack(t *testing.T) {
	r := newRig(t)
	r.ward()
	clock := time.Now().AddDate(1, 0, 0)
	p := r.direct(func() time.Time { return clock })
	_, csr := r.key()
	c, failed := p.claim(t.Context(), api.Claim{Identity: api.Identity{MACs: []string{wardMAC}}, Advertisement: "A1", Person: true, CSR: csr}, "10.7.0.20")
	if failed != nil {
		t.Fatal(failed)
	}
	clock = time.Now()
	state := func() store.JobState {
		t.Helper()
		fatal(t, p.CloseAbandoned(t.Context()))
		j, err := r.store.Job(t.Context(), c.Job)
		fatal(t, err)
		return j.State
	}
	if s := state(); s != store.JobOpen {
		t.Errorf("just after the clock was set back the job is %s", s)
	}
	if clock = clock.Add(abandonAfter); state() != store.JobAbandoned {
		t.Error("the job is open for ever")
	}
}

// TestErrorsStayInside: what the database says is not for the segment.
func TestErrorsStayInside(t *testing.T) {
	r := newRig(t)
	r.ward()
	fatal(t, r.store.Close())
	for _, body := range []string{`{"macs":["` + wardMAC + `"]}`} {
		for _, route := range []string{api.RouteOffers, api.RouteDecline} {
			code, text := r.ask(nil, route, body)
			if code != http.StatusInternalServerError || strings.Contains(text, "sql") || strings.Contains(text, "database") {
				t.Errorf("%s: %d %s", route, code, text)
			}
		}
	}
}

// TestCertificateEndsOnALongConnection: it is looked at for each request, not
// only in the handshake.
func TestCertificateEndsOnALongConnection(t *testing.T) {
	r := newRig(t)
	cert, key := trusttest.Job(t, r.box, "open", time.Now())
	r.openJob("open", key)
	clock := time.Now()
	p := r.direct(func() time.Time { return clock })
	ask := func() int {
		w, q := newExchange(t, api.RouteJob, cert)
		p.Handler().ServeHTTP(w, q)
		return w.Code
	}
	if code := ask(); code != http.StatusOK {
		t.Fatalf("a good certificate: %d", code)
	}
	clock = clock.Add(2 * time.Hour)
	if code := ask(); code != http.StatusUnauthorized {
		t.Errorf("an ended certificate: %d, want 401", code)
	}
}

// newExchange is a request on a connection whose handshake was made with cert.
func newExchange(t *testing.T, route string, cert *tls.Certificate) (*httptest.ResponseRecorder, *http.Request) {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	q := httptest.NewRequest(method, path, nil)
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	fatal(t, err)
	q.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
	return httptest.NewRecorder(), q
}
