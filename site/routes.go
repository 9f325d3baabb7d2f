package site

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/eventstream"
	"github.com/bootward/bootward/internal/openapi"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
	"github.com/bootward/bootward/site/store"
)

// audience says who may use a route. The zero value is nobody at all.
type audience int

const (
	closedToAll audience = iota
	anybody              // needs no name
	persons              // who have what the route needs
	boxes                // enrolled boxes
)

// caller is who sent a request, as far as it was proven.
type caller struct {
	person string
	box    *store.Box
}

// route is one line of the table of routes: whatever is not in it is denied.
type route struct {
	pattern  string // of package api
	who      audience
	need     demand // of persons; without it the route lets nobody in
	summary  string
	query    []openapi.Parameter
	maxBody  int64 // bytes; 0 means that there is no body
	request  any   // zero value of the body's type; nil for none or bytes
	response any   // zero value of the answer's type
	media    string
	status   int           // of success; 200 when 0
	timeout  time.Duration // for reading and writing; 0: the handler sets its own
	handle   func(http.ResponseWriter, *http.Request, caller) error
}

const (
	smallBody   = 64 << 10
	eventBody   = 16 << 20
	checkInBody = 4 << 20 // about 20,000 manifests
	applyBody   = 32 << 20
	blobBody    = 1 << 40
)

