package site

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
)

func (p *peer) policy(t *testing.T, query string) (*policy.Snapshot, []byte) {
	t.Helper()
	code, raw := p.call("GET", "/v1/box/policy"+query, nil)
	if code == http.StatusNoContent {
		return nil, nil
	}
	if code != http.StatusOK {
		t.Fatalf("policy: %d %s", code, raw)
	}
	payload, err := trust.Open(raw, trust.TypePolicy, p.rig.anchor.Signing)
	if err != nil {
		t.Fatal(err)
	}
	var s policy.Snapshot
	if err := json.Unmarshal(payload, &s); err != nil {
		t.Fatal(err)
	}
	return &s, raw
}

// TestFlow goes from an empty site to a finished deployment, over real TLS.
func TestFlow(t *testing.T) {
	r := newRig(t)
	r.contents()
	if n := notes(find(r.apply(ward), "Advertisement", "Install")); !strings.Contains(n, "2 machines may be erased once: ward7-pc1, ward7-pc2") {
		t.Errorf("notes of the advertisement: %s", n)
	}
	token := must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token
	box, enrolled := r.enrol(token, "state-1")
	if a, err := trust.ParseAnchor(enrolled.Anchor); err != nil || a.Fingerprint() != r.anchor.Fingerprint() {
		t.Errorf("anchor of the enrolment: %v", err)
	}

	s, _ := box.policy(t, "")
	if s.Epoch != 1 || len(s.Computers) != 2 || len(s.Sequences) != 1 || len(s.Images) != 1 || len(s.BootImages) != 1 || len(s.Packages) != 1 || len(s.Grants) != 2 {
		t.Fatalf("snapshot is %+v", s)
	}
	for _, g := range s.Grants {
		payload, err := trust.Open(g.Envelope, trust.TypeGrant, r.anchor.Signing)
		var signed policy.Grant
		if err != nil || json.Unmarshal(payload, &signed) != nil || signed.ID != g.ID || signed.StateID != "state-1" {
			t.Errorf("grant %+v, %v", signed, err)
		}
	}
	machine := policy.Machine{MACs: []string{"52-54-00-77-00-11"}}
	if d := policy.Evaluate(s, machine, policy.History{StateID: "state-1"}, r.clock.now()); d.Mandatory() == nil || d.Mandatory().Grant == nil {
		t.Errorf("decision: %+v", d)
	}
	again, _ := box.policy(t, "")
	if again.Number != s.Number {
		t.Errorf("unchanged policy got number %d after %d", again.Number, s.Number)
	}
	if same, _ := box.policy(t, "?have="+Version{s.Epoch, s.Number}.String()); same != nil {
		t.Error("the same policy was sent again")
	}
	longPoll(t, r, box, s)
	fetch(t, r, box, s)
	report(t, r, box)
}

