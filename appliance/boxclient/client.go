// Package boxclient speaks to a box as a technician: a session that name and PIN
// open, or the client certificate of a person, and a call for each route of
// api/technician.go.
//
// It stands in the wing of the box whose routes it calls, imports nothing of the
// box itself, and asks no site: everything works while the line is cut. A box is
// believed when its certificate comes from the CA of the anchor and bears the name
// of a box; addresses prove nothing.
package boxclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
	"github.com/bootward/bootward/trust"
)

// maxAnswer is the longest answer that is read.
const maxAnswer = 16 << 20

// Client calls one box. It may be used by several goroutines at once after SignIn.
type Client struct {
	base, token string
	http        *http.Client
}

// New makes a client of the box at an address, HOST or HOST:PORT. cert is that of a
// person, or nil: then SignIn comes first.
func New(anchor *trust.Anchor, address string, cert *tls.Certificate) (*Client, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = strings.Trim(address, "[]"), "443"
	}
	if host == "" || port == "" || strings.ContainsAny(host, "/@ ") {
		return nil, fmt.Errorf("box %q: give its address, such as 192.0.2.17 or 192.0.2.17:443", address)
	}
	t := &http.Transport{
		TLSClientConfig:       trust.ClientTLS(anchor, trust.IsPoint(anchor.Site), func() *tls.Certificate { return cert }, time.Now),
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: time.Minute,
	}
	return &Client{base: "https://" + net.JoinHostPort(host, port), http: &http.Client{Transport: t}}, nil
}

// Close ends the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// SignIn opens a session, which the other calls use.
func (c *Client) SignIn(ctx context.Context, name, pin string) (s api.Session, err error) {
	if err := c.call(ctx, api.RouteSignIn, api.SignIn{Name: name, PIN: pin}, &s); err != nil {
		return s, err
	}
	c.token = s.Token
	return s, nil
}

// SignOut ends the session.
func (c *Client) SignOut(ctx context.Context) error {
	if c.token == "" {
		return nil
	}
	err := c.call(ctx, api.RouteSignOut, nil, nil)
	c.token = ""
	return err
}

// State says how the box is.
func (c *Client) State(ctx context.Context) (out api.BoxConsole, err error) {
	return out, c.call(ctx, api.RouteBoxState, nil, &out)
}

// SelfTest tests the segment of an interface of the box, or all when it is empty. It
// takes some seconds.
func (c *Client) SelfTest(ctx context.Context, iface string) (out api.SelfTest, err error) {
	return out, c.call(ctx, api.RouteSelfTest+"?"+url.Values{"interface": {iface}}.Encode(), nil, &out)
}

// Pending lists the machines that wait for approval.
func (c *Client) Pending(ctx context.Context) (out []api.PendingApproval, err error) {
	return out, c.call(ctx, api.RouteApprovals, nil, &out)
}

// Decide approves or denies the machine that shows a code.
func (c *Client) Decide(ctx context.Context, code, decision string) (out api.PendingApproval, err error) {
	route := strings.Replace(api.RouteDecide, "{code}", url.PathEscape(code), 1)
	return out, c.call(ctx, route, api.Decision{Decision: decision}, &out)
}

// Resume lets the box go on that the wipe interlock stopped.
func (c *Client) Resume(ctx context.Context) error { return c.call(ctx, api.RouteBoxResume, nil, nil) }

// Clear clears the PXE marks of computers, by name, ID or MAC.
func (c *Client) Clear(ctx context.Context, computers []string) (out api.Cleared, err error) {
	return out, c.call(ctx, api.RouteBoxClear, api.ClearPXE{Computers: computers}, &out)
}

// Retry lets failed jobs of computers, by name, ID or MAC, go on at the step that failed.
func (c *Client) Retry(ctx context.Context, computers []string) (out api.RetryJobs, err error) {
	return out, c.call(ctx, api.RouteBoxRetry, api.RetryJobs{Computers: computers}, &out)
}

// Audit is the audit log of the box, the newest first.
func (c *Client) Audit(ctx context.Context) (out []api.AuditRecord, err error) {
	return out, c.call(ctx, api.RouteBoxAudit, nil, &out)
}

// Timeline is the flight recorder of a machine.
func (c *Client) Timeline(ctx context.Context, mac string) (out []status.FlightEvent, err error) {
	return out, c.call(ctx, api.RouteBoxTimeline+"?"+url.Values{"client": {mac}}.Encode(), nil, &out)
}

// Trace is the timeline of a machine, and how far it came.
func (c *Client) Trace(ctx context.Context, mac string) (out trace.Trace, err error) {
	return out, c.call(ctx, api.RouteBoxTrace+"?"+url.Values{"client": {mac}}.Encode(), nil, &out)
}

// Explain says what a machine would be sent; firmware may be empty.
func (c *Client) Explain(ctx context.Context, mac, firmware string) (out api.BootExplanation, err error) {
	return out, c.call(ctx, api.RouteBoxExplain+"?"+url.Values{"client": {mac}, "firmware": {firmware}}.Encode(), nil, &out)
}

// call does one request. Errors of the box are *api.Error.
func (c *Client) call(ctx context.Context, route string, in, out any) error {
	method, target, _ := strings.Cut(route, " ")
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("box: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+target, body)
	if err != nil {
		return fmt.Errorf("box: %w", err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("box %s: %w", c.base, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("box %s: %w", c.base, err)
	case len(raw) > maxAnswer:
		return fmt.Errorf("box %s: the answer is longer than %d bytes", c.base, maxAnswer)
	case resp.StatusCode >= 300:
		return problem(resp, raw)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("box %s: answer: %w", c.base, err)
	}
	return nil
}

// problem reads the problem document of an answer.
func problem(resp *http.Response, raw []byte) error {
	e := &api.Error{}
	if json.Unmarshal(raw, e) == nil && e.Code != "" {
		return e
	}
	return fmt.Errorf("box: %s: it answered %s", resp.Request.URL.Path, resp.Status)
}
