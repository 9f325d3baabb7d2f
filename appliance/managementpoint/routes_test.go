package managementpoint

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/joblog"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

// rig is a management point on a real socket with two jobs.
type rig struct {
	*trusttest.Site
	t      testing.TB
	box    *trust.Authority
	store  *store.Store
	url    string
	policy *policy.Snapshot
}

type noContent struct{}

func (noContent) Manifest(w http.ResponseWriter, _ *http.Request, digest string, _ []api.JobContent) *api.Error {
	return api.Errorf(api.CodeNotFound, digest, "no such content")
}
func (noContent) Blob(w http.ResponseWriter, _ *http.Request, sha string, _ []api.JobContent) *api.Error {
	return api.Errorf(api.CodeNotFound, sha, "no such content")
}

func newRig(t testing.TB) *rig {
	t.Helper()
	now := time.Now()
	r := &rig{Site: trusttest.New(t, now), t: t, policy: &policy.Snapshot{Format: 1, Site: "CEN"}}
	r.box = trusttest.Box(t, r.CA, "ward-7", now)
	var err error
	r.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "box.db"), slog.New(slog.DiscardHandler), now)
	fatal(t, err)
	t.Cleanup(func() { r.store.Close() })
	logs, err := joblog.Open(t.TempDir())
	fatal(t, err)
	p := &Point{Logs: logs, Store: r.store, Self: func() *Self {
		return &Self{Box: "CEN00001", BoxName: "ward-7", Site: "CEN", Anchor: r.Anchor, Authority: r.box}
	},
		Policy: func() *policy.Snapshot { return r.policy }, Complete: func(string) bool { return true }, Content: noContent{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	r.url = "https://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		fatal(t, <-done)
	})
	return r
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) key() (*ecdsa.PrivateKey, []byte) { return trusttest.Key(r.t) }

func (r *rig) openJob(id string, key *ecdsa.PrivateKey) {
	fatal(r.t, r.store.OpenJob(r.t.Context(), store.Job{ID: id, Machine: "computer:" + id, Name: id, Key: fingerprint(&key.PublicKey), Document: api.Job{ID: id}, Opened: time.Now()}, ""))
}

// ask sends a request of a route; code 0 is a failed handshake.
func (r *rig) ask(cert *tls.Certificate, pattern, body string) (int, string) {
	r.t.Helper()
	method, path, _ := strings.Cut(pattern, " ")
	path = strings.NewReplacer("{digest}", "sha256:"+strings.Repeat("a", 64), "{sha256}", strings.Repeat("a", 64)).Replace(path)
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: trust.ClientTLS(r.Anchor, trust.IsPoint("CEN"), func() *tls.Certificate { return cert }, time.Now)}}
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	fatal(r.t, err)
	resp, err := c.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	if resp.StatusCode >= 400 {
		var e api.Error
		if resp.Header.Get("Content-Type") != api.ProblemType || json.Unmarshal(text, &e) != nil || e.Status != resp.StatusCode || e.Code == "" {
			r.t.Errorf("%s: %d is no problem document: %s", pattern, resp.StatusCode, text)
		}
	}
	return resp.StatusCode, string(text)
}

// TestEveryRouteIsClosed walks the table as everybody who has no business.
func TestEveryRouteIsClosed(t *testing.T) {
	r := newRig(t)
	own, ownKey := trusttest.Job(t, r.box, "open", time.Now())
	r.openJob("open", ownKey)
	halted, haltedKey := trusttest.Job(t, r.box, "halted", time.Now())
	r.openJob("halted", haltedKey)
	fatal(t, r.store.EndJob(t.Context(), "halted", store.JobHalted, "ALARM", time.Now()))
	ended, endedKey := trusttest.Job(t, r.box, "ended", time.Now())
	r.openJob("ended", endedKey)
	fatal(t, r.store.EndJob(t.Context(), "ended", store.JobAbandoned, "gone", time.Now()))

	otherSite, err := trust.NewAuthority("CEN", time.Now())
	fatal(t, err)
	wrong, _ := trusttest.Job(t, trusttest.Box(t, otherSite, "ward-7", time.Now()), "open", time.Now())
	expired, _ := trusttest.Job(t, r.box, "open", time.Now().Add(-2*time.Hour))
	otherBox, _ := trusttest.Job(t, trusttest.Box(t, r.CA, "ward-8", time.Now()), "open", time.Now())
	otherKey, _ := trusttest.Job(t, r.box, "open", time.Now())
	unknown, _ := trusttest.Job(t, r.box, "never", time.Now())
	boxKey, csr := r.key()
	chain, err := r.CA.BoxClient(csr, "ward-7", time.Now())
	fatal(t, err)
	for _, tt := range []struct {
		name string
		cert *tls.Certificate
		// want on routes for jobs; 0: not even a handshake, on any route
		want int
	}{
		{"nobody", nil, 401},
		{"wrong CA", wrong, 0},
		{"expired", expired, 0},
		{"another box", otherBox, 403},
		{"another key", otherKey, 403},
		{"a job that never was", unknown, 403},
		{"the box's own client certificate", trusttest.Pair(t, chain, boxKey), 403},
		{"halted job", halted, 403},
		{"ended job", ended, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, rt := range routes {
				code, text := r.ask(tt.cert, rt.pattern, "{}")
				switch {
				case tt.want == 0:
					if code != 0 {
						t.Errorf("%s: %d, want no handshake", rt.pattern, code)
					}
				case rt.who == nobody:
					if code == 401 || code == 403 || code == 0 {
						t.Errorf("%s is for everybody: %d %s", rt.pattern, code, text)
					}
				case rt.who == endedJob && tt.name == "ended job":
					if code != 200 && (rt.pattern != api.RouteJobLog || code != 400) { // it wants an offset
						t.Errorf("%s: %d %s", rt.pattern, code, text)
					}
				case code != tt.want:
					t.Errorf("%s: %d %s, want %d", rt.pattern, code, text, tt.want)
				}
			}
		})
	}
	for _, rt := range routes {
		if code, text := r.ask(own, rt.pattern, "{}"); code == 401 || code == 403 || code == 0 || code >= 500 {
			t.Errorf("own job on %s: %d %s", rt.pattern, code, text)
		}
	}
	for _, pattern := range []string{"GET /", "GET /v1/", "GET /v1/blobs/", "PUT /v1/job", "GET /v1/offers", "GET /metrics", "GET /healthz"} {
		if code, text := r.ask(own, pattern, ""); code != 404 {
			t.Errorf("%s: %d %s, want 404", pattern, code, text)
		}
	}
}

func TestNobodyIsLimited(t *testing.T) {
	r := newRig(t)
	limited := 0
	for range burst + 20 {
		if code, _ := r.ask(nil, api.RouteHello, ""); code == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 {
		t.Error("nobody was told to wait")
	}
}

func TestLongBodiesAreRefused(t *testing.T) {
	r := newRig(t)
	for _, body := range []string{`{"macs":["` + strings.Repeat("a", maxSmall) + `"]}`, `{}{}`, `[`, `{"macs":["xyz"]}`} {
		if code, text := r.ask(nil, api.RouteOffers, body); code != http.StatusBadRequest {
			t.Errorf("%.20q: %d %s", body, code, text)
		}
	}
}
