package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"syscall"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/site/store"
)

// writeTime is how long a response may take that is no content.
const writeTime = 30 * time.Second

// asProblem turns any error into one that may cross the wire: what is our
// fault is logged, and told without its inside.
func (s *Site) asProblem(r *http.Request, err error) *api.Error {
	var e *api.Error
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &big):
		return api.Errorf(api.CodeInvalid, r.URL.Path, "the body is larger than %d bytes", big.Limit)
	case errors.Is(err, store.ErrNotFound):
		return api.Errorf(api.CodeNotFound, r.URL.Path, "there is no such thing")
	case errors.Is(err, store.ErrConflict):
		return api.Errorf(api.CodeConflict, r.URL.Path, "it stands against something that exists")
	case errors.Is(err, syscall.ENOSPC):
		return api.Errorf(api.CodeNoSpace, r.URL.Path, "the site's disk is full").WithRemedy("make room on the site server")
	case errors.Is(err, errStopping), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return api.Errorf(api.CodeUnavailable, r.URL.Path, "the request was ended")
	}
	s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	return api.Errorf(api.CodeInternal, r.URL.Path, "the site failed; its log says why")
}

func writeProblem(w http.ResponseWriter, e *api.Error) {
	h := w.Header()
	h.Set("Content-Type", api.ProblemType)
	h.Set("Cache-Control", "no-store")
	if e.Code == api.CodeUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="bootward"`)
	}
	w.WriteHeader(e.Status)
	// What cannot be sent any more cannot be helped: the peer is gone.
	_ = json.NewEncoder(w).Encode(e)
}

func writeJSON(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("response: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, err = w.Write(append(b, '\n'))
	return err
}

// readJSON reads a body; fields that are unknown are ignored, so that newer
// programs can speak to an older site.
func readJSON(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	if err := d.Decode(into); err != nil {
		if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
			return err
		}
		return api.Errorf(api.CodeInvalid, "body", "is not the JSON that is wanted here: %v", err)
	}
	return nil
}
