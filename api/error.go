// Package api is what Bootward's programs say to each other: versioned wire
// types, routes and error codes. It has no logic and does no I/O.
//
// Administrators and boxes speak to the site (site.go, box.go), agents and
// technicians to a box (agent.go, technician.go). Bodies are JSON; errors are
// problem documents of RFC 9457.
package api

import (
	"errors"
	"fmt"
	"net/http"
)

// Code is a stable word for a class of errors.
type Code string

// The error codes (docs/formats/errors.md).
const (
	CodeInvalid      Code = "invalid"      // 400: the request is wrong; do not repeat it
	CodeUnauthorized Code = "unauthorized" // 401: who are you?
	CodeForbidden    Code = "forbidden"    // 403: you may not
	CodeNotFound     Code = "notFound"     // 404: there is no such thing, or you may not know
	CodeConflict     Code = "conflict"     // 409: it stands against something that exists
	CodeRefused      Code = "refused"      // 422: policy or safety says no
	CodeTooMany      Code = "tooMany"      // 429: later
	CodeInternal     Code = "internal"     // 500: our fault
	CodeUnavailable  Code = "unavailable"  // 503: not now
	CodeNoSpace      Code = "noSpace"      // 507: the disk is full
)

// ProblemType is the media type of errors.
const ProblemType = "application/problem+json"

// Error is a problem document (RFC 9457) with our members: the code, the
// object it is about, the remedy, and whether to try again helps.
type Error struct {
	Type      string `json:"type"` // "about:blank"
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Code      Code   `json:"code"`
	Object    string `json:"object,omitempty"`
	Remedy    string `json:"remedy,omitempty"`
	Retryable bool   `json:"retryable,omitempty"`
	// Changes are the plan of a dry run that is refused, though its documents are
	// right.
	Changes []Change `json:"changes,omitempty"`
}

func (e *Error) Error() string {
	s := e.Detail
	if e.Object != "" {
		s = e.Object + ": " + s
	}
	if e.Remedy != "" {
		s += " (" + e.Remedy + ")"
	}
	return s
}

// Errorf makes an error of a code about an object.
func Errorf(code Code, object, format string, args ...any) *Error {
	status := code.Status()
	return &Error{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: fmt.Sprintf(format, args...), Code: code, Object: object,
		Retryable: code == CodeTooMany || code == CodeInternal || code == CodeUnavailable || code == CodeNoSpace,
	}
}

// Final says whether repeating a request is of no use: the other side understood
// it and said no.
func Final(err error) bool {
	var e *Error
	return errors.As(err, &e) && !e.Retryable
}

// WithRemedy says what the reader can do.
func (e *Error) WithRemedy(format string, args ...any) *Error {
	e.Remedy = fmt.Sprintf(format, args...)
	return e
}

// Status is the HTTP status of a code.
func (c Code) Status() int {
	switch c {
	case CodeInvalid:
		return http.StatusBadRequest
	case CodeUnauthorized:
		return http.StatusUnauthorized
	case CodeForbidden:
		return http.StatusForbidden
	case CodeNotFound:
		return http.StatusNotFound
	case CodeConflict:
		return http.StatusConflict
	case CodeRefused:
		return http.StatusUnprocessableEntity
	case CodeTooMany:
		return http.StatusTooManyRequests
	case CodeUnavailable:
		return http.StatusServiceUnavailable
	case CodeNoSpace:
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}
