package appliance

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

// FuzzRoutes sends anything to every route as nobody, as a technician, with his
// token and with his certificate, and as a job: the box neither fails nor panics,
// says what is wrong in a problem document, and can still be asked everything
// afterwards. Nobody gets more than before.
func FuzzRoutes(f *testing.F) {
	d := newDoor(f)
	var patterns []string
	for _, rt := range append(d.point.Routes(), d.desk.Routes()...) {
		patterns = append(patterns, rt.Pattern)
	}
	patterns = append(patterns, api.RouteBoxOpenAPI, "GET /", "PUT /v1/state")
	leaf := func(c *tls.Certificate) []*x509.Certificate {
		cert, err := x509.ParseCertificate(c.Certificate[0])
		fatal(f, err)
		return []*x509.Certificate{cert}
	}
	everybody := []*guest{{name: "nobody"}, {name: "technician", token: d.token()}, {name: "certificate", chain: leaf(d.person(d.CA, "bob", time.Now()))},
		{name: "job", chain: leaf(d.running("open"))}}
	real := seeds(f, d)
	for i, pattern := range patterns {
		for who := range everybody {
			f.Add(uint8(who), uint8(i), "000-000", "", "", []byte("{}"))
		}
		f.Add(uint8(i), uint8(i), "%2e%2e/\x00", "client=525400770011&x=%zz", "Bearer \xff", []byte("[{"))
		for _, s := range real {
			if s.pattern == pattern {
				for who := range everybody {
					f.Add(uint8(who), uint8(i), s.segment, s.query, "", s.body)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, who, n uint8, segment, query, header string, body []byte) {
		g := everybody[int(who)%len(everybody)]
		pattern := patterns[int(n)%len(patterns)]
		if pattern == api.RouteEvents {
			return // a stream has no end
		}
		method, path, _ := strings.Cut(pattern, " ")
		body = d.goOn(t, g, pattern, body)
		path = strings.NewReplacer("{name}", url.PathEscape(segment), "{code}", url.PathEscape(segment), "{sha256}", url.PathEscape(segment), "{digest}", url.PathEscape(segment)).Replace(path)
		for _, target := range []string{path + "?" + query, path + "?" + url.QueryEscape(query), path + segment} {
			if g.name == "technician" && pattern == api.RouteSignOut {
				continue // he is needed
			}
			a := d.serve(g, method, target, header, body)
			check(t, g, pattern, a)
		}
		if method != http.MethodGet {
			d.whole(t, everybody[2])
		}
	})
}

// goOn keeps alive what earlier requests may have ended, so that the next comes as
// far: the job, its numbers, the machine that waits, the interlock that stopped.
func (d *door) goOn(t *testing.T, g *guest, pattern string, body []byte) []byte {
	d.t = t
	switch pattern {
	case api.RouteDecide, api.RouteBoxResume:
		all, err := d.store.Approvals(t.Context(), time.Now())
		fatal(t, err)
		if len(all) > 0 && all[0].Decision != "" { // it comes back with its key
			fatal(t, d.store.OpenJob(t.Context(), store.Job{ID: rand.Text(), Machine: rand.Text(), Key: all[0].Key, Opened: time.Now()}, ""))
			all = nil
		}
		if len(all) == 0 {
			d.waits("482-913")
		}
		d.stops()
	}
	if g.name != "job" {
		return body
	}
	id, _, _, _ := trust.ParseJobName(g.chain[0].DNSNames[0])
	j, err := d.store.Job(t.Context(), id)
	fatal(t, err)
	if j.State != store.JobOpen {
		c, err := x509.ParseCertificate(d.running(strings.ToLower(rand.Text())).Certificate[0])
		fatal(t, err)
		g.chain, j.Next = []*x509.Certificate{c}, 1
	}
	var in api.StatusBatch
	if pattern != api.RouteStatus || json.Unmarshal(body, &in) != nil || len(in.Messages) == 0 {
		return body
	}
	for i := range in.Messages {
		in.Messages[i].Number = j.Next + uint64(i)
	}
	if out, err := json.Marshal(in); err == nil {
		return out
	}
	return body
}

// guest is somebody who sends requests without a socket.
type guest struct {
	name, token string
	chain       []*x509.Certificate
}

// token is that of a session of bob.
func (d *door) token() string {
	d.t.Helper()
	a := d.serve(&guest{}, "POST", "/v1/session", "", fmt.Appendf(nil, `{"name":"bob","pin":"%s"}`, wardPIN))
	var s api.Session
	if a.Code != http.StatusOK || json.Unmarshal(a.Body.Bytes(), &s) != nil {
		d.t.Fatalf("%d %s", a.Code, a.Body)
	}
	return s.Token
}

func (d *door) serve(g *guest, method, target, header string, body []byte) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, "/", bytes.NewReader(body))
	if u, err := url.ParseRequestURI(target); err == nil {
		q.URL = u
	}
	q.RemoteAddr = fmt.Sprintf("10.7.%d.%d:9", len(body)%250, len(target)%250) // of many sources: the limits are tested elsewhere
	switch {
	case header != "":
		q.Header["Authorization"] = []string{header}
		q.Header["Range"] = []string{header}
		q.Header["Content-Type"] = []string{header}
	case g.token != "":
		q.Header.Set("Authorization", "Bearer "+g.token)
	}
	if g.chain != nil {
		q.TLS = &tls.ConnectionState{PeerCertificates: g.chain}
	}
	a := httptest.NewRecorder()
	d.routes.ServeHTTP(a, q)
	return a
}

