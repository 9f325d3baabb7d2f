package appliance

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

// The classes of routes.
const (
	forAll     = "all"        // anybody
	forOpenJob = "open job"   // a job that is open
	forAnyJob  = "job"        // also one that has ended
	forLooking = "technician" // a technician with any right
	forApprove = "approve"    // one with this right
	forResume  = "resume"
	forClear   = "clear"
)

// routeIsFor says whom each route is for. It is written down once more, apart from
// the tables of routes, so that a route which is opened by mistake is found out:
// one that is not in here fails the test.
var routeIsFor = map[string]string{
	"GET /openapi.json": forAll, "GET /v1/hello": forAll, "POST /v1/offers": forAll, "POST /v1/claim": forAll, "POST /v1/decline": forAll,
	"POST /v1/password": forAll, "POST /v1/session": forAll,

	"GET /v1/job": forOpenJob, "POST /v1/job/renew": forOpenJob, "POST /v1/job/status": forAnyJob, "POST /v1/job/log": forAnyJob, "POST /v1/job/retry": forAnyJob, "POST /v1/job/erase": forOpenJob,
	"POST /v1/job/secrets": forOpenJob, "GET /v1/manifests/{digest}": forOpenJob, "GET /v1/blobs/{sha256}": forOpenJob,

	"POST /v1/selftest":       forLooking,
	"GET /v1/status/homepage": forLooking, "GET /v1/status/advertisements/{name}": forLooking, "GET /v1/status/unprovisioned": forLooking,
	"GET /v1/messages": forLooking, "GET /v1/jobs": forLooking, "GET /v1/logs/{name}": forLooking, "GET /v1/events": forLooking,
	"DELETE /v1/session": forLooking, "GET /v1/state": forLooking, "GET /v1/approvals": forLooking, "GET /v1/audit": forLooking,
	"GET /v1/timeline": forLooking, "GET /v1/trace": forLooking, "GET /v1/explain": forLooking,
	"POST /v1/approvals/{code}": forApprove, "POST /v1/resume": forResume, "POST /v1/clear-pxe": forClear, "POST /v1/retry": forClear,
}

// jobs and desk make the statuses that somebody gets on routes for jobs, and on
// those for technicians.
func statuses(jobs, desk int) map[string]int {
	return map[string]int{forOpenJob: jobs, forAnyJob: jobs, forLooking: desk, forApprove: desk, forResume: desk, forClear: desk}
}

// with changes one of them.
func with(all map[string]int, class string, code int) map[string]int {
	all[class] = code
	return all
}

// good stands for a status that says that the caller was let in.
const good = -1

// operations are the routes of the document that the box serves.
func (d *door) operations() []string {
	d.t.Helper()
	_, raw := d.peer(nil, "").ask("GET", "/openapi.json", "")
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	fatal(d.t, err)
	fatal(d.t, doc.Validate(d.t.Context()))
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
	return method, strings.NewReplacer("{name}", "Look", "{code}", "000-000", "{sha256}", strings.Repeat("0", 64), "{digest}", "sha256:"+strings.Repeat("0", 64)).Replace(path)
}

// somebody is one who walks the routes. who makes him anew for each route, since a
// session may end by what was asked before.
type somebody struct {
	name string
	who  func() *peer
	want map[string]int // by class; none: no handshake
}

