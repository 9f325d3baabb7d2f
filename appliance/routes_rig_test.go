package appliance

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
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
	"github.com/bootward/bootward/appliance/managementpoint"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/appliance/technician"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

const (
	wardPIN = "271828"
	wardMAC = "52:54:00:77:00:11"
)

// door is everything that a box answers over HTTPS, with people, jobs and
// machines that wait.
type door struct {
	*trusttest.Site
	t      testing.TB
	box    *trust.Authority
	store  *store.Store
	policy *policy.Snapshot
	point  *managementpoint.Point
	desk   *technician.Desk
	routes http.Handler
	url    string // once it listens
}

type nothing struct{}

func (nothing) Manifest(_ http.ResponseWriter, _ *http.Request, digest string, _ []api.JobContent) *api.Error {
	return api.Errorf(api.CodeNotFound, digest, "no such content")
}

func (nothing) Blob(_ http.ResponseWriter, _ *http.Request, sha string, _ []api.JobContent) *api.Error {
	return api.Errorf(api.CodeNotFound, sha, "no such content")
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newDoor(t testing.TB) *door {
	t.Helper()
	now := time.Now()
	d := &door{Site: trusttest.New(t, now), t: t}
	d.box = trusttest.Box(t, d.CA, "ward7-box", now)
	d.store = must[*store.Store](t)(store.Open(t.Context(), filepath.Join(t.TempDir(), "box.db"), slog.New(slog.DiscardHandler), now))
	t.Cleanup(func() { d.store.Close() })
	d.policy = people(now)
	quiet := slog.New(slog.DiscardHandler)
	d.point = &managementpoint.Point{Store: d.store, Policy: func() *policy.Snapshot { return d.policy }, Complete: func(string) bool { return true },
		Content: nothing{}, Now: time.Now, Log: quiet, Unseal: func(s policy.Sealed) ([]byte, error) { return s.Ciphertext, nil },
		Self: func() *managementpoint.Self {
			return &managementpoint.Self{Box: "CEN00001", BoxName: "ward7-box", Site: "CEN", Anchor: d.Anchor, Authority: d.box}
		}}
	d.desk = &technician.Desk{Store: d.store, Evaluator: d.point.Evaluator, Unseal: d.point.Unseal, Now: time.Now, Log: quiet,
		Test:      func(context.Context, string) (api.SelfTest, error) { return api.SelfTest{}, nil },
		Approvals: d.point, State: func(context.Context) api.BoxConsole { return api.BoxConsole{} },
		Explain: func(context.Context, string, string) (api.BootExplanation, error) { return api.BootExplanation{}, nil },
		Self:    func() *technician.Self { return &technician.Self{Site: "CEN", Anchor: d.Anchor} }}
	d.routes = must[http.Handler](t)((&Box{point: d.point, desk: d.desk}).handler())
	return d
}

// people is a policy with persons of every sort and one computer.
func people(now time.Time) *policy.Snapshot {
	one := func(id, name, box string, may ...string) osd.Person {
		return osd.Person{Meta: osd.Meta{ID: id, Name: name}, Technician: &osd.Technician{Boxes: []string{box}, May: may}}
	}
	disabled := one("P4", "dora", "ward7-box")
	disabled.Disabled = true
	s := &policy.Snapshot{
		Format: 1, Site: "CEN", IssuedAt: now, Box: osd.Box{Meta: osd.Meta{ID: "CEN00001", Name: "ward7-box"}, PXE: osd.PXE{UnknownComputers: true}},
		Computers:      []osd.Computer{{Meta: osd.Meta{ID: "C1", Name: "ward7-pc1"}, MACs: []string{wardMAC}}},
		Collections:    []osd.Collection{{Meta: osd.Meta{ID: "K1", Name: "Ward"}, Members: []string{"ward7-pc1"}}},
		Advertisements: []osd.Advertisement{{Meta: osd.Meta{ID: "A1", Name: "Look"}, Collection: "Ward", Sequence: "S", Rerun: osd.RerunAlways}},
		BootImages:     []osd.BootImage{{Meta: osd.Meta{ID: "B1", Name: "Boot"}, Content: osd.Content{Manifest: "boot"}}},
		Sequences:      []policy.Sequence{{ID: "S1", Name: "S", Digest: "d", BootImage: "B1"}},
		Certificates:   map[string][]string{},
		People: []osd.Person{one("P1", "bob", "ward7-box"), one("P2", "meg", "ward7-box", osd.MayMedia), one("P3", "other", "ward8-box"), disabled,
			{Meta: osd.Meta{ID: "P5", Name: "ann"}, Role: osd.RoleAdministrator}},
	}
	verifier := trust.NewVerifier(wardPIN)
	for _, p := range s.People {
		s.Sealed = append(s.Sealed, policy.Sealed{Kind: policy.SealedPIN, Object: p.ID, Name: p.Name, Revision: 1, Ciphertext: []byte(verifier)})
	}
	return s
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// running is the certificate of a job that is open.
func (d *door) running(id string) *tls.Certificate {
	d.t.Helper()
	cert, key := trusttest.Job(d.t, d.box, id, time.Now())
	der := must[[]byte](d.t)(x509.MarshalPKIXPublicKey(&key.PublicKey))
	sum := sha256.Sum256(der)
	fatal(d.t, d.store.OpenJob(d.t.Context(), store.Job{ID: id, Machine: "computer:" + id, Name: id, Client: wardMAC, Key: hex.EncodeToString(sum[:]),
		Document: api.Job{ID: id, Sequence: policy.Sequence{Destructive: true}}, Opened: time.Now()}, ""))
	return cert
}

// person makes the certificate of a person, which the policy lists.
func (d *door) person(ca *trust.Authority, name string, at time.Time) *tls.Certificate {
	d.t.Helper()
	cert := d.unlisted(ca, name, at)
	sum := sha256.Sum256(cert.Certificate[0])
	d.policy.Certificates[name] = append(d.policy.Certificates[name], hex.EncodeToString(sum[:]))
	return cert
}

// unlisted is a certificate that was revoked.
func (d *door) unlisted(ca *trust.Authority, name string, at time.Time) *tls.Certificate {
	d.t.Helper()
	key, csr := trusttest.Key(d.t)
	chain, _, err := ca.Person(csr, name, at, time.Hour)
	fatal(d.t, err)
	return trusttest.Pair(d.t, chain, key)
}

// prepare lets a machine wait under a code and the box be stopped, so that there
// is something to do.
func (d *door) prepare(code string) {
	d.t.Helper()
	d.waits(code)
	d.stops()
}

func (d *door) waits(code string) {
	d.t.Helper()
	now := time.Now()
	p := api.PendingApproval{ID: rand.Text(), Code: code, Computer: "pc", Identity: api.Identity{MACs: []string{"52:54:00:00:00:" + code[len(code)-2:]}}, AskedAt: now, ExpiresAt: now.Add(time.Hour)}
	fatal(d.t, d.store.AskApproval(d.t.Context(), store.Approval{PendingApproval: p, Key: rand.Text(), Nonce: []byte("n")}, status.FlightEvent{Time: now, Client: wardMAC}))
}

// stops does nothing to a box that has stopped.
func (d *door) stops() {
	d.t.Helper()
	now := time.Now()
	fatal(d.t, d.store.Stop(d.t.Context(), "too many", status.FlightEvent{Time: now, Client: wardMAC}, now))
}

// listen serves on a socket.
func (d *door) listen() {
	d.t.Helper()
	l := must[net.Listener](d.t)(net.Listen("tcp", "127.0.0.1:0"))
	d.url = "https://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.point.ServeAll(ctx, l, d.routes) }()
	d.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Error(err)
		}
	})
}

