package managementpoint

import (
	"cmp"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/trust"
)

// Who may use a route.
type who int

const (
	nobody    who = iota // anybody, known or not; limited per source
	openJob              // the certificate of an open job
	endedJob             // the certificate of a job that is open or has ended
	maxSmall  = 64 << 10
	maxStatus = 8 << 20
	shortTime = 30 * time.Second
)

// Content serves what a job may fetch. An error that is returned is answered
// by the caller; nil means that the answer was given.
type Content interface {
	Manifest(w http.ResponseWriter, r *http.Request, digest string, pinned []api.JobContent) *api.Error
	Blob(w http.ResponseWriter, r *http.Request, sha string, pinned []api.JobContent) *api.Error
}

// call is one request that may be served.
type call struct {
	w   http.ResponseWriter
	r   *http.Request
	job store.Job // zero on routes for nobody
}

// route is one line of the table: everything that is not in it is refused.
type route struct {
	pattern string
	who     who
	limit   int64         // bytes of the request's body
	time    time.Duration // for the whole exchange; 0: as long as bytes move
	serve   func(*Point, call) (answer any, err *api.Error)
}

// routes is who may do what.
var routes = []route{
	{api.RouteHello, nobody, 0, shortTime, (*Point).serveHello},
	{api.RouteOffers, nobody, maxSmall, shortTime, (*Point).serveOffers},
	{api.RoutePassword, nobody, maxSmall, shortTime, (*Point).servePassword},
	{api.RouteClaim, nobody, maxSmall, shortTime, (*Point).serveClaim},
	{api.RouteDecline, nobody, maxSmall, shortTime, (*Point).serveDecline},
	{api.RouteJob, openJob, 0, shortTime, func(_ *Point, c call) (any, *api.Error) { return c.job.Document, nil }},
	{api.RouteRenew, openJob, maxSmall, shortTime, (*Point).serveRenew},
	{api.RouteStatus, endedJob, maxStatus, shortTime, (*Point).serveStatus},
	{api.RouteJobLog, endedJob, api.MaxLogChunk, shortTime, (*Point).serveLog},
	{api.RouteSecrets, openJob, maxSmall, shortTime, (*Point).serveSecrets},
	{api.RouteRetry, endedJob, maxSmall, shortTime, (*Point).serveRetry},
	{api.RouteErase, openJob, maxSmall, shortTime, (*Point).serveErase},
	{api.RouteManifest, openJob, 0, 5 * time.Minute, func(p *Point, c call) (any, *api.Error) {
		return nil, p.Content.Manifest(c.w, c.r, c.r.PathValue("digest"), c.job.Document.Content)
	}},
	{api.RouteBlob, openJob, 0, 0, func(p *Point, c call) (any, *api.Error) {
		return nil, p.Content.Blob(c.w, c.r, c.r.PathValue("sha256"), c.job.Document.Content)
	}},
}

// handle decides who asks, then serves. Package httpapi keeps the route's limits.
func (p *Point) handle(rt route, w http.ResponseWriter, r *http.Request) {
	if p.Self() == nil {
		w.Header().Set("Retry-After", "10")
		fail(w, api.Errorf(api.CodeUnavailable, "box", "the box is not enrolled yet"))
		return
	}
	c := call{w: w, r: r}
	if rt.who == nobody {
		if !p.limits.allow(source(r), time.Now()) {
			w.Header().Set("Retry-After", "2")
			fail(w, api.Errorf(api.CodeTooMany, "", "too many requests from this address"))
			return
		}
	} else {
		j, err := p.authenticate(rt.who, r)
		if err != nil {
			fail(w, p.veil(rt, err))
			return
		}
		c.job = j
		if r.TLS.PeerCertificates[0].NotAfter.Sub(p.Now()) < trust.MaxJobLife/4 {
			w.Header().Set("Connection", "close") // the next one shows the renewed certificate
		}
	}
	answer, err := rt.serve(p, c)
	switch {
	case err != nil:
		fail(w, p.veil(rt, err))
	case answer != nil:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(answer) // a client that went away needs no answer
	}
}

// veil logs what went wrong inside the box and leaves it out of the answer:
// errors of the database and of files name paths and data.
func (p *Point) veil(rt route, e *api.Error) *api.Error {
	if e.Code != api.CodeInternal && e.Code != api.CodeNoSpace {
		return e
	}
	p.Log.Error("request failed", "route", rt.pattern, "error", e.Detail)
	if e.Code == api.CodeNoSpace {
		return api.Errorf(e.Code, "box", "the disk of the box is full").WithRemedy("its console and its log say more; it goes on by itself when there is room")
	}
	return api.Errorf(e.Code, "box", "the box failed; its log says why")
}

