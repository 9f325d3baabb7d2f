package site

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/bootward/bootward/api"
)

// TestRoutesDenyByDefault walks every route as everybody.
func TestRoutesDenyByDefault(t *testing.T) {
	r := newRig(t)
	r.apply("kind: Box\nname: one\n---\nkind: Box\nname: two\n")
	enrol := func(name string) *peer {
		p, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/"+name+"/token", nil).Token, "s")
		return p
	}
	gone := enrol("one")
	box, other := enrol("one"), enrol("two")
	both := r.peer("bw1.wrong", nil)
	both.http = box.http
	callers := []struct {
		name string
		p    *peer
		want map[audience]int // 0: anything but 401 and 403
	}{
		{"nobody", r.peer("", nil), map[audience]int{persons: 401, boxes: 401}},
		{"wrong token", r.peer("bw1."+r.anchor.Fingerprint()+".AAAA", nil), map[audience]int{persons: 401, boxes: 401}},
		{"replaced certificate", gone, map[audience]int{persons: 401, boxes: 401}},
		{"box", box, map[audience]int{persons: 403}},
		{"another box", other, map[audience]int{persons: 403}},
		{"box with a wrong token", both, map[audience]int{persons: 403}},
		{"person", r.person(), map[audience]int{boxes: 403}},
	}
	for _, rt := range r.routes() {
		if rt.who == closedToAll {
			t.Errorf("%s: nobody is named", rt.pattern)
		}
		method, path, _ := strings.Cut(rt.pattern, " ")
		path = strings.NewReplacer("{kind}", "Box", "{name}", "nothing", "{sha256}", strings.Repeat("0", 64), "{digest}", "sha256:"+strings.Repeat("0", 64)).Replace(path)
		for _, c := range callers {
			code, raw := c.p.call(method, path, nil)
			want := c.want[rt.who]
			if want != 0 && code != want || want == 0 && rt.pattern != api.RouteBoxEnrol && (code == 401 || code == 403) {
				t.Errorf("%s as %s: %d %s", rt.pattern, c.name, code, raw)
			}
			if code >= 400 && method != http.MethodHead {
				problemOf(t, raw)
			}
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
	// Real answers fit the schemas.
	r.apply("kind: Box\nname: one")
	for path, sample := range map[string]string{"/v1/boxes": "/v1/boxes", "/v1/objects/{kind}": "/v1/objects/Box", "/v1/audit": "/v1/audit", "/v1/whoami": "/v1/whoami", "/v1/messages": "/v1/messages"} {
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
