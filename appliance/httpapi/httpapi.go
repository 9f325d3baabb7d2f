// Package httpapi is the table of what a box answers over HTTPS: the routes of
// its management point and those for technicians, in one multiplexer and one
// OpenAPI document. What is not in the table is not found.
//
// It bounds time and body of each exchange; who may use a route is decided by
// the package that the route comes from.
package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/openapi"
)

// Route is one line of the table.
type Route struct {
	Pattern string // method and path, of package api
	// Who says for people who may use it.
	Who      string
	Summary  string
	Security []string // of package openapi, each will do; none: nobody in particular
	Query    []openapi.Parameter
	Request  any // zero value of the body's type; nil for none
	Response any // zero value of the answer's type; nil for none
	Media    string
	Status   int           // of success; 200 when 0
	Limit    int64         // bytes of the request's body
	Time     time.Duration // for the whole exchange; 0: as long as bytes move
	Serve    http.HandlerFunc
}

// Mux serves routes; everything else is not found.
func Mux(routes []Route) http.Handler {
	mux := http.NewServeMux()
	for _, rt := range routes {
		mux.HandleFunc(rt.Pattern, rt.serve)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		Fail(w, api.Errorf(api.CodeNotFound, r.URL.Path, "there is no such route"))
	})
	return mux
}

func (rt Route) serve(w http.ResponseWriter, r *http.Request) {
	if rt.Time > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), rt.Time)
		defer cancel()
		r = r.WithContext(ctx)
		control := http.NewResponseController(w)
		// Not every ResponseWriter has deadlines; then the server's count.
		_ = control.SetReadDeadline(time.Now().Add(rt.Time))
		_ = control.SetWriteDeadline(time.Now().Add(rt.Time))
	}
	r.Body = http.MaxBytesReader(w, r.Body, rt.Limit)
	rt.Serve(w, r)
}

// Fail answers with a problem document.
func Fail(w http.ResponseWriter, e *api.Error) {
	w.Header().Set("Content-Type", api.ProblemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(e) // a client that went away needs no answer
}

// How often the document may be asked for, of all sources together.
const (
	documentRate  = 5 // a second
	documentBurst = 20
)

// Describe adds the route of the OpenAPI document, which describes the others
// and itself.
func Describe(version string, routes []Route) ([]Route, error) {
	var document []byte
	limit := rate.NewLimiter(documentRate, documentBurst)
	all := append(routes[:len(routes):len(routes)], Route{
		Pattern: api.RouteBoxOpenAPI, Who: "anybody", Summary: "This description", Response: json.RawMessage{}, Time: 30 * time.Second,
		Serve: func(w http.ResponseWriter, _ *http.Request) {
			if !limit.Allow() {
				w.Header().Set("Retry-After", "2")
				Fail(w, api.Errorf(api.CodeTooMany, "", "too many requests"))
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(document) // a client that went away needs no answer
		},
	})
	var ops []openapi.Operation
	for _, rt := range all {
		ops = append(ops, rt.operation())
	}
	var err error
	if document, err = openapi.Document("Bootward box", version, reflect.TypeFor[api.Error](), ops); err != nil {
		return nil, fmt.Errorf("routes of the box: %w", err)
	}
	return all, nil
}

func (rt Route) operation() openapi.Operation {
	method, path, _ := strings.Cut(rt.Pattern, " ")
	op := openapi.Operation{Method: method, Path: path, Summary: fmt.Sprintf("%s (%s)", cmp.Or(rt.Summary, path), rt.Who), Query: rt.Query,
		Media: rt.Media, Status: rt.Status, Security: strings.Join(rt.Security, " ")}
	if rt.Request != nil {
		op.Request = reflect.TypeOf(rt.Request)
	}
	if rt.Response != nil {
		op.Response = reflect.TypeOf(rt.Response)
	}
	return op
}
