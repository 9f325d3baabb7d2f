package technician

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/httpapi"
	"github.com/bootward/bootward/internal/eventstream"
	"github.com/bootward/bootward/internal/openapi"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
)

// anybody may sign in. A route whose right is empty is refused to all.
const anybody = "anybody"

const (
	maxBody   = 64 << 10
	shortTime = 30 * time.Second
)

// call is one request that may be served.
type call struct {
	r *http.Request
	caller
	token string // of the session; empty with a certificate
}

// route is one line of the table: everything that is not in it is refused.
type route struct {
	pattern           string
	right             string // anybody, anyRight, or osd.MayApprove and so on
	summary           string
	query             []openapi.Parameter
	request, response any
	serve             func(*Desk, call) (answer any, f *failure)
	// stream answers by itself, as long as somebody reads; it fails before it begins.
	stream func(*Desk, call, http.ResponseWriter) *failure
	media  string
}

// routes is who may do what.
var routes = []route{
	{pattern: api.RouteSignIn, right: anybody, summary: "Open a session with name and PIN", request: api.SignIn{}, response: api.Session{}, serve: (*Desk).serveSignIn},
	{pattern: api.RouteSignOut, right: anyRight, summary: "End the session", serve: func(d *Desk, c call) (any, *failure) {
		d.sessions.close(c.token)
		return nil, nil
	}},
	{pattern: api.RouteBoxState, right: anyRight, summary: "How the box is", response: api.BoxConsole{}, serve: (*Desk).serveState},
	{pattern: api.RouteApprovals, right: anyRight, summary: "Machines that wait for approval", response: []api.PendingApproval{}, serve: func(d *Desk, c call) (any, *failure) {
		return answer(d.pending(c.r.Context()))
	}},
	{pattern: api.RouteDecide, right: osd.MayApprove, summary: "Approve or deny the machine that shows a code", request: api.Decision{}, response: api.PendingApproval{}, serve: (*Desk).serveDecide},
	{pattern: api.RouteBoxResume, right: osd.MayResume, summary: "Let the box go on that the wipe interlock stopped", serve: func(d *Desk, c call) (any, *failure) {
		return nil, d.resume(c.r.Context(), c.caller)
	}},
	{pattern: api.RouteBoxRetry, right: osd.MayClear, summary: "Let failed jobs of computers go on at the step that failed", request: api.RetryJobs{}, response: api.RetryJobs{}, serve: (*Desk).serveRetry},
	{pattern: api.RouteBoxClear, right: osd.MayClear, summary: "Clear the PXE marks of computers", request: api.ClearPXE{}, response: api.Cleared{}, serve: (*Desk).serveClear},
	{pattern: api.RouteSelfTest, right: anyRight, summary: "Test the segments of the box, one test at a time", response: api.SelfTest{},
		query: []openapi.Parameter{{Name: "interface", Description: "this one only, such as eth0"}}, serve: func(d *Desk, c call) (any, *failure) {
			return answer(d.test(c.r.Context(), c.caller, c.r.URL.Query().Get("interface")))
		}},
	{pattern: api.RouteBoxAudit, right: anyRight, summary: "The audit log of the box, the newest first", response: []api.AuditRecord{}, serve: func(d *Desk, c call) (any, *failure) {
		return answer(d.audit(c.r.Context(), maxAudit))
	}},
	{pattern: api.RouteBoxTimeline, right: anyRight, summary: "Flight recorder of a machine", response: []status.FlightEvent{},
		query: []openapi.Parameter{{Name: "client", Description: "MAC of the machine"}}, serve: func(d *Desk, c call) (any, *failure) {
			return answer(d.timeline(c.r.Context(), c.r.URL.Query().Get("client")))
		}},
	{pattern: api.RouteBoxTrace, right: anyRight, summary: "Timeline of a machine, how far it came and why it stopped", response: trace.Trace{},
		query: []openapi.Parameter{{Name: "client", Description: "MAC of the machine"}}, serve: func(d *Desk, c call) (any, *failure) {
			return answer(d.trace(c.r.Context(), c.r.URL.Query().Get("client")))
		}},
	{pattern: api.RouteBoxExplain, right: anyRight, summary: "What a machine would be sent, from policy to packet; nothing is changed", response: api.BootExplanation{},
		query: []openapi.Parameter{{Name: "client", Description: "MAC of the machine"}, {Name: "firmware", Description: "kind of firmware (default the last that it showed, else all)"}},
		serve: func(d *Desk, c call) (any, *failure) {
			q := c.r.URL.Query()
			return answer(d.explain(c.r.Context(), q.Get("client"), q.Get("firmware")))
		}},
	{pattern: api.RouteHomepage, right: anyRight, summary: "How many machines run, succeeded, failed, wait: by advertisement", response: status.Homepage{}, serve: func(d *Desk, c call) (any, *failure) {
		return answer(d.homepage(c.r.Context(), c.caller))
	}},
	{pattern: api.RouteAdvertisementStatus, right: anyRight, summary: "Where each machine of an advertisement is", response: status.AdvertisementStatus{}, serve: func(d *Desk, c call) (any, *failure) {
		return answer(d.advertisement(c.r.Context(), c.caller, c.r.PathValue("name")))
	}},
	{pattern: api.RouteUnprovisioned, right: anyRight, summary: "The machines that are being deployed now", response: []trace.Machine{}, serve: func(d *Desk, c call) (any, *failure) {
		return answer(d.unprovisioned(c.r.Context(), c.caller))
	}},
	{pattern: api.RouteJobs, right: anyRight, summary: "Deployments, the newest first", response: []api.JobState{}, serve: func(d *Desk, c call) (any, *failure) {
		return answer(d.jobs(c.r.Context(), c.caller))
	}},
	{pattern: api.RouteMessages, right: anyRight, summary: "Status messages of the box's jobs", response: api.Messages{}, query: ofEvents, serve: func(d *Desk, c call) (any, *failure) {
		q := c.r.URL.Query()
		return answer(d.messages(c.r.Context(), c.caller, status.Filter{Computer: q.Get("computer"), Advertisement: q.Get("advertisement"), Job: q.Get("job")}))
	}},
	{pattern: api.RouteBoxLog, right: anyRight, summary: "smsts.log of the last job of a computer, or of a job", media: "text/plain", stream: (*Desk).serveLog,
		query: []openapi.Parameter{{Name: "offset", Description: "where to begin, in bytes"}, {Name: "follow", Description: "true: until the job has ended"}}},
	{pattern: api.RouteEvents, right: anyRight, summary: "The stream of events, as server-sent events; Last-Event-ID resumes it", media: eventstream.Media, stream: (*Desk).serveEvents,
		query: append([]openapi.Parameter{{Name: "after", Description: "id of an event to begin behind, as in the header Last-Event-ID; 0 for all"}}, ofEvents...)},
}