// walkers are everybody who may come.
func (d *door) walkers() []somebody {
	t, now := d.t, time.Now()
	jobOf := func(id string, end store.JobState) *peer {
		cert := d.running(id)
		if end != store.JobOpen {
			fatal(t, d.store.EndJob(t.Context(), id, end, "over", now, status.FlightEvent{Time: now}))
		}
		return d.peer(cert, "")
	}
	fixed := func(p *peer) func() *peer { return func() *peer { return p } }
	otherSite, err := trust.NewAuthority("CEN", now)
	fatal(t, err)
	key, csr := trusttest.Key(t)
	box := trusttest.Pair(t, must[[]byte](t)(d.CA.BoxClient(csr, "ward7-box", now)), key)
	byCert := func(name string) func() *peer { return fixed(d.peer(d.person(d.CA, name, now), "")) }
	ended, _ := trusttest.Job(t, d.box, "ended-cert", now.Add(-2*time.Hour))
	strange, _ := trusttest.Job(t, trusttest.Box(t, otherSite, "ward7-box", now), "open", now)
	ofOtherBox, _ := trusttest.Job(t, trusttest.Box(t, d.CA, "ward8-box", now), "open", now)
	otherKey, _ := trusttest.Job(t, d.box, "open", now)
	never, _ := trusttest.Job(t, d.box, "never", now)
	open := jobOf("open", store.JobOpen)
	both := *open
	both.token = d.signIn("bob")
	return []somebody{
		{"nobody", fixed(d.peer(nil, "")), statuses(401, 401)},
		{"wrong token", fixed(d.peer(nil, "AAAA")), statuses(401, 401)},
		{"cut token", func() *peer { return d.peer(nil, d.signIn("bob")[1:]) }, statuses(401, 401)},
		{"ended session", func() *peer {
			p := d.peer(nil, d.signIn("bob"))
			if code, raw := p.ask("DELETE", "/v1/session", ""); code != http.StatusNoContent {
				t.Errorf("sign out: %d %s", code, raw)
			}
			return p
		}, statuses(401, 401)},
		{"session of one who was disabled since", func() *peer { return d.since("bob", func(p *osd.Person) { p.Disabled = true }) }, statuses(401, 401)},
		{"session of one who works at another box now", func() *peer {
			return d.since("bob", func(p *osd.Person) { p.Technician = &osd.Technician{Boxes: []string{"ward8-box"}} })
		}, statuses(401, 401)},
		{"technician", func() *peer { return d.peer(nil, d.signIn("bob")) }, statuses(401, good)},
		{"technician without the right", func() *peer { return d.peer(nil, d.signIn("meg")) }, with(statuses(401, 403), forLooking, good)},
		{"administrator", func() *peer { return d.peer(nil, d.signIn("ann")) }, statuses(401, good)},
		{"technician's certificate", byCert("bob"), statuses(403, good)},
		{"administrator's certificate", byCert("ann"), statuses(403, good)},
		{"certificate without the right", byCert("meg"), with(statuses(403, 403), forLooking, good)},
		{"revoked certificate", fixed(d.peer(d.unlisted(d.CA, "bob", now), "")), statuses(403, 401)},
		{"technician of another box", byCert("other"), statuses(403, 403)},
		{"disabled technician", byCert("dora"), statuses(403, 403)},
		{"person who is not in the policy", byCert("zoe"), statuses(403, 403)},
		{"person's certificate that ended", fixed(d.peer(d.person(d.CA, "bob", now.Add(-2*time.Hour)), "")), nil},
		{"person of another site", fixed(d.peer(d.person(otherSite, "bob", now), "")), nil},
		{"job's certificate that ended", fixed(d.peer(ended, "")), nil},
		{"job of another site", fixed(d.peer(strange, "")), nil},
		{"box", fixed(d.peer(box, "")), statuses(403, 403)},
		{"job", fixed(open), statuses(good, 403)},
		{"job with a technician's token", fixed(&both), statuses(good, 403)},
		{"job of another box", fixed(d.peer(ofOtherBox, "")), statuses(403, 403)},
		{"another job's key", fixed(d.peer(otherKey, "")), statuses(403, 403)},
		{"job that never was", fixed(d.peer(never, "")), statuses(403, 403)},
		{"ended job", fixed(jobOf("ended", store.JobAbandoned)), with(statuses(403, 403), forAnyJob, good)},
		{"halted job", fixed(jobOf("halted", store.JobHalted)), statuses(403, 403)},
	}
}

// since is a session of a person who was changed after he signed in.
func (d *door) since(name string, change func(*osd.Person)) *peer {
	d.t.Helper()
	before := d.policy
	p := d.peer(nil, d.signIn(name))
	after := *before
	after.People = slices.Clone(before.People)
	i := slices.IndexFunc(after.People, func(o osd.Person) bool { return o.Name == name })
	change(&after.People[i])
	d.policy = &after
	d.t.Cleanup(func() { d.policy = before })
	return p
}

// TestRoutesDenyByDefault walks every route of the box's document as everybody.
func TestRoutesDenyByDefault(t *testing.T) {
	d := newDoor(t)
	d.listen()
	found := d.operations()
	for _, pattern := range found {
		if routeIsFor[pattern] == "" {
			t.Errorf("%s: say in this test whom it is for", pattern)
		}
	}
	for pattern := range routeIsFor {
		if !slices.Contains(found, pattern) {
			t.Errorf("%s is not a route any more", pattern)
		}
	}
	for _, who := range d.walkers() {
		before := d.policy
		for _, pattern := range found {
			class := routeIsFor[pattern]
			method, path := sample(pattern)
			code, raw := who.who().ask(method, path, "{}")
			d.policy = before
			switch want := who.want[class]; {
			case who.want == nil:
				if code != 0 {
					t.Errorf("%s as %s: %d %s, want no handshake", pattern, who.name, code, raw)
				}
			case class == forAll && pattern == api.RouteSignIn && code == http.StatusBadRequest: // a name is missing
			case class == forAll || want == good:
				if code == 0 || code == 401 || code == 403 || code >= 500 {
					t.Errorf("%s as %s: %d %s, want to be let in", pattern, who.name, code, raw)
				}
			case code != want:
				t.Errorf("%s as %s: %d %s, want %d", pattern, who.name, code, raw, want)
			}
		}
	}
	bob := d.peer(nil, d.signIn("bob"))
	for _, q := range []string{"GET /", "GET /v1/", "PUT /v1/session", "GET /v1/session", "GET /v1/approvals/000-000", "POST /v1/state", "GET /metrics", "GET /healthz", "GET /debug/pprof/"} {
		method, path, _ := strings.Cut(q, " ")
		if code, raw := bob.ask(method, path, ""); code != http.StatusNotFound {
			t.Errorf("%s: %d %s", q, code, raw)
		}
	}
}

// TestNobodyIsLimited: who shows nothing gets no end of answers from no route.
func TestNobodyIsLimited(t *testing.T) {
	d := newDoor(t)
	d.desk.Allow = d.point.Allow // as in New
	d.listen()
	for pattern, class := range routeIsFor {
		if class != forAll {
			continue
		}
		limited := false
		method, path := sample(pattern)
		for range 100 {
			code, _ := d.peer(nil, "").ask(method, path, "{}")
			limited = limited || code == http.StatusTooManyRequests
		}
		if !limited {
			t.Errorf("%s: a hundred were answered at once", pattern)
		}
	}
}
