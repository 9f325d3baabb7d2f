package managementpoint

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
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
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
)

// rig is a management point on a real socket with two jobs.
type rig struct {
	t      testing.TB
	ca     *trust.Authority
	anchor *trust.Anchor
	box    *trust.Authority
	store  *store.Store
	url    string
	policy *policy.Snapshot
	// signing signs grants.
	signing ed25519.PrivateKey
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
	ca, err := trust.NewAuthority("CEN", now)
	fatal(t, err)
	_, root, err := ed25519.GenerateKey(nil)
	fatal(t, err)
	raw, err := trust.NewAnchor("CEN", root, []ed25519.PublicKey{root.Public().(ed25519.PublicKey)}, ca.PEM(), now)
	fatal(t, err)
	anchor, err := trust.ParseAnchor(raw)
	fatal(t, err)
	r := &rig{t: t, ca: ca, anchor: anchor, policy: &policy.Snapshot{Format: 1, Site: "CEN"}, signing: root}
	r.box = r.intermediate(ca, "ward-7")
	r.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "box.db"), slog.New(slog.DiscardHandler), now)
	fatal(t, err)
	t.Cleanup(func() { r.store.Close() })
	p := &Point{Store: r.store, Self: func() *Self {
		return &Self{Box: "CEN00001", BoxName: "ward-7", Site: "CEN", Anchor: anchor, Authority: r.box}
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

func (r *rig) key() (*ecdsa.PrivateKey, []byte) {
	key, err := trust.NewKey()
	fatal(r.t, err)
	csr, err := trust.NewCSR(key)
	fatal(r.t, err)
	return key, csr
}

func (r *rig) intermediate(ca *trust.Authority, name string) *trust.Authority {
	key, csr := r.key()
	cert, err := ca.BoxIntermediate(csr, name, time.Now())
	fatal(r.t, err)
	a, err := trust.ParseAuthority(cert, key)
	fatal(r.t, err)
	return a
}

func (r *rig) pair(chain []byte, key *ecdsa.PrivateKey) *tls.Certificate {
	keyPEM, err := trust.MarshalKey(key)
	fatal(r.t, err)
	c, err := trust.KeyPair(chain, keyPEM)
	fatal(r.t, err)
	return c
}

// jobCert makes a certificate for a job's name.
func (r *rig) jobCert(by *trust.Authority, job string, at time.Time) (*tls.Certificate, *ecdsa.PrivateKey) {
	key, csr := r.key()
	chain, _, err := by.Job(csr, job, at, time.Hour)
	fatal(r.t, err)
	return r.pair(chain, key), key
}

func (r *rig) openJob(id string, key *ecdsa.PrivateKey) {
	fatal(r.t, r.store.OpenJob(r.t.Context(), store.Job{ID: id, Machine: "computer:" + id, Name: id, Key: fingerprint(&key.PublicKey), Document: api.Job{ID: id}, Opened: time.Now()}, ""))
}

// ask sends a request of a route; code 0 is a failed handshake.
func (r *rig) ask(cert *tls.Certificate, pattern, body string) (int, string) {
	r.t.Helper()
	method, path, _ := strings.Cut(pattern, " ")
	path = strings.NewReplacer("{digest}", "sha256:"+strings.Repeat("a", 64), "{sha256}", strings.Repeat("a", 64)).Replace(path)
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: trust.ClientTLS(r.anchor, trust.IsPoint("CEN"), func() *tls.Certificate { return cert }, time.Now)}}
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
	own, ownKey := r.jobCert(r.box, "open", time.Now())
	r.openJob("open", ownKey)
	halted, haltedKey := r.jobCert(r.box, "halted", time.Now())
	r.openJob("halted", haltedKey)
	fatal(t, r.store.EndJob(t.Context(), "halted", store.JobHalted, "ALARM", time.Now()))
	ended, endedKey := r.jobCert(r.box, "ended", time.Now())
	r.openJob("ended", endedKey)
	fatal(t, r.store.EndJob(t.Context(), "ended", store.JobAbandoned, "gone", time.Now()))

	otherSite, err := trust.NewAuthority("CEN", time.Now())
	fatal(t, err)
	wrong, _ := r.jobCert(r.intermediate(otherSite, "ward-7"), "open", time.Now())
	expired, _ := r.jobCert(r.box, "open", time.Now().Add(-2*time.Hour))
	otherBox, _ := r.jobCert(r.intermediate(r.ca, "ward-8"), "open", time.Now())
	otherKey, _ := r.jobCert(r.box, "open", time.Now())
	unknown, _ := r.jobCert(r.box, "never", time.Now())
	boxKey, csr := r.key()
	chain, err := r.ca.BoxClient(csr, "ward-7", time.Now())
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
		{"the box's own client certificate", r.pair(chain, boxKey), 403},
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
					if code != 200 {
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
