package managementpoint

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/httpapi"
	"github.com/bootward/bootward/internal/openapi"
)

// description is what the OpenAPI document says of a route beside who may use it.
type description struct {
	summary           string
	request, response any
	media             string
	status            int
}

// descriptions are those of the routes in the table, by pattern.
func descriptions() map[string]description {
	return map[string]description{
		api.RouteHello:    {summary: "Who the box is, and its time", response: api.Hello{}},
		api.RouteOffers:   {summary: "What a machine may run now", request: api.Ask{}, response: api.Offers{}},
		api.RoutePassword: {summary: "A ticket for the box's PXE password", request: api.Password{}, response: api.Ticket{}},
		api.RouteClaim:    {summary: "A job, bound to the key that claims", request: api.Claim{}, response: api.Claimed{}},
		api.RouteDecline:  {summary: "Nobody came to the screen of the machine", request: api.Identity{}, status: http.StatusNoContent},
		api.RouteJob:      {summary: "The job of the certificate", response: api.Job{}},
		api.RouteRenew:    {summary: "A new certificate for the key of the job", request: api.Renew{}, response: api.Claimed{}},
		api.RouteStatus:   {summary: "Status messages, each counted once", request: api.StatusBatch{}, response: api.StatusAck{}},
		api.RouteJobLog:   {summary: "More of the job's smsts.log", response: api.LogAck{}},
		api.RouteSecrets:  {summary: "The secrets of the step at which the job stands, once", request: api.AskSecrets{}, response: api.Secrets{}},
		api.RouteRetry:    {summary: "A job that failed goes on at the step that failed", request: api.Retry{}, response: api.Retried{}},
		api.RouteErase:    {summary: "The job is about to write to a disk for the first time", request: api.Erase{}, status: http.StatusNoContent},
		api.RouteManifest: {summary: "Signed manifest of content of the job", response: json.RawMessage{}},
		api.RouteBlob:     {summary: "A file of content of the job; Range is honoured", media: "application/octet-stream"},
	}
}

// Routes is the table of routes, described.
func (p *Point) Routes() []httpapi.Route {
	words := map[who]string{nobody: "anybody", openJob: "an open job", endedJob: "a job, also one that has ended"}
	known := descriptions()
	var all []httpapi.Route
	for _, rt := range routes {
		d := known[rt.pattern]
		one := httpapi.Route{Pattern: rt.pattern, Who: words[rt.who], Summary: d.summary, Request: d.request, Response: d.response, Media: d.media,
			Status: d.status, Limit: rt.limit, Time: rt.time, Serve: func(w http.ResponseWriter, r *http.Request) { p.handle(rt, w, r) }}
		if rt.who != nobody {
			one.Security = []string{openapi.Certificate}
		}
		all = append(all, one)
	}
	return all
}

// Handler serves the routes for agents; everything else is not found.
func (p *Point) Handler() http.Handler { return httpapi.Mux(p.Routes()) }

// Allow says whether a source that shows no certificate may ask once more now.
func (p *Point) Allow(r *http.Request) bool { return p.limits.allow(source(r), time.Now()) }