// peer is somebody who sends requests.
type peer struct {
	d     *door
	http  *http.Client
	token string
}

func (d *door) peer(cert *tls.Certificate, token string) *peer {
	return &peer{d: d, token: token, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: trust.ClientTLS(d.Anchor, trust.IsPoint("CEN"), func() *tls.Certificate { return cert }, time.Now)}}}
}

// ask sends a request; code 0 is a failed handshake.
func (p *peer) ask(method, path, body string) (int, []byte) {
	p.d.t.Helper()
	q := must[*http.Request](p.d.t)(http.NewRequestWithContext(p.d.t.Context(), method, p.d.url+path, strings.NewReader(body)))
	if p.token != "" {
		q.Header.Set("Authorization", "Bearer "+p.token)
	}
	resp, err := p.http.Do(q)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	var e api.Error
	if resp.StatusCode >= 400 && (resp.Header.Get("Content-Type") != api.ProblemType || json.Unmarshal(raw, &e) != nil || e.Status != resp.StatusCode || e.Code == "") {
		p.d.t.Errorf("%s %s: %d is no problem document: %s", method, path, resp.StatusCode, raw)
	}
	return resp.StatusCode, raw
}

// signIn opens a session.
func (d *door) signIn(name string) string {
	d.t.Helper()
	_, path, _ := strings.Cut(api.RouteSignIn, " ")
	code, raw := d.peer(nil, "").ask("POST", path, `{"name":"`+name+`","pin":"`+wardPIN+`"}`)
	var s api.Session
	if code != http.StatusOK || json.Unmarshal(raw, &s) != nil {
		d.t.Fatalf("%s: %d %s", name, code, raw)
	}
	return s.Token
}