// check wants an answer that is no failure of the box; a problem is described.
// What is not for somebody he does not get, whatever he sends.
func check(t *testing.T, g *guest, pattern string, a *httptest.ResponseRecorder) {
	t.Helper()
	var e api.Error
	switch {
	case a.Code >= 500:
		t.Errorf("%s as %s: %d %s", pattern, g.name, a.Code, a.Body)
	case a.Code >= 400 && (a.Header().Get("Content-Type") != api.ProblemType || json.Unmarshal(a.Body.Bytes(), &e) != nil || e.Code == "" || e.Status != a.Code):
		t.Errorf("%s as %s: %d without a problem: %s", pattern, g.name, a.Code, a.Body)
	}
	class := routeIsFor[pattern]
	mine := class == forAll || class == "" || g.name == "job" == (class == forOpenJob || class == forAnyJob)
	if a.Code < 300 && (!mine || g.name == "nobody" && class != forAll && class != "") {
		t.Errorf("%s as %s: %d %s", pattern, g.name, a.Code, a.Body)
	}
}

// whole asks for everything that is kept.
func (d *door) whole(t *testing.T, g *guest) {
	t.Helper()
	for _, path := range []string{"/v1/state", "/v1/approvals", "/v1/audit", "/v1/timeline?client=" + wardMAC, "/v1/trace?client=" + wardMAC, "/v1/explain?client=" + wardMAC} {
		if a := d.serve(g, "GET", path, "", nil); a.Code != http.StatusOK {
			t.Errorf("afterwards GET %s: %d %s", path, a.Code, a.Body)
		}
	}
}

type seed struct {
	pattern, segment, query string
	body                    []byte
}

// seeds are bodies that come far.
func seeds(f *testing.F, d *door) []seed {
	d.prepare("482-913")
	_, csr := trusttest.Key(d.t)
	id := api.Identity{MACs: []string{wardMAC}, Inventory: &inventory.Machine{Adapters: []inventory.NIC{{MAC: wardMAC}}}}
	late := time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -12*3600))
	json := func(v any) []byte {
		raw, err := json.Marshal(v)
		fatal(f, err)
		return raw
	}
	return []seed{
		{api.RouteOffers, "", "", json(api.Ask{Identity: id, Ticket: "x", Where: osd.ToRunningClients})},
		{api.RouteClaim, "", "", json(api.Claim{Identity: id, Advertisement: "A1", Person: true, CSR: csr, Name: "\x1b[2J", Replaces: "ward7-pc1"})},
		{api.RouteDecline, "", "", json(id)},
		{api.RoutePassword, "", "", json(api.Password{Identity: id, Password: "x"})},
		{api.RouteRenew, "", "", json(api.Renew{CSR: csr})},
		{api.RouteStatus, "", "", json(api.StatusBatch{Messages: []status.Message{{Number: 1, Time: late, ID: status.ActionCompleted, Action: "\x1b"}}, Progress: &status.Progress{Done: 1, Total: -1}})},
		{api.RouteErase, "", "", json(api.Erase{Disk: "\x00/dev/sda"})},
		{api.RouteRetry, "", "", json(api.Retry{Person: true, Ticket: "x"})},
		{api.RouteSecrets, "", "", json(api.AskSecrets{Step: 1, Key: []byte("x")})},
		{api.RouteManifest, "sha256:" + strings.Repeat("a", 64), "", nil},
		{api.RouteBlob, strings.Repeat("a", 64), "", nil},
		{api.RouteSignIn, "", "", json(api.SignIn{Name: "zoe", PIN: "x"})},
		{api.RouteDecide, "482-913", "", json(api.Decision{Decision: "approve"})},
		{api.RouteDecide, "482 913", "", json(api.Decision{Decision: "deny"})},
		{api.RouteBoxClear, "", "", json(api.ClearPXE{Computers: []string{"ward7-pc1", "C1", wardMAC}})},
		{api.RouteBoxRetry, "", "", json(api.RetryJobs{Computers: []string{"ward7-pc1", "C1", wardMAC}})},
		{api.RouteBoxResume, "", "", nil},
		{api.RouteBoxTimeline, "", "client=" + wardMAC, nil},
		{api.RouteBoxTrace, "", "client=" + wardMAC, nil},
		{api.RouteBoxExplain, "", "client=" + wardMAC + "&firmware=uefi-x64-pxe", nil},
	}
}
