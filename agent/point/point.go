// Package point speaks to the management point of a box (api/agent.go): TLS 1.3
// against the anchor that is built into the boot image, JSON bodies, problem
// documents as errors. It retries nothing: callers know what may be repeated.
package point

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/trust"
)

// maxBody is the largest answer that is read: a job with its sequence.
const maxBody = 16 << 20

// Clock gives the time at which certificates and grants are checked: that of
// the machine, but not before the build, the anchor and what the box said.
// Targets have no clock to trust. It is safe for concurrent use.
type Clock struct {
	built time.Time
	wall  func() time.Time

	mu    sync.Mutex
	heard time.Time // from a box
	since time.Time // when: by the monotonic clock, since the other one may be set meanwhile
}

// NewClock makes a Clock that is never earlier than built.
func NewClock(built time.Time) *Clock { return &Clock{built: built, wall: time.Now} }

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	var box time.Time
	if !c.heard.IsZero() {
		box = c.heard.Add(time.Since(c.since))
	}
	return trust.Now(c.wall(), c.built, box)
}

// Heard takes the time that a box told; a clock is only put forward.
func (c *Clock) Heard(t time.Time) {
	if t.After(c.Now()) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.heard, c.since = t.Round(0), time.Now()
	}
}

// silence is how long a connection may bring nothing before the box is asked whether it is there,
// and how long it may take to answer.
const silence = 15 * time.Second

// Client is a connection to one box. It is safe for concurrent use.
type Client struct {
	// Base is scheme and host, such as https://10.77.0.2.
	Base string
	// HTTP carries the requests; content is fetched through it too.
	HTTP   *http.Client
	anchor *trust.Anchor
	clock  *Clock
	moved  *atomic.Pointer[string] // where the box is by now, if it moved
}

// New makes a client of the box at an address. cert gives the job's
// certificate, or nil while there is none.
func New(anchor *trust.Anchor, address string, clock *Clock, cert func() *tls.Certificate) *Client {
	conf := trust.ClientTLS(anchor, trust.IsPoint(anchor.Site), cert, clock.Now)
	moved := new(atomic.Pointer[string])
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	transport := &http.Transport{
		TLSClientConfig: conf,
		DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			if at := moved.Load(); at != nil {
				to = elsewhere(*at, to)
			}
			return dialer.DialContext(ctx, network, to)
		},
		TLSHandshakeTimeout:   20 * time.Second,
		ResponseHeaderTimeout: 60 * time.Second,
		IdleConnTimeout:       60 * time.Second,
		MaxIdleConnsPerHost:   8,
		ForceAttemptHTTP2:     true,
		// A box that lost its power or its cable says nothing: without a question of its own, a
		// connection that only reads would not notice for minutes.
		HTTP2: &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: silence},
	}
	return &Client{Base: "https://" + host(address), HTTP: &http.Client{Transport: transport}, anchor: anchor, clock: clock, moved: moved}
}

// elsewhere is where a connection to a box goes that moved: its port is that of before, unless the
// new address has one.
func elsewhere(at, to string) string {
	if _, _, err := net.SplitHostPort(at); err == nil {
		return at
	}
	_, port, err := net.SplitHostPort(to)
	if err != nil {
		return to
	}
	return net.JoinHostPort(at, port)
}

// Move makes all further connections go to another address: the box got a new one. Base stays
// as it is, and what the certificate must say too.
func (c *Client) Move(address string) {
	c.moved.Store(&address)
	c.Close()
}

// host puts an IPv6 address into brackets.
func host(address string) string {
	if strings.Count(address, ":") > 1 && !strings.HasPrefix(address, "[") {
		return "[" + address + "]"
	}
	return address
}

// Close ends idle connections: the next request shows the certificate of then.
func (c *Client) Close() { c.HTTP.CloseIdleConnections() }

// FirstHello asks the box for its time, for a machine whose own clock may lie:
// the certificate is checked at a time that is not before the certificate
// itself. Everything else, the chain to the site's CA and the name, counts.
func FirstHello(ctx context.Context, anchor *trust.Anchor, address string, clock *Clock) (api.Hello, error) {
	c := New(anchor, address, clock, nil)
	defer c.Close()
	conf := c.HTTP.Transport.(*http.Transport).TLSClientConfig
	conf.VerifyConnection = func(s tls.ConnectionState) error {
		at := clock.Now()
		for _, cert := range s.PeerCertificates {
			at = trust.Now(at, cert.NotBefore, time.Time{})
		}
		leaf, err := anchor.VerifyChain(s.PeerCertificates, x509.ExtKeyUsageServerAuth, at)
		if err != nil {
			return err
		}
		for _, dns := range leaf.DNSNames {
			if trust.IsPoint(anchor.Site)(dns) {
				return nil
			}
		}
		return fmt.Errorf("server certificate is for %q: not a box of site %s", leaf.DNSNames, anchor.Site)
	}
	h, err := c.Hello(ctx)
	if err == nil && h.Site != anchor.Site {
		err = fmt.Errorf("hello: the box belongs to site %s, this boot image to %s", h.Site, anchor.Site)
	}
	if err != nil {
		return api.Hello{}, err
	}
	clock.Heard(h.Time)
	return h, nil
}

