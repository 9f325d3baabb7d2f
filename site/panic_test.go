package site

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A fault of the program is said to who asked, and stands in the log, whatever
// its level is. An answer that had begun is broken off.
func TestHandlerThatPanics(t *testing.T) {
	var log bytes.Buffer
	s := &Site{log: slog.New(slog.NewTextHandler(&log, nil))}
	get := func(handle func(w http.ResponseWriter, r *http.Request, c caller) error) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.serve(route{pattern: "GET /x", who: anybody, handle: handle}).ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))
		return w
	}
	w := get(func(http.ResponseWriter, *http.Request, caller) error { panic("a fault of ours") })
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "a fault") || !strings.Contains(w.Body.String(), "its log says why") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "a fault of ours") || !strings.Contains(log.String(), "panic_test.go") {
		t.Errorf("log: %s", &log)
	}
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("an answer that had begun: %v", p)
		}
	}()
	get(func(w http.ResponseWriter, _ *http.Request, _ caller) error {
		w.Header().Set("Content-Type", "application/json")
		panic("later")
	})
}