// ofEvents select events and messages.
var ofEvents = []openapi.Parameter{{Name: "computer", Description: "name"}, {Name: "advertisement", Description: "name or ID"}, {Name: "job", Description: "ID of a job"}}

// Routes is the table of routes, described.
func (d *Desk) Routes() []httpapi.Route {
	var all []httpapi.Route
	for _, rt := range routes {
		one := httpapi.Route{Pattern: rt.pattern, Who: rt.right, Summary: rt.summary, Query: rt.query, Request: rt.request, Response: rt.response,
			Limit: maxBody, Time: shortTime, Serve: func(w http.ResponseWriter, r *http.Request) { d.handle(rt, w, r) }}
		if rt.right != anybody {
			one.Security = []string{openapi.Bearer, openapi.Certificate}
		}
		if rt.right != anybody && rt.right != anyRight {
			one.Who = "a technician who may " + rt.right
		}
		switch {
		case rt.stream != nil:
			one.Time, one.Media = 0, rt.media
		case rt.response == nil:
			one.Status = http.StatusNoContent
		}
		all = append(all, one)
	}
	return all
}

// handle decides who asks and whether he may, then serves.
func (d *Desk) handle(rt route, w http.ResponseWriter, r *http.Request) {
	c, f := d.admit(rt.right, r)
	var out any
	switch {
	case f != nil:
	case rt.stream != nil:
		if f = rt.stream(d, c, w); f == nil {
			return
		}
	default:
		out, f = rt.serve(d, c)
	}
	switch {
	case f != nil:
		if f.wait > 0 {
			w.Header().Set("Retry-After", fmt.Sprint(int(f.wait.Seconds())))
		}
		if f.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", "Bearer") // RFC 6750, section 3
		}
		httpapi.Fail(w, f.Error)
	case rt.response == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(out) // a client that went away needs no answer
	}
}

