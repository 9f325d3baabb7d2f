package site

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust/trusttest"
)

// throwaway is a site without a socket, with one administrator and one box that
// anything may be sent as.
type throwaway struct {
	*Site
	handler http.Handler
	token   string
	box     *x509.Certificate
	id      string
}

func newThrowaway(t testing.TB) *throwaway {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "site")
	made, err := Init(t.Context(), dir, "CEN", "ann", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.changes.stop() // nobody waits
	w := &throwaway{Site: s, handler: s.Handler(), token: made.Token}
	w.enrol(t)
	return w
}

func (w *throwaway) enrol(t testing.TB) {
	t.Helper()
	apply, err := json.Marshal(api.Apply{Documents: []api.Document{{File: "w", YAML: "kind: Box\nname: one\n---\nkind: Computer\nname: pc1\nmacs: [52:54:00:77:00:11]\n"}}})
	if err != nil {
		t.Fatal(err)
	}
	if a := w.send("POST", "/v1/apply", apply, false); a.Code != http.StatusOK {
		t.Fatalf("apply: %d %s", a.Code, a.Body)
	}
	token, err := w.EnrolToken(t.Context(), "ann", "one")
	if err != nil {
		t.Fatal(err)
	}
	_, csr := trusttest.Key(t)
	e, err := w.Enrol(t.Context(), api.Enrol{Token: token.Token, ClientCSR: csr, IntermediateCSR: csr, StateID: "s"})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(e.Certificate))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	w.box, w.id = cert, e.Box
}

// send serves one request, as the box or as the administrator.
func (w *throwaway) send(method, target string, body []byte, asBox bool) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, "/", bytes.NewReader(body))
	if u, err := url.ParseRequestURI(target); err == nil {
		q.URL = u
	}
	if asBox {
		q.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{w.box}}
	} else {
		q.Header.Set("Authorization", "Bearer "+w.token)
	}
	a := httptest.NewRecorder()
	w.handler.ServeHTTP(a, q)
	return a
}

// FuzzRoutes sends anything to every route as somebody who may use it: the site
// neither fails nor panics, and can still be asked everything afterwards.
func FuzzRoutes(f *testing.F) {
	w := newThrowaway(f)
	routes := w.routes()
	for i, rt := range routes {
		empty, err := json.Marshal(rt.request)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), "one", "", empty)
		f.Add(uint8(i), "%2e%2e/\x00", "after=1&have=1.1&wait=1&client=525400770011&computer=pc1&at=2026-12-01&box=one&where=x&event=y", []byte("{"))
	}
	for _, s := range seeds() {
		body, err := json.Marshal(s.body)
		if err != nil {
			f.Fatal(err)
		}
		for i, rt := range routes {
			if rt.pattern == s.pattern {
				f.Add(uint8(i), s.name, "", body)
			}
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, name, query string, body []byte) {
		rt := routes[int(n)%len(routes)]
		method, path, _ := strings.Cut(rt.pattern, " ")
		kind := "Computer"
		if len(name)%2 == 0 {
			kind = "Box"
		}
		path = strings.NewReplacer("{kind}", kind, "{name}", url.PathEscape(name), "{code}", url.PathEscape(name), "{sha256}", url.PathEscape(name), "{digest}", url.PathEscape(name)).Replace(path)
		if method == http.MethodDelete && name == "one" || rt.pattern == api.RouteToken || rt.pattern == api.RoutePersonToken || rt.pattern == api.RouteEvents {
			return // the box is needed, and so is the token; a stream has no end
		}
		if rt.pattern == api.RouteBoxEvents {
			body = w.renumber(t, body)
		}
		a := w.send(method, path+"?"+url.QueryEscape(query), body, rt.who == boxes)
		w.check(t, rt.pattern, a)
		if u, err := url.ParseQuery(query); err == nil {
			w.check(t, rt.pattern, w.send(method, path+"?"+u.Encode(), body, rt.who == boxes))
		}
		if method != http.MethodGet && method != http.MethodHead {
			w.whole(t)
		}
	})
}

