package site

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

// wanted says whom each route is for. It is written down once more, apart from
// the table of routes, so that a route which is opened by mistake is found out:
// one that is not in here fails the test.
var wanted = map[string]audience{
	"GET /openapi.json": anybody, "GET /healthz": anybody, "GET /v1/anchor": anybody, "POST /v1/box/enrol": anybody,

	"GET /v1/whoami": persons, "POST /v1/apply": persons, "GET /v1/objects/{kind}": persons,
	"GET /v1/objects/{kind}/{name}": persons, "DELETE /v1/objects/{kind}/{name}": persons, "GET /v1/objects/{kind}/{name}/deletion": persons,
	"POST /v1/boxes/{name}/token": persons, "GET /v1/boxes": persons, "GET /v1/boxes/{name}/ready": persons,
	"PUT /v1/blobs/{sha256}": persons, "HEAD /v1/blobs/{sha256}": persons, "POST /v1/import": persons,
	"GET /v1/messages": persons, "GET /v1/flight": persons, "GET /v1/jobs": persons, "GET /v1/events": persons,
	"GET /v1/status/homepage": persons, "GET /v1/status/advertisements/{name}": persons, "GET /v1/status/unprovisioned": persons, "GET /v1/audit": persons,
	"POST /v1/advertisements/{name}/grants": persons, "GET /v1/computers/{name}/explain": persons,
	"GET /v1/collections/{name}/members": persons, "POST /v1/orders": persons,
	"POST /v1/computers/import": persons, "POST /v1/computers/{name}/merge": persons, "POST /v1/computers/{name}/replace": persons,
	"PUT /v1/secrets/{name}/value": persons, "PUT /v1/persons/{name}/pin": persons, "PUT /v1/boxes/{name}/password": persons,
	"GET /v1/approvals": persons, "POST /v1/approvals/{code}": persons,
	"GET /v1/content": persons, "POST /v1/objects/{kind}/{name}/boxes": persons,
	"POST /v1/persons/{name}/token": persons, "POST /v1/persons/{name}/certificate": persons,
	"GET /v1/persons/{name}/credentials": persons, "DELETE /v1/persons/{name}/credentials": persons,

	"POST /v1/box/checkin": boxes, "GET /v1/box/policy": boxes, "GET /v1/box/manifests/{digest}": boxes,
	"GET /v1/box/blobs/{sha256}": boxes, "POST /v1/box/events": boxes, "POST /v1/box/logs/{id}": boxes, "GET /v1/logs/{name}": persons,
}