func (s *Site) routes() []route {
	var object, anyJSON json.RawMessage
	q := func(name, text string) openapi.Parameter { return openapi.Parameter{Name: name, Description: text} }
	return []route{
		{pattern: api.RouteOpenAPI, who: anybody, summary: "This description", response: anyJSON, timeout: writeTime, handle: s.getOpenAPI},
		{pattern: api.RouteHealth, who: anybody, summary: "Whether the site can answer", response: map[string]string{}, timeout: writeTime, handle: s.getHealth},
		{pattern: api.RouteAnchor, who: anybody, summary: "The signed trust anchor; compare its fingerprint", response: anyJSON, timeout: writeTime, handle: s.getAnchor},
		{pattern: api.RouteWhoAmI, who: persons, need: signedIn(), summary: "Who you are", response: api.Person{}, timeout: writeTime, handle: s.getWhoAmI},
		{pattern: api.RouteApply, who: persons, need: byObject(osd.Change, "change on each object, as it was and as it will be; deploy on the collections of advertisements"), summary: "Put objects in place, all or none", maxBody: applyBody, request: api.Apply{}, response: api.Applied{}, timeout: 2 * time.Minute, handle: s.postApply},
		{pattern: api.RouteList, who: persons, need: filtered(), summary: "The objects of a kind", response: api.ObjectList{}, timeout: writeTime, handle: s.getList},
		{pattern: api.RouteGet, who: persons, need: on(osd.See, ""), summary: "One object, by name or ID", response: object, timeout: writeTime, handle: s.getObject},
		{pattern: api.RouteDelete, who: persons, need: on(osd.Change, ""), summary: "Delete an object that nothing refers to", status: http.StatusNoContent, timeout: writeTime, handle: s.deleteObject},
		{pattern: api.RouteDeletion, who: persons, need: on(osd.Change, ""), summary: "What deleting an object would do, or why it is refused", response: api.Applied{}, timeout: writeTime, handle: s.getDeletion},
		{pattern: api.RouteToken, who: persons, need: on(osd.Change, osd.KindBox), summary: "A one-time enrolment token for a box", response: api.EnrolToken{}, timeout: writeTime, handle: s.postToken},
		{pattern: api.RouteBoxes, who: persons, need: filtered(), summary: "The state of every box", response: []api.BoxState{}, timeout: writeTime, handle: s.getBoxes},
		{pattern: api.RouteUploadBlob, who: persons, need: bringContent(), summary: "Upload a file of content; Content-Range resumes", maxBody: blobBody, status: http.StatusNoContent, handle: s.putBlob},
		{pattern: api.RouteHasBlob, who: persons, need: bringContent(), summary: "Whether a file is there; Upload-Offset says how much of it", timeout: writeTime, handle: s.headBlob},
		{pattern: api.RouteImport, who: persons, need: byObject(osd.Change, "change on the object that is imported"), summary: "Make a Package, Image or BootImage of uploaded files", maxBody: 64 << 20, request: api.Import{}, response: object, handle: s.postImport},
		{pattern: api.RouteMessages, who: persons, need: filtered(), summary: "Status messages in the order of arrival", response: api.Messages{}, timeout: writeTime, handle: s.getMessages,
			query: []openapi.Parameter{q("computer", "name or ID"), q("advertisement", "name or ID"), q("job", "ID of a job"), q("after", "cursor: the `next` of the page before")}},
		{pattern: api.RouteFlight, who: persons, need: filtered(), summary: "Flight recorder of a machine", response: []status.FlightEvent{}, timeout: writeTime, handle: s.getFlight, query: []openapi.Parameter{q("client", "MAC of the machine")}},
		{pattern: api.RouteJobs, who: persons, need: filtered(), summary: "Deployments, the newest first", response: []api.JobState{}, timeout: writeTime, handle: s.getJobs},
		{pattern: api.RouteHomepage, who: persons, need: filtered(), summary: "How many machines run, succeeded, failed, wait: by advertisement", response: status.Homepage{}, timeout: writeTime, handle: s.getHomepage},
		{pattern: api.RouteAdvertisementStatus, who: persons, need: on(osd.See, osd.KindAdvertisement), summary: "Where each machine of an advertisement is", response: status.AdvertisementStatus{}, timeout: writeTime, handle: s.getAdvertisementStatus},
		{pattern: api.RouteUnprovisioned, who: persons, need: filtered(), summary: "The machines that are being deployed now", response: []trace.Machine{}, timeout: writeTime, handle: s.getUnprovisioned},
		{pattern: api.RouteLog, who: persons, need: byObject(osd.See, "see on the computer of the log"), summary: "smsts.log of the last job of a computer, or of a job, as its box sends it", media: "text/plain", handle: s.getLog,
			query: []openapi.Parameter{q("offset", "where to begin, in bytes"), q("follow", "true: until the job has ended")}},
		{pattern: api.RouteEvents, who: persons, need: filtered(), summary: "The stream of events, as server-sent events; Last-Event-ID resumes it", media: eventstream.Media, handle: s.getEvents,
			query: []openapi.Parameter{q("after", "id of an event to begin behind, as in the header Last-Event-ID; 0-0 for all"), q("computer", "name or ID"), q("advertisement", "name or ID"), q("job", "ID of a job")}},
		{pattern: api.RouteAudit, who: persons, need: administrators(), summary: "The audit log", response: []api.AuditEntry{}, timeout: writeTime, handle: s.getAudit, query: []openapi.Parameter{q("after", "number of the last entry seen")}},
		{pattern: api.RouteGrantAgain, who: persons, need: deployTo(), summary: "Issue grants anew for a confirmed number of machines", maxBody: smallBody, request: api.GrantAgain{}, response: api.Granted{}, timeout: writeTime, handle: s.postGrants},
		{pattern: api.RouteComputerImport, who: persons, need: byObject(osd.Change, "change on each computer, and on the collection"), summary: "Import computers from CSV, all or none", maxBody: 80 << 20, request: api.ComputerImport{}, response: api.ComputerImported{}, timeout: 5 * time.Minute, handle: s.postComputers},
		{pattern: api.RouteExplain, who: persons, need: on(osd.See, osd.KindComputer), summary: "What a computer would get and why, and what not", response: policy.Explanation{}, timeout: writeTime, handle: s.getExplain,
			query: []openapi.Parameter{q("at", "time, now when left out"), q("box", "name of a box"), q("where", "bootMediaAndPXE or runningClients"), q("event", "atLogon or atLogoff")}},
		{pattern: api.RouteMembers, who: persons, need: on(osd.See, osd.KindCollection), summary: "Who is in a collection", response: api.Members{}, timeout: writeTime, handle: s.getMembers},
		{pattern: api.RouteSiteReady, who: persons, need: on(osd.See, osd.KindBox), summary: "Which deployments a box could finish if its line were cut", response: api.BoxReady{}, timeout: writeTime, handle: s.getReady},
		{pattern: api.RouteOrder, who: persons, need: byObject(osd.Deploy, "deploy on each box that goes on, on each computer that is named"), summary: "Tell boxes to go on, to forget that computers ran mandatory advertisements, to let failed jobs of computers go on, or to wake computers", maxBody: smallBody, request: api.Order{}, response: api.Ordered{}, timeout: writeTime, handle: s.postOrder},
		{pattern: api.RoutePersonToken, who: persons, need: ownOrAdministrator(), summary: "A new bearer token for a person, shown once; earlier ones are void", response: api.SignInToken{}, timeout: writeTime, handle: s.postPersonToken},
		{pattern: api.RoutePersonCertificate, who: persons, need: ownOrAdministrator(), summary: "A client certificate for a person", maxBody: smallBody, request: api.PersonCSR{}, response: api.PersonCertificate{}, timeout: writeTime, handle: s.postPersonCertificate},
		{pattern: api.RouteCredentials, who: persons, need: ownOrAdministrator(), summary: "The tokens and certificates of a person that have not ended", response: api.Credentials{}, timeout: writeTime, handle: s.getCredentials},
		{pattern: api.RouteRevoke, who: persons, need: ownOrAdministrator(), summary: "Void every token and certificate of a person", status: http.StatusNoContent, timeout: writeTime, handle: s.deleteCredentials},
		{pattern: api.RouteSitePending, who: persons, need: filtered(), summary: "The machines that wait for approval at all boxes", response: []api.BoxPending{}, timeout: writeTime, handle: s.getPending},
		{pattern: api.RouteSiteDecide, who: persons, need: byObject(osd.Deploy, "deploy on the box at which the machine waits"), summary: "Approve or deny the machine that shows a code", maxBody: smallBody, request: api.SiteDecision{}, response: api.Ordered{}, timeout: writeTime, handle: s.postDecision},

		{pattern: api.RouteSecretValue, who: persons, need: on(osd.Change, osd.KindSecret), summary: "Give a Secret a new value", maxBody: smallBody, request: api.SecretValue{}, status: http.StatusNoContent, timeout: writeTime, handle: s.putSecretValue},
		{pattern: api.RoutePersonPIN, who: persons, need: ownOrAdministrator(), summary: "Give a person a new PIN for boxes", maxBody: smallBody, request: api.NewPIN{}, status: http.StatusNoContent, timeout: writeTime, handle: s.putPIN},
		{pattern: api.RoutePXEPassword, who: persons, need: on(osd.Change, osd.KindBox), summary: "Give a box a new PXE password; an empty one takes it away", maxBody: smallBody, request: api.SecretValue{}, status: http.StatusNoContent, timeout: writeTime, handle: s.putPXEPassword},
		{pattern: api.RouteMerge, who: persons, need: on(osd.Change, osd.KindComputer), summary: "Make one computer of two", maxBody: smallBody, request: api.Merge{}, response: api.Applied{}, timeout: writeTime, handle: s.postMerge},
		{pattern: api.RouteReplace, who: persons, need: on(osd.Change, osd.KindComputer), summary: "Give a computer new labels after a repair", maxBody: smallBody, request: api.Replace{}, response: api.Applied{}, timeout: writeTime, handle: s.postReplace},
		{pattern: api.RouteDistribute, who: persons, need: on(osd.Deploy, ""), summary: "Assign content to boxes, or take it away from them", maxBody: smallBody, request: api.Distribute{}, response: api.Distributed{}, timeout: writeTime, handle: s.postDistribute},
		{pattern: api.RouteContent, who: persons, need: filtered(), summary: "Which box holds which content", response: []api.ContentStatus{}, timeout: writeTime, handle: s.getContent, query: []openapi.Parameter{q("name", "name or ID of a Package, Image or BootImage")}},

		{pattern: api.RouteBoxEnrol, who: anybody, summary: "Identity of a box, for a one-time token", maxBody: smallBody, request: api.Enrol{}, response: api.Enrolled{}, timeout: writeTime, handle: s.postEnrol},
		{pattern: api.RouteBoxCheckIn, who: boxes, summary: "What a box says of itself", maxBody: checkInBody, request: api.CheckIn{}, response: api.CheckedIn{}, timeout: writeTime, handle: s.postCheckIn},
		{pattern: api.RouteBoxPolicy, who: boxes, summary: "Signed policy, when it is not the one that the box has; 204 otherwise", response: anyJSON, handle: s.getPolicy,
			query: []openapi.Parameter{q("have", "EPOCH.NUMBER of the policy at hand"), q("wait", "seconds to wait for another, 0 to 300"), q("logs", "true: the box sends logs, and is told which are wanted")}},
		{pattern: api.RouteBoxManifest, who: boxes, summary: "Signed manifest of content in the box's policy", response: anyJSON, timeout: writeTime, handle: s.getManifest},
		{pattern: api.RouteBoxBlob, who: boxes, summary: "A file of content in the box's policy; Range is honoured", media: "application/octet-stream", handle: s.getBlob},
		{pattern: api.RouteBoxSendLog, who: boxes, summary: "A log that this box was asked for, in gzip, or why there is none; answered when nobody wants more", maxBody: maxLogBytes, status: http.StatusNoContent, handle: s.postBoxLog},
		{pattern: api.RouteBoxEvents, who: boxes, summary: "Events of a box's outbox, each counted once", maxBody: eventBody, request: api.EventBatch{}, response: api.EventAck{}, timeout: 2 * time.Minute, handle: s.postEvents},
	}
}