// renumber lets the events of a batch follow those that were taken: what has an
// earlier number is passed over.
func (w *throwaway) renumber(t *testing.T, body []byte) []byte {
	var in api.EventBatch
	if json.Unmarshal(body, &in) != nil {
		return body
	}
	var next uint64
	if err := w.store.Read(t.Context(), func(x store.Tx) (err error) {
		next, err = x.NextEvent(w.id, "s")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for i := range in.Events {
		in.Events[i].Number = next + uint64(i)
	}
	if out, err := json.Marshal(in); err == nil {
		return out
	}
	return body
}

// check wants an answer that is no failure of the site; a problem is described.
func (w *throwaway) check(t *testing.T, pattern string, a *httptest.ResponseRecorder) {
	t.Helper()
	var e api.Error
	switch {
	case a.Code == http.StatusServiceUnavailable && pattern == api.RouteLog: // nobody sends it: the box does not listen, the site stops
	case a.Code >= 500:
		t.Errorf("%s: %d %s", pattern, a.Code, a.Body)
	case a.Code < 400 || a.Header().Get("Content-Type") != api.ProblemType:
		return
	case json.Unmarshal(a.Body.Bytes(), &e) != nil || e.Code == "" || e.Status != a.Code:
		t.Errorf("%s: %d without a problem: %s", pattern, a.Code, a.Body)
	}
}

// whole asks for everything that is kept.
func (w *throwaway) whole(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/v1/audit", "/v1/boxes", "/v1/messages", "/v1/jobs", "/v1/flight", "/v1/objects/Computer", "/v1/objects/Box", "/v1/boxes/one/ready", "/v1/approvals"} {
		if a := w.send("GET", path, nil, false); a.Code != http.StatusOK {
			t.Errorf("afterwards GET %s: %d %s", path, a.Code, a.Body)
		}
	}
	if _, err := w.Policy(t.Context(), w.id); err != nil {
		t.Error(errors.Join(errors.New("afterwards the policy"), err))
	}
}

// seeds are bodies that come far.
func seeds() []struct {
	pattern, name string
	body          any
} {
	at := time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)
	late := time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -12*3600))
	early := time.Date(0, 1, 1, 0, 0, 0, 0, time.FixedZone("", 12*3600))
	type seed = struct {
		pattern, name string
		body          any
	}
	events := func(e ...api.BoxEvent) api.EventBatch {
		for i := range e {
			e[i].Number = uint64(i + 1)
		}
		return api.EventBatch{StateID: "s", Events: e}
	}
	return []seed{
		{api.RouteApply, "", api.Apply{Documents: []api.Document{{File: "x", YAML: "kind: Collection\nname: c\nqueries: [{name: q, query: \"SELECT * FROM SMS_R_System WHERE Name LIKE 'pc%'\"}]\n"}}}},
		{api.RouteDistribute, "x", api.Distribute{Boxes: []string{"one"}}},
		{api.RouteContent, "", nil},
		{api.RouteOrder, "", api.Order{Kind: policy.OrderResume, Boxes: []string{"one"}}},
		{api.RouteOrder, "", api.Order{Kind: policy.OrderClearPXE, Collection: "All Systems"}},
		{api.RouteComputerImport, "", api.ComputerImport{File: "x.csv", CSV: "name,mac\npc2,52-54-00-77-00-12\n,\"\n", SkipBad: true}},
		{api.RouteExplain, "pc1", nil},
		{api.RouteMembers, "All Systems", nil},
		{api.RoutePersonCertificate, "ann", api.PersonCSR{CSR: []byte("x"), Days: 1}},
		{api.RouteRevoke, "ann", nil},
		{api.RouteApply, "", api.Apply{Documents: []api.Document{{File: "x", YAML: "kind: Person\nname: ben\nrights: [{allow: [see], folder: x}]\n---\nkind: Person\nname: ann\n"}}}},
		{api.RouteGrantAgain, "x", api.GrantAgain{ConfirmedMachines: 1}},
		{api.RouteBoxCheckIn, "", api.CheckIn{StateID: "s", Time: at, Complete: []string{"x"}, Stopped: "\x1b[2J"}},
		{api.RouteBoxCheckIn, "", api.CheckIn{StateID: "s", Time: late, Pending: []api.PendingApproval{{ID: "a", Code: "482-913", AskedAt: early, ExpiresAt: late},
			{ID: "b", Code: "482-913", Identity: api.Identity{MACs: []string{"\x1b[2J"}}, AskedAt: at, ExpiresAt: at.Add(time.Hour)}}}},
		{api.RouteSiteDecide, "482-913", api.SiteDecision{Decision: policy.OrderApprove}},
		{api.RouteBoxEvents, "", events(
			api.BoxEvent{Status: &status.Message{Job: "j", Number: 1, Time: at, Computer: "pc1"}},
			api.BoxEvent{Flight: &status.FlightEvent{Client: "525400770011", What: "tftp", Time: at}},
			api.BoxEvent{Audit: &api.AuditRecord{Time: at, Who: "bob", What: "resume"}},
			api.BoxEvent{Discovered: &api.Discovered{Computer: "CEN00003", Inventory: inventory.Record{}}},
			api.BoxEvent{Discovered: &api.Discovered{Computer: "local-1", Known: &api.Known{Replaces: "pc1", Was: "x", Computer: osd.Computer{
				Meta: osd.Meta{ID: "local-1", Name: "bed1"}, MACs: []string{"52:54:00:77:00:19"}, Provisional: true}}}},
		)},
		{api.RouteBoxEvents, "", events(api.BoxEvent{Audit: &api.AuditRecord{Time: late, Who: "bob", What: "grant-used", Object: "g"}})},
		{api.RouteBoxEvents, "", events(api.BoxEvent{Status: &status.Message{Job: "j", Number: 1, Time: late}}, api.BoxEvent{Flight: &status.FlightEvent{Client: "525400770011", Time: early}})},
		{api.RouteBoxEvents, "", events(api.BoxEvent{Audit: &api.AuditRecord{Time: early, Who: "bob", What: "resume"}})},
	}
}