// operations are the routes of the document that the site serves.
func operations(t *testing.T, r *rig) []string {
	t.Helper()
	_, raw := r.peer("", nil).call("GET", "/openapi.json", nil)
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			all = append(all, method+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

// sample is a request for a route, about things that do not exist.
func sample(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	if pattern == api.RouteEvents {
		return method, path + "?after=nowhere" // one that is let in would read for ever
	}
	return method, strings.NewReplacer("{kind}", "Box", "{name}", "nothing", "{code}", "482-913", "{sha256}", strings.Repeat("0", 64),
		"{digest}", "sha256:"+strings.Repeat("0", 64)).Replace(path)
}

// TestRoutesDenyByDefault walks every route as everybody.
func TestRoutesDenyByDefault(t *testing.T) {
	r := newRig(t)
	r.tries.burst = 10_000
	r.apply("kind: Box\nname: one\n---\nkind: Box\nname: two\n---\nkind: Box\nname: three\n")
	enrol := func(name string) *peer {
		p, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/"+name+"/token", nil).Token, "s")
		return p
	}
	gone, deleted := enrol("one"), enrol("three")
	if code, raw := r.person().call("DELETE", "/v1/objects/Box/three", nil); code != http.StatusNoContent {
		t.Fatalf("delete: %d %s", code, raw)
	}
	box, other := enrol("one"), enrol("two")
	with := func(p *peer, token string) *peer {
		q := *p
		q.token = token
		return &q
	}
	revoked := r.certified(r.person(), r.added("ron"))
	r.person().call("DELETE", "/v1/persons/ron/credentials", nil)
	disabled := r.add("dis", "role: administrator\n")
	r.apply("kind: Person\nname: dis\nrole: administrator\ndisabled: true\n")
	enrolling := must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/two/token", nil).Token
	callers := []struct {
		name string
		p    *peer
		want map[audience]int // 0: anything but 401 and 403
	}{
		{"nobody", r.peer("", nil), map[audience]int{persons: 401, boxes: 401}},
		{"wrong token", r.peer("bw1."+r.anchor.Fingerprint()+".AAAA", nil), map[audience]int{persons: 401, boxes: 401}},
		{"cut token", r.peer(r.token[:len(r.token)-1], nil), map[audience]int{persons: 401, boxes: 401}},
		{"token of another box's enrolment", r.peer(enrolling, nil), map[audience]int{persons: 401, boxes: 401}},
		{"replaced certificate", gone, map[audience]int{persons: 401, boxes: 401}},
		{"certificate of a deleted box", deleted, map[audience]int{persons: 401, boxes: 401}},
		{"revoked certificate of a person", revoked, map[audience]int{persons: 401, boxes: 401}},
		{"revoked certificate with a person's token", with(revoked, r.token), map[audience]int{persons: 401, boxes: 401}},
		{"disabled person", disabled, map[audience]int{persons: 401, boxes: 401}},
		{"administrator by certificate", r.certified(r.person(), "ann"), map[audience]int{boxes: 403}},
		{"box", box, map[audience]int{persons: 403}},
		{"another box", other, map[audience]int{persons: 403}},
		{"box with a wrong token", with(box, "bw1.wrong"), map[audience]int{persons: 403}},
		{"replaced box with a person's token", with(gone, r.token), map[audience]int{boxes: 403}},
		{"person", r.person(), map[audience]int{boxes: 403}},
	}
	found := operations(t, r)
	nothing := r.add("non", "")
	for _, pattern := range found {
		who := wanted[pattern]
		if who == closedToAll {
			t.Errorf("%s: say in this test whom it is for", pattern)
			continue
		}
		method, path := sample(pattern)
		if code, raw := nothing.call(method, path, nil); who == persons && code != 403 && code != 404 && pattern != api.RouteWhoAmI {
			t.Errorf("%s as a person without rights: %d %s", pattern, code, raw)
		}
		for _, c := range callers {
			code, raw := c.p.call(method, path, nil)
			want := c.want[who]
			if want != 0 && code != want || want == 0 && pattern != api.RouteBoxEnrol && (code == 401 || code == 403) {
				t.Errorf("%s as %s: %d %s, want %d", pattern, c.name, code, raw, want)
			}
			if code >= 500 {
				t.Errorf("%s as %s: %d %s", pattern, c.name, code, raw)
			}
			if code >= 400 && method != http.MethodHead {
				problemOf(t, raw)
			}
		}
	}
	for pattern := range wanted {
		if !slices.Contains(found, pattern) {
			t.Errorf("%s is not a route any more", pattern)
		}
	}
	for _, path := range []string{"/", "/v1/", "/v1/objects", "/v1/box", "/debug/pprof/"} {
		if code, raw := r.person().call("GET", path, nil); code != 404 {
			t.Errorf("%s: %d", path, code)
		} else {
			problemOf(t, raw)
		}
	}
	if code, _ := r.person().call("POST", "/v1/whoami", nil); code != 404 {
		t.Errorf("POST /v1/whoami: %d, want 404", code)
	}
}

// TestRoutesOfStrangers: a certificate that has ended, and one of another site,
// end the handshake: no route answers, not even those for anybody.
func TestRoutesOfStrangers(t *testing.T) {
	r := newRig(t)
	r.apply("kind: Box\nname: one\n")
	box, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/one/token", nil).Token, "s")
	code, raw := box.call("GET", "/v1/box/policy", nil)
	if code != http.StatusOK {
		t.Fatalf("before the certificate ended: %d %s", code, raw)
	}
	found := operations(t, r)
	ca, err := trust.NewAuthority("CEN", r.clock.now()) // of the same code
	if err != nil {
		t.Fatal(err)
	}
	k, csr := key(t)
	chain, err := ca.BoxClient(csr, "one", r.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	pair := trusttest.Pair(t, chain, k)
	walk := func(name string, p *peer) {
		p.token = r.token // a good token does not help
		for _, pattern := range found {
			if code, err := p.status(pattern); err == nil {
				t.Errorf("%s with %s: %d", pattern, name, code)
			}
		}
	}
	walk("a certificate of another site", r.peer("", pair))
	person := r.certified(r.person(), "ann") // good for 30 days
	r.clock.add(trust.BoxLife + time.Hour)
	box.http.CloseIdleConnections()
	walk("a certificate that has ended", box)
	walk("a person's certificate that has ended", person)
	if code, err := r.person().status("GET /v1/whoami"); err != nil || code != http.StatusOK {
		t.Errorf("a person without a certificate: %d, %v", code, err)
	}
}

// status sends the sample of a route; the error is that of the connection.
func (p *peer) status(pattern string) (int, error) {
	method, path := sample(pattern)
	q, err := http.NewRequestWithContext(p.rig.t.Context(), method, p.rig.url+path, nil)
	if err != nil {
		return 0, err
	}
	q.Header.Set("Authorization", "Bearer "+p.token)
	resp, err := p.http.Do(q)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// TestContentOfAnotherBox: a box gets the content of its own policy, and 404 for
// that of another, as if there were none.
func TestContentOfAnotherBox(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(strings.Replace(ward, "macs: [52:54:00:77:00:11]", "macs: [52:54:00:77:00:11]\nbox: ward7-box", 1))
	r.apply("kind: Box\nname: ward8-box\n")
	enrol := func(name string) *peer {
		p, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/"+name+"/token", nil).Token, "s")
		return p
	}
	box, other := enrol("ward7-box"), enrol("ward8-box")
	s, _ := box.policy(t, "")
	if o, _ := other.policy(t, ""); len(s.Images) != 1 || len(o.Images) != 0 {
		t.Fatalf("images: %d and %d", len(s.Images), len(o.Images))
	}
	path := "/v1/box/manifests/" + s.Images[0].Manifest
	if code, raw := box.call("GET", path, nil); code != http.StatusOK {
		t.Errorf("its own content: %d %s", code, raw)
	}
	code, raw := other.call("GET", path, nil)
	_, unknown := other.call("GET", "/v1/box/manifests/sha256:"+strings.Repeat("0", 64), nil)
	if e, none := problemOf(t, raw), problemOf(t, unknown); code != http.StatusNotFound || e.Detail != none.Detail || e.Code != none.Code {
		t.Errorf("content of another box: %d %s; of none: %s", code, raw, unknown)
	}
}

// TestOpenAPI holds the document that is served against the routes.
func TestOpenAPI(t *testing.T) {
	r := newRig(t)
	_, raw := r.peer("", nil).call("GET", "/openapi.json", nil)
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	var want, got []string
	for _, rt := range r.routes() {
		want = append(want, rt.pattern)
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			got = append(got, method+" "+path)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("document has %q\nroutes are %q", got, want)
	}
	for _, rt := range r.routes() {
		method, path, _ := strings.Cut(rt.pattern, " ")
		op := doc.Paths.Find(path).GetOperation(method)
		var schemes []string
		if op.Security != nil {
			for _, one := range *op.Security {
				for scheme := range one {
					schemes = append(schemes, scheme)
				}
			}
		}
		want := map[audience][]string{persons: {"bearer", "certificate"}, boxes: {"certificate"}}[rt.who]
		if !slices.Equal(schemes, want) || (rt.who == persons) != strings.HasPrefix(op.Description, "Needs ") {
			t.Errorf("%s: security %q, want %q; %q", rt.pattern, schemes, want, op.Description)
		}
	}
	// Real answers fit the schemas.
	r.apply("kind: Box\nname: one")
	for path, sample := range map[string]string{"/v1/boxes": "/v1/boxes", "/v1/objects/{kind}": "/v1/objects/Box", "/v1/audit": "/v1/audit", "/v1/whoami": "/v1/whoami", "/v1/messages": "/v1/messages",
		"/v1/collections/{name}/members": "/v1/collections/All%20Systems/members", "/v1/boxes/{name}/ready": "/v1/boxes/one/ready"} {
		schema := doc.Paths.Find(path).Get.Responses.Status(200).Value.Content["application/json"].Schema.Value
		v := must[any](t, r.person(), "GET", sample, nil)
		if err := schema.VisitJSON(v); err != nil {
			t.Errorf("%s: %v", sample, err)
		}
	}
}

// TestLimits: bodies that are too large, or no JSON, are refused.
func TestLimits(t *testing.T) {
	r := newRig(t)
	for name, body := range map[string][]byte{"large": []byte(`{"token":"` + strings.Repeat("x", smallBody) + `"}`), "no JSON": []byte("{")} {
		if code, raw := r.peer("", nil).call("POST", "/v1/box/enrol", body); code != 400 {
			t.Errorf("%s: %d %s", name, code, raw)
		}
	}
}
