package content

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/trust"
)

// Source is where content comes from. It may be used by several goroutines at
// once, and lie: nothing of what it gives is believed before it is verified.
// Calls end when ctx does, also reads of what Range returned. An *api.Error
// that is not Retryable ends a transfer; other errors are tried again.
type Source interface {
	// Manifest is the signed envelope of a version.
	Manifest(ctx context.Context, digest string) ([]byte, error)
	// Range gives length bytes of a file from offset on, or fewer and an error.
	Range(ctx context.Context, sha256 string, offset, length int64) (io.ReadCloser, error)
}

// HTTPSource is a site or a box.
type HTTPSource struct {
	Client *http.Client
	// Base is scheme and host, such as https://10.77.0.2.
	Base string
	// Manifests and Blobs are path prefixes: what is asked for is appended.
	Manifests, Blobs string
}

// Manifest implements Source.
func (s HTTPSource) Manifest(ctx context.Context, digest string) ([]byte, error) {
	response, err := s.get(ctx, s.Manifests+digest, "")
	if err != nil {
		return nil, fmt.Errorf("get manifest %s: %w", digest, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get manifest %s: %w", digest, problem(response))
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, trust.MaxEnvelope+1))
	if err != nil {
		return nil, fmt.Errorf("get manifest %s: %w", digest, err)
	}
	return raw, nil
}

// Range implements Source with a range request (RFC 9110, section 14).
func (s HTTPSource) Range(ctx context.Context, sha256 string, offset, length int64) (io.ReadCloser, error) {
	response, err := s.get(ctx, s.Blobs+sha256, fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	if err != nil {
		return nil, fmt.Errorf("get blob %s: %w", sha256, err)
	}
	prefix := fmt.Sprintf("bytes %d-%d/", offset, offset+length-1)
	switch {
	case response.StatusCode == http.StatusPartialContent && strings.HasPrefix(response.Header.Get("Content-Range"), prefix):
	case response.StatusCode == http.StatusOK && offset == 0:
	case response.StatusCode < 300:
		response.Body.Close()
		return nil, fmt.Errorf("get blob %s: asked for %s, got status %d and %q", sha256, prefix, response.StatusCode, response.Header.Get("Content-Range"))
	default:
		defer response.Body.Close()
		return nil, fmt.Errorf("get blob %s: %w", sha256, problem(response))
	}
	return body{io.LimitReader(response.Body, length), response.Body}, nil
}

type body struct {
	io.Reader
	io.Closer
}

func (s HTTPSource) get(ctx context.Context, path, byteRange string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Base+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept-Encoding", "identity")
	if byteRange != "" {
		request.Header.Set("Range", byteRange)
	}
	return s.Client.Do(request)
}

// problem reads the error that a server answered.
func problem(response *http.Response) error {
	e := &api.Error{}
	raw, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if strings.HasPrefix(response.Header.Get("Content-Type"), api.ProblemType) && err == nil &&
		json.Unmarshal(raw, e) == nil && e.Code != "" {
		return e
	}
	return &api.Error{
		Type: "about:blank", Title: http.StatusText(response.StatusCode), Status: response.StatusCode,
		Detail: fmt.Sprintf("%s answered %s", response.Request.URL.Redacted(), response.Status), Code: api.CodeInternal,
		Retryable: response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusRequestTimeout,
	}
}

// final says that trying again does not help.
func final(err error) bool {
	var e *api.Error
	var space *SpaceError
	return errors.As(err, &e) && !e.Retryable || errors.As(err, &space)
}

// pause waits before try n (from 1): 100 ms, doubled each time up to 5 s, and
// up to half as much again, so that many clients do not come back at once.
func pause(ctx context.Context, n int) error {
	d := min(100*time.Millisecond<<min(n-1, 10), 5*time.Second)
	timer := time.NewTimer(d + rand.N(d/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