// admit lets a request in, or says why not.
func (d *Desk) admit(right string, r *http.Request) (call, *failure) {
	c := call{r: r}
	if d.Self() == nil {
		f := fail(api.CodeUnavailable, "box", "the box is not enrolled yet")
		f.wait = 10 * time.Second
		return c, f
	}
	if right == anybody {
		if d.Allow != nil && !d.Allow(r) {
			f := fail(api.CodeTooMany, "", "too many requests from this address")
			f.wait = 2 * time.Second
			return c, f
		}
		return c, nil
	}
	var f *failure
	if c.caller, c.token, f = d.identify(r); f != nil {
		return c, f
	}
	return c, c.may(right)
}

// identify finds out who asks. A client certificate says it alone: with that of
// a job or a box a token is of no use.
func (d *Desk) identify(r *http.Request) (caller, string, *failure) {
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		c, f := d.byCertificate(r.TLS.PeerCertificates[0], r.URL.Path)
		return c, "", f
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return caller{}, "", fail(api.CodeUnauthorized, r.URL.Path, "who are you?").remedy("sign in with name and PIN, or show the certificate of a person")
	}
	c, f := d.bySession(token, true)
	return c, token, f
}

func (d *Desk) serveSignIn(c call) (any, *failure) {
	var in api.SignIn
	if f := read(c.r, &in); f != nil {
		return nil, f
	}
	return answer(d.signIn(c.r.Context(), in, origin{side: "network", from: "from " + source(c.r), idle: remoteIdle}))
}

func (d *Desk) serveState(c call) (any, *failure) {
	s := d.State(c.r.Context())
	s.Addresses, s.Jobs, s.Alarms = orEmpty(s.Addresses), orEmpty(s.Jobs), orEmpty(s.Alarms)
	var f *failure
	s.Pending, f = d.pending(c.r.Context())
	return answer(s, f)
}

func (d *Desk) serveDecide(c call) (any, *failure) {
	var in api.Decision
	if f := read(c.r, &in); f != nil {
		return nil, f
	}
	return answer(d.decide(c.r.Context(), c.caller, c.r.PathValue("code"), in.Decision))
}

func (d *Desk) serveClear(c call) (any, *failure) {
	var in api.ClearPXE
	if f := read(c.r, &in); f != nil {
		return nil, f
	}
	names, f := d.clear(c.r.Context(), c.caller, in.Computers)
	return answer(api.Cleared{Computers: names}, f)
}

func (d *Desk) serveRetry(c call) (any, *failure) {
	var in api.RetryJobs
	if f := read(c.r, &in); f != nil {
		return nil, f
	}
	names, f := d.retry(c.r.Context(), c.caller, in.Computers)
	return answer(api.RetryJobs{Computers: names}, f)
}

// answer makes a typed result one of the table's functions.
func answer[T any](v T, f *failure) (any, *failure) {
	if f != nil {
		return nil, f
	}
	return v, nil
}

// read decodes a body. Unknown fields are passed over: clients may be newer.
func read(r *http.Request, into any) *failure {
	dec := json.NewDecoder(r.Body)
	if err := dec.Decode(into); err != nil {
		return fail(api.CodeInvalid, "body", "is not the JSON document that is wanted here")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fail(api.CodeInvalid, "body", "there is more after the JSON document")
	}
	return nil
}

// source is the address that a request came from.
func source(r *http.Request) string {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "somewhere"
	}
	return a.Addr().Unmap().String()
}