// Handler serves the table of routes; everything else is not found.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		mux.Handle(rt.pattern, s.serve(rt))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, api.Errorf(api.CodeNotFound, r.URL.Path, "there is no such route"))
	})
	return mux
}

func (s *Site) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		c, err := s.admit(r, rt)
		if err == nil {
			r.Body = http.MaxBytesReader(w, r.Body, rt.maxBody)
			err = deadlines(w, rt.timeout)
		}
		if err == nil {
			err = s.handle(w, r, rt, c)
		}
		if err != nil && !errors.Is(err, http.ErrAbortHandler) {
			writeProblem(w, s.asProblem(r, err))
		}
		s.log.Debug("request", "method", r.Method, "path", r.URL.Path, "person", c.person, "error", err, "took", time.Since(started))
	})
}

// handle answers a request. A handler that panics is an internal error, told to
// the log with its stack; an answer that had begun by then is broken off, so that
// nobody takes it for a whole one.
func (s *Site) handle(w http.ResponseWriter, r *http.Request, rt route, c caller) (err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p != http.ErrAbortHandler {
			s.log.Error("request panicked", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
		}
		if p == http.ErrAbortHandler || w.Header().Get("Content-Type") != "" {
			panic(http.ErrAbortHandler)
		}
		err = api.Errorf(api.CodeInternal, r.URL.Path, "the site failed; its log says why")
	}()
	return rt.handle(w, r, c)
}