// authenticate finds the job of the client's certificate. The TLS layer has
// checked the chain; here it must be a job of this box, with the key that the
// job is bound to.
func (p *Point) authenticate(w who, r *http.Request) (store.Job, *api.Error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return store.Job{}, api.Errorf(api.CodeUnauthorized, r.URL.Path, "this needs the certificate of a job")
	}
	cert := r.TLS.PeerCertificates[0]
	if p.Now().After(cert.NotAfter) { // it was good at the handshake; the connection lived longer
		return store.Job{}, api.Errorf(api.CodeUnauthorized, r.URL.Path, "the certificate ended at %s", cert.NotAfter.UTC().Format(time.RFC3339))
	}
	self := p.Self()
	if len(cert.DNSNames) != 1 {
		return store.Job{}, api.Errorf(api.CodeForbidden, r.URL.Path, "the certificate is not that of a job")
	}
	id, box, site, ok := trust.ParseJobName(cert.DNSNames[0])
	if !ok || box != self.Authority.Box || site != self.Authority.Site {
		return store.Job{}, api.Errorf(api.CodeForbidden, r.URL.Path, "the certificate %s is not that of a job of this box", cert.DNSNames[0])
	}
	j, err := p.Store.Job(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return j, api.Errorf(api.CodeForbidden, id, "the box does not know this job; its memory was lost, or it is of another box")
	} else if err != nil {
		return j, internal(err)
	}
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || fingerprint(key) != j.Key {
		return j, api.Errorf(api.CodeForbidden, id, "the job is bound to another key")
	}
	switch {
	case j.State == store.JobHalted:
		return j, api.Errorf(api.CodeForbidden, id, "%s", j.Reason)
	case j.State != store.JobOpen && w == openJob:
		return j, api.Errorf(api.CodeForbidden, id, "the job has ended: %s", cmp.Or(j.Reason, string(j.State)))
	}
	return j, nil
}

func (p *Point) serveHello(call) (any, *api.Error) {
	s := p.Self()
	return api.Hello{Format: 1, Site: s.Site, Box: s.Box, BoxName: s.BoxName, Time: p.Now().UTC(), Version: p.Version}, nil
}

func (p *Point) serveOffers(c call) (any, *api.Error) {
	var in api.Ask
	if err := readFrom(c, &in, &in.Identity, &in.Where, &in.Event); err != nil {
		return nil, err
	}
	return answer(p.offers(c.r.Context(), in))
}

func (p *Point) serveClaim(c call) (any, *api.Error) {
	var in api.Claim
	if err := readFrom(c, &in, &in.Identity, &in.Where, &in.Event); err != nil {
		return nil, err
	}
	return answer(p.claim(c.r.Context(), in, sourceOf(c.r)))
}

func (p *Point) serveDecline(c call) (any, *api.Error) {
	id, err := readIdentity(c)
	if err != nil {
		return nil, err
	}
	if err := p.Store.Declined(c.r.Context(), id.MACs, id.SMBIOSGUID, p.Now()); err != nil {
		return nil, internal(err)
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil, nil
}

func (p *Point) serveRenew(c call) (any, *api.Error) {
	var in api.Renew
	if err := read(c.r, &in); err != nil {
		return nil, err
	}
	return answer(p.renew(c.r.Context(), c.job, in))
}

func (p *Point) serveStatus(c call) (any, *api.Error) {
	var in api.StatusBatch
	if err := read(c.r, &in); err != nil {
		return nil, err
	}
	return answer(p.status(c.r.Context(), c.job, in))
}

func (p *Point) serveErase(c call) (any, *api.Error) {
	var in api.Erase
	if err := read(c.r, &in); err != nil {
		return nil, err
	}
	if err := p.erase(c.r.Context(), c.job, in); err != nil {
		return nil, err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil, nil
}

// sourceOf is the address that a request came from.
func sourceOf(r *http.Request) string {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return a.Addr().Unmap().String()
}

// answer makes a typed result one of the table's functions.
func answer[T any](v T, err *api.Error) (any, *api.Error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func readIdentity(c call) (api.Identity, *api.Error) {
	var id api.Identity
	if err := read(c.r, &id); err != nil {
		return id, err
	}
	return checkIdentity(id)
}

// readFrom reads what a machine says, and checks who and where it says that it is:
// parts of in.
func readFrom(c call, in any, id *api.Identity, where, event *string) (err *api.Error) {
	if err = read(c.r, in); err != nil {
		return err
	}
	if *id, err = checkIdentity(*id); err != nil {
		return err
	}
	return checkPlace(*where, *event)
}

// read decodes a body. Unknown fields are passed over: agents may be newer.
func read(r *http.Request, into any) *api.Error {
	d := json.NewDecoder(r.Body)
	if err := d.Decode(into); err != nil {
		return api.Errorf(api.CodeInvalid, "body", "%v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return api.Errorf(api.CodeInvalid, "body", "there is more after the JSON document")
	}
	return nil
}

// fail answers with a problem document.
func fail(w http.ResponseWriter, e *api.Error) {
	w.Header().Set("Content-Type", api.ProblemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(e) // a client that went away needs no answer
}

// internal is an error of ours. It is for the log: veil keeps it from clients.
func internal(err error) *api.Error {
	if store.IsFull(err) {
		return api.Errorf(api.CodeNoSpace, "box", "%v", err)
	}
	return api.Errorf(api.CodeInternal, "box", "%v", err)
}

func source(r *http.Request) string {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return fmt.Sprintf("%.64s", r.RemoteAddr)
	}
	return a.Addr().Unmap().String()
}
