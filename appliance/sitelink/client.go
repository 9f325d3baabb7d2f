package sitelink

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
)

// Limits of what the site may answer, and times of the line. A thin line is
// slow, not silent: there is no limit on a whole transfer.
const (
	maxAnswer    = 64 << 20
	dialTime     = 15 * time.Second
	headerTime   = 90 * time.Second // more than the long poll
	exchangeTime = 60 * time.Second
)

func clientOf(id *Identity) func() *tls.Certificate {
	return func() *tls.Certificate { return id.Client }
}

// newClient makes a client that believes what the TLS configuration believes,
// follows no redirect and uses no proxy of the environment.
func newClient(c *tls.Config) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: c, DialContext: (&net.Dialer{Timeout: dialTime, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout: dialTime, ResponseHeaderTimeout: headerTime, IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 4,
			DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("the site answers with a redirect") },
	}
}

func (l *Link) httpClient() *http.Client {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.client
}

// call sends a request of a route ("POST /v1/box/checkin") and decodes the
// answer into out, unless that is nil. Bodies are JSON.
func call(ctx context.Context, c *http.Client, base, route, query string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	answer, _, _, err := request(ctx, c, base, route, query, in)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s: the site's answer: %w", route, err)
	}
	return nil
}

// request returns body, header and status of an answer below 300; above, a *api.Error.
func request(ctx context.Context, c *http.Client, base, route, query string, in any) ([]byte, http.Header, int, error) {
	method, path, _ := strings.Cut(route, " ")
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, nil, 0, fmt.Errorf("%s: %w", route, err)
		}
		body = bytes.NewReader(b)
	}
	url := base + path
	if query != "" {
		url += "?" + query
	}
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("%s: %w", route, err)
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(r)
	if err != nil {
		return nil, nil, 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, nil, 0, fmt.Errorf("%s: the site's answer: %w", route, err)
	}
	if len(answer) > maxAnswer {
		return nil, nil, 0, fmt.Errorf("%s: the site's answer is longer than %d bytes", route, maxAnswer)
	}
	if resp.StatusCode >= 300 {
		return nil, nil, resp.StatusCode, fmt.Errorf("%s: %w", route, problem(resp, answer))
	}
	return answer, resp.Header, resp.StatusCode, nil
}

// problem reads a problem document (RFC 9457), or makes one of the status.
func problem(resp *http.Response, body []byte) *api.Error {
	var e api.Error
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind == api.ProblemType && json.Unmarshal(body, &e) == nil && e.Code != "" {
		return &e
	}
	return &api.Error{Type: "about:blank", Title: http.StatusText(resp.StatusCode), Status: resp.StatusCode, Detail: "the site answers " + resp.Status,
		Code: api.CodeInternal, Retryable: resp.StatusCode >= 500}
}