func deadlines(w http.ResponseWriter, d time.Duration) error {
	if d == 0 {
		return nil
	}
	c, end := http.NewResponseController(w), time.Now().Add(d)
	if err := errors.Join(c.SetReadDeadline(end), c.SetWriteDeadline(end)); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// admit finds out who calls, and whether that is enough.
func (s *Site) admit(r *http.Request, rt route) (caller, error) {
	if rt.who == anybody {
		return caller{}, nil
	}
	c, wrong, err := s.identify(r.Context(), r)
	switch {
	case err != nil:
		return c, err
	case rt.who == persons && c.person != "":
		return c, s.allow(r, c.person, rt.need)
	case rt.who == boxes && c.box != nil:
		return c, nil
	case c.person != "" || c.box != nil:
		return caller{}, api.Errorf(api.CodeForbidden, r.URL.Path, "this route is not for you")
	case wrong != nil:
		return caller{}, wrong
	}
	return caller{}, api.Errorf(api.CodeUnauthorized, r.URL.Path, "who are you?").
		WithRemedy("sign in with a bearer token or a client certificate, or enrol the box again")
}

// allow holds what a route needs against the rights of a person.
func (s *Site) allow(r *http.Request, who string, need demand) error {
	if need.check == nil {
		return api.Errorf(api.CodeForbidden, r.URL.Path, "nobody has a right to this route")
	}
	return s.see(r.Context(), who, func(_ store.Tx, w world) error {
		if w.viewer == nil || w.viewer.Disabled { // since the sign-in
			return api.Errorf(api.CodeUnauthorized, r.URL.Path, "who are you?")
		}
		return need.check(w, r)
	})
}

// identify says who calls: a person by what authenticators believe, a box by the
// client certificate that the TLS server has verified against the trust anchor.
// wrong is about proof that was shown and is not good.
func (s *Site) identify(ctx context.Context, r *http.Request) (c caller, wrong *api.Error, err error) {
	if c.person, err = s.person(ctx, r); err != nil && !errors.As(err, &wrong) {
		return c, nil, err
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		b, err := s.boxOf(ctx, r.TLS.PeerCertificates[0])
		if err == nil {
			c.box = &b
		} else if !errors.Is(err, store.ErrNotFound) {
			return c, wrong, err
		}
	}
	return c, wrong, nil
}

// document describes the routes in OpenAPI 3.
func (s *Site) document() ([]byte, error) {
	var ops []openapi.Operation
	for _, rt := range s.routes() {
		method, path, _ := strings.Cut(rt.pattern, " ")
		op := openapi.Operation{Method: method, Path: path, Summary: rt.summary, Query: rt.query, Status: rt.status, Media: rt.media,
			Security: map[audience]string{persons: openapi.Bearer + " " + openapi.Certificate, boxes: openapi.Certificate}[rt.who], Binary: rt.maxBody == blobBody}
		if rt.who == persons {
			op.Description = "Needs " + rt.need.text + "."
		}
		if rt.request != nil {
			op.Request = reflect.TypeOf(rt.request)
		}
		if rt.response != nil {
			op.Response = reflect.TypeOf(rt.response)
		}
		ops = append(ops, op)
	}
	return openapi.Document("Bootward site", s.version, reflect.TypeOf(api.Error{}), ops)
}
