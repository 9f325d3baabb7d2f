package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/openapi"
)

// TestMux: the body is bounded, the time too, and what is not in the table is a
// problem.
func TestMux(t *testing.T) {
	var read error
	h := Mux([]Route{{Pattern: "POST /v1/x", Limit: 4, Time: time.Minute, Serve: func(w http.ResponseWriter, r *http.Request) {
		_, read = io.ReadAll(r.Body)
		if _, ok := r.Context().Deadline(); !ok {
			t.Error("there is no deadline")
		}
	}}})
	ask := func(method, path, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w
	}
	if ask("POST", "/v1/x", "1234"); read != nil {
		t.Errorf("four bytes: %v", read)
	}
	if ask("POST", "/v1/x", "12345"); !errors.As(read, new(*http.MaxBytesError)) {
		t.Errorf("five bytes: %v", read)
	}
	for _, q := range []string{"GET /v1/x", "POST /v1/x/", "GET /"} {
		method, path, _ := strings.Cut(q, " ")
		w := ask(method, path, "")
		var e api.Error
		if json.Unmarshal(w.Body.Bytes(), &e) != nil || w.Code != http.StatusNotFound || e.Code != api.CodeNotFound {
			t.Errorf("%s: %d %s", q, w.Code, w.Body)
		}
	}
}

// TestDescribe: every route and the document itself stand in it, each with those
// who may use it; the table that was given is not changed.
func TestDescribe(t *testing.T) {
	given := make([]Route, 1, 5)
	given[0] = Route{Pattern: "GET /v1/x", Who: "a friend", Summary: "X", Security: []string{openapi.Bearer, openapi.Certificate}}
	all, err := Describe("1", given)
	if err != nil || len(all) != 2 || given[:2][1].Pattern != "" {
		t.Fatalf("%d routes, %v", len(all), err)
	}
	w := httptest.NewRecorder()
	Mux(all).ServeHTTP(w, httptest.NewRequest("GET", "/openapi.json", nil))
	for _, want := range []string{`"X (a friend)"`, `"/openapi.json"`, `"bearer": []`, `"certificate": []`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is not in %s", want, w.Body)
		}
	}
	if _, err := Describe("1", append(given, given[0])); err == nil {
		t.Error("a route that is there twice was taken")
	}
}