// Hello asks the box who it is.
func (c *Client) Hello(ctx context.Context) (h api.Hello, err error) {
	return h, c.call(ctx, api.RouteHello, nil, &h)
}

// Offers asks what the machine may run.
func (c *Client) Offers(ctx context.Context, ask api.Ask) (o api.Offers, err error) {
	return o, c.call(ctx, api.RouteOffers, ask, &o)
}

// Decline says that the machine boots its disk.
func (c *Client) Decline(ctx context.Context, id api.Identity) error {
	return c.call(ctx, api.RouteDecline, id, nil)
}

// Erase says that the job is about to write to a disk for the first time.
func (c *Client) Erase(ctx context.Context, disk string) error {
	return c.call(ctx, api.RouteErase, api.Erase{Disk: disk}, nil)
}

// Secrets asks for the secrets of the step at which the job stands.
func (c *Client) Secrets(ctx context.Context, in api.AskSecrets) (s api.Secrets, err error) {
	return s, c.call(ctx, api.RouteSecrets, in, &s)
}

// Retry asks that the job, which failed, goes on.
func (c *Client) Retry(ctx context.Context, in api.Retry) (r api.Retried, err error) {
	return r, c.call(ctx, api.RouteRetry, in, &r)
}

// Job fetches the job of the certificate.
func (c *Client) Job(ctx context.Context) (j api.Job, err error) {
	return j, c.call(ctx, api.RouteJob, nil, &j)
}

// Renew asks for a new certificate.
func (c *Client) Renew(ctx context.Context, csr []byte) (r api.Claimed, err error) {
	return r, c.call(ctx, api.RouteRenew, api.Renew{CSR: csr}, &r)
}

// Log sends a part of the job's log that begins at an offset, and says from where on the
// box wants more. gap says that there is nothing before it any more.
func (c *Client) Log(ctx context.Context, offset int64, gap bool, part []byte) (a api.LogAck, err error) {
	method, path, _ := strings.Cut(api.RouteJobLog, " ")
	target := fmt.Sprintf("%s%s?offset=%d&gap=%t", c.Base, path, offset, gap)
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(part))
	if err != nil {
		return a, fmt.Errorf("box: %s: %w", path, err)
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	_, err = c.send(req, path, &a)
	return a, err
}

// Status sends messages, which may be repeated: they count once.
func (c *Client) Status(ctx context.Context, b api.StatusBatch) (a api.StatusAck, err error) {
	return a, c.call(ctx, api.RouteStatus, b, &a)
}

// call does one request. A route is a method and a path.
func (c *Client) call(ctx context.Context, route string, in, out any) error {
	_, err := c.exchange(ctx, route, in, out)
	return err
}

// exchange does one request, and says by which connection it went.
func (c *Client) exchange(ctx context.Context, route string, in, out any) (*tls.ConnectionState, error) {
	method, path, _ := strings.Cut(route, " ")
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("box: %s: %w", path, err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, body)
	if err != nil {
		return nil, fmt.Errorf("box: %s: %w", path, err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.send(req, path, out)
}

// send sends a request and reads the answer.
func (c *Client) send(req *http.Request, path string, out any) (*tls.ConnectionState, error) {
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("box: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(raw) > maxBody {
		err = fmt.Errorf("the answer is longer than %d bytes", maxBody)
	}
	if err != nil {
		return nil, fmt.Errorf("box: %s: %w", path, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("box: %s: %w", path, problem(resp, raw))
	}
	if out == nil {
		return resp.TLS, nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return nil, fmt.Errorf("box: %s: answer: %w", path, err)
	}
	return resp.TLS, nil
}

// problem reads what the box says went wrong.
func problem(resp *http.Response, raw []byte) error {
	e := &api.Error{}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), api.ProblemType) && json.Unmarshal(raw, e) == nil && e.Code != "" {
		return e
	}
	return fmt.Errorf("status %s", resp.Status)
}