// longPoll waits for a policy while an apply changes it.
func longPoll(t *testing.T, r *rig, box *peer, s *policy.Snapshot) {
	t.Helper()
	got := make(chan *policy.Snapshot, 1)
	go func() {
		p, err := r.WaitPolicy(t.Context(), box.id, Version{s.Epoch, s.Number}, time.Minute, nil)
		if err != nil || p == nil {
			t.Errorf("wait: %v, %v", p, err)
			got <- nil
			return
		}
		got <- &policy.Snapshot{Number: p.Number}
	}()
	r.apply("kind: Computer\nname: ward7-pc1\ncomment: by the window\nmacs: [52:54:00:77:00:11]\n")
	select {
	case p := <-got:
		if p == nil || p.Number <= s.Number {
			t.Errorf("after the change: %+v", p)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the long poll was not woken")
	}
}

// fetch gets the content as a box does, and nothing else.
func fetch(t *testing.T, r *rig, box *peer, s *policy.Snapshot) {
	t.Helper()
	dst, err := content.OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	src := content.HTTPSource{Client: box.http, Base: r.url, Manifests: "/v1/box/manifests/", Blobs: "/v1/box/blobs/"}
	for _, d := range []string{s.Images[0].Manifest, s.BootImages[0].Manifest, s.Packages[0].Manifest} {
		if err := content.FetchVersion(t.Context(), dst, src, d, r.anchor.Signing, nil); err != nil {
			t.Errorf("fetch: %v", err)
		}
	}
	secret := r.upload(map[string][]byte{"a": []byte("not in the policy of this box")})
	if code, raw := r.importing("Package", "other ward", secret); code != http.StatusOK {
		t.Fatalf("import: %d %s", code, raw)
	}
	if code, _ := box.call("GET", "/v1/box/blobs/"+secret.Files[0].SHA256, nil); code != http.StatusNotFound {
		t.Errorf("content out of policy: %d, want 404", code)
	}
	payload, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := box.call("GET", "/v1/box/manifests/"+content.Digest(payload), nil); code != http.StatusNotFound {
		t.Errorf("manifest out of policy: %d, want 404", code)
	}
}

// report sends events, some of them twice, and looks at the views.
func report(t *testing.T, r *rig, box *peer) {
	t.Helper()
	must[api.CheckedIn](t, box, "POST", "/v1/box/checkin", api.CheckIn{StateID: "state-1", Ready: true, Epoch: 1, Number: 2})
	event := func(n uint64, id status.MessageID) api.BoxEvent {
		return api.BoxEvent{Number: n, Status: &status.Message{Job: "job-1", Number: n, ID: id, Time: r.clock.now().Add(time.Duration(n) * time.Second), Computer: "ward7-pc1", Advertisement: "Install"}}
	}
	one, two, three := event(1, status.SequenceStarted), event(2, status.ActionCompleted), event(3, status.SequenceCompleted)
	flight := api.BoxEvent{Number: 4, Flight: &status.FlightEvent{Client: "52:54:00:77:00:11", What: "dhcp-discover"}}
	send := func(events ...api.BoxEvent) uint64 {
		t.Helper()
		return must[api.EventAck](t, box, "POST", "/v1/box/events", api.EventBatch{StateID: "state-1", Events: events}).Next
	}
	for i, c := range []struct {
		events []api.BoxEvent
		want   uint64
	}{
		{[]api.BoxEvent{one}, 2}, {[]api.BoxEvent{one, two}, 3}, {[]api.BoxEvent{flight}, 3},
		{[]api.BoxEvent{two, three, flight}, 5}, {[]api.BoxEvent{{Number: 5}}, 6}, {nil, 6},
	} {
		if got := send(c.events...); got != c.want {
			t.Errorf("batch %d: next is %d, want %d", i, got, c.want)
		}
	}
	if code, _ := box.call("POST", "/v1/box/events", api.EventBatch{StateID: "state-2", Events: []api.BoxEvent{one}}); code != http.StatusForbidden {
		t.Errorf("events of another state: %d, want 403", code)
	}
	person := r.person()
	if m := must[api.Messages](t, person, "GET", "/v1/messages?computer=ward7-pc1", nil); len(m.Messages) != 3 {
		t.Errorf("%d messages, want 3", len(m.Messages))
	}
	if f := must[[]status.FlightEvent](t, person, "GET", "/v1/flight?client=52-54-00-77-00-11", nil); len(f) != 1 {
		t.Errorf("%d flight events, want 1", len(f))
	}
	jobs := must[[]api.JobState](t, person, "GET", "/v1/jobs", nil)
	if len(jobs) != 1 || jobs[0].State != "succeeded" || jobs[0].Box != "ward7-box" {
		t.Errorf("jobs: %+v", jobs)
	}
	boxes := must[[]api.BoxState](t, person, "GET", "/v1/boxes", nil)
	if len(boxes) != 1 || !boxes[0].Enrolled || !boxes[0].CheckIn.Ready {
		t.Errorf("boxes: %+v", boxes)
	}
	var words []string
	for _, e := range must[[]api.AuditEntry](t, person, "GET", "/v1/audit", nil) {
		words = append(words, e.What)
	}
	for _, want := range []string{"init", "import", "apply", "grant", "token", "enrol"} {
		if !strings.Contains(strings.Join(words, " "), want) {
			t.Errorf("no %q in the audit log: %v", want, words)
		}
	}
}

// TestEnrolAgain: a token is good once and for some days; a factory reset
// makes the old certificate and the old grants worthless.
func TestEnrolAgain(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	newToken := func() string {
		return must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token
	}
	token := newToken()
	old, _ := r.enrol(token, "state-1")
	if s, _ := old.policy(t, ""); len(s.Grants) != 2 {
		t.Fatalf("%d grants, want 2", len(s.Grants))
	}
	_, csr := key(t)
	late := newToken()
	r.clock.add(TokenLife)
	for name, tok := range map[string]string{"used": token, "ended": late, "made up": "bw1." + r.anchor.Fingerprint() + ".aaaa"} {
		code, raw := r.peer("", nil).call("POST", "/v1/box/enrol", api.Enrol{Token: tok, ClientCSR: csr, IntermediateCSR: csr, StateID: "x"})
		if code != http.StatusUnauthorized {
			t.Errorf("%s token: %d %s", name, code, raw)
		}
	}
	fresh, _ := r.enrol(newToken(), "state-2")
	if code, _ := old.call("GET", "/v1/box/policy", nil); code != http.StatusUnauthorized {
		t.Errorf("the old certificate: %d, want 401", code)
	}
	s, _ := fresh.policy(t, "")
	machine := policy.Machine{MACs: []string{"525400770011"}}
	if d := policy.Evaluate(s, machine, policy.History{StateID: "state-2"}, r.clock.now()); d.Mandatory() != nil {
		t.Error("a grant of the lost state can be used")
	}
	for name, c := range map[string]struct {
		in   api.GrantAgain
		want int
	}{
		"wrong number": {api.GrantAgain{ConfirmedMachines: 1}, 422},
		"unknown":      {api.GrantAgain{ConfirmedMachines: 1, Computers: []string{"nobody"}}, 400},
		"one":          {api.GrantAgain{ConfirmedMachines: 1, Computers: []string{"ward7-pc1"}}, 200},
	} {
		if code, raw := r.person().call("POST", "/v1/advertisements/Install/grants", c.in); code != c.want {
			t.Errorf("grant again, %s: %d %s", name, code, raw)
		}
	}
	s, _ = fresh.policy(t, "")
	if d := policy.Evaluate(s, machine, policy.History{StateID: "state-2"}, r.clock.now()); d.Mandatory() == nil {
		t.Errorf("the new grant cannot be used: %+v", d.Refusals)
	}
}

// TestRenewal: policy that does not change is issued anew before it is stale.
func TestRenewal(t *testing.T) {
	r := newRig(t)
	r.apply("kind: Box\nname: b")
	box, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/b/token", nil).Token, "s")
	first, _ := box.policy(t, "")
	r.clock.add(renewAfter - time.Minute)
	if p, _ := box.policy(t, ""); p.Number != first.Number {
		t.Error("issued anew too early")
	}
	r.clock.add(time.Minute)
	if p, _ := box.policy(t, ""); p.Number == first.Number || !p.SoftExpiry.After(r.clock.now()) {
		t.Errorf("not issued anew: %+v", p)
	}
}

// TestEnrolmentWhoseAnswerIsLost: a box that was switched off before it kept the
// answer asks again; the token stays worthless for everybody else.
func TestEnrolmentWhoseAnswerIsLost(t *testing.T) {
	r := newRig(t)
	r.apply("kind: Box\nname: b")
	token := must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/b/token", nil).Token
	k, _ := key(t)
	other, _ := key(t)
	ask := func(client, intermediate *ecdsa.PrivateKey, state string) int {
		t.Helper()
		one, err1 := trust.NewCSR(client)
		two, err2 := trust.NewCSR(intermediate)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		code, _ := r.peer("", nil).call("POST", "/v1/box/enrol", api.Enrol{Token: token, ClientCSR: one, IntermediateCSR: two, StateID: state})
		return code
	}
	for i, tt := range []struct {
		client, intermediate *ecdsa.PrivateKey
		state                string
		want                 int
	}{
		{k, k, "s", 200}, {k, k, "s", 200}, {other, k, "s", 401}, {k, other, "s", 401}, {k, k, "another", 401}, {k, k, "s", 200},
	} {
		if code := ask(tt.client, tt.intermediate, tt.state); code != tt.want {
			t.Errorf("request %d: %d, want %d", i, code, tt.want)
		}
	}
	r.clock.add(TokenLife)
	if code := ask(k, k, "s"); code != 401 {
		t.Errorf("after the token ended: %d", code)
	}
}
