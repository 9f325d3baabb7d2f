package sitelink

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

var quiet = slog.New(slog.DiscardHandler)

// fakeSite enrols anybody and gives out whatever policy a test sets.
type fakeSite struct {
	t       *testing.T
	ca      *trust.Authority
	signing ed25519.PrivateKey
	anchor  []byte
	url     *url.URL
	mux     *http.ServeMux

	mu     sync.Mutex
	policy []byte
	tokens []string
	// asked are the requests for enrolment.
	asked []api.Enrol
}

func newFakeSite(t *testing.T) *fakeSite {
	t.Helper()
	made := trusttest.New(t, time.Now())
	s := &fakeSite{t: t, ca: made.CA, signing: made.Signing, anchor: made.RawAnchor}
	mux := http.NewServeMux()
	s.mux = mux
	mux.HandleFunc(api.RouteAnchor, func(w http.ResponseWriter, _ *http.Request) { w.Write(s.anchor) })
	mux.HandleFunc(api.RouteBoxEnrol, s.enrol)
	mux.HandleFunc(api.RouteBoxPolicy, func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		w.Write(s.policy)
	})
	key, _ := trusttest.Key(t)
	chain, err := s.ca.SiteServer(key.Public(), time.Now())
	check(t, err)
	pair := trusttest.Pair(t, chain, key)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	srv := &http.Server{Handler: mux, TLSConfig: trust.ServerTLS(made.Anchor, func() *tls.Certificate { return pair }, time.Now)}
	go srv.ServeTLS(l, "", "")
	t.Cleanup(func() { srv.Close() })
	s.url = &url.URL{Scheme: "https", Host: l.Addr().String()}
	return s
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *fakeSite) enrol(w http.ResponseWriter, r *http.Request) {
	var in api.Enrol
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.tokens, s.asked = append(s.tokens, in.Token), append(s.asked, in)
	s.mu.Unlock()
	client, err1 := s.ca.BoxClient(in.ClientCSR, "ward-7", time.Now())
	intermediate, err2 := s.ca.BoxIntermediate(in.IntermediateCSR, "ward-7", time.Now())
	if errors.Join(err1, err2) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	json.NewEncoder(w).Encode(api.Enrolled{Box: "CEN00001", BoxName: "ward-7", Site: "CEN", Anchor: s.anchor, Certificate: string(client), Intermediate: string(intermediate)})
}

func (s *fakeSite) sign(p policy.Snapshot, key ed25519.PrivateKey, kind string) []byte {
	payload, err := json.Marshal(p)
	check(s.t, err)
	raw, err := json.Marshal(trust.Sign(kind, payload, key))
	check(s.t, err)
	return raw
}

func (s *fakeSite) token() string {
	a, err := trust.ParseAnchor(s.anchor)
	check(s.t, err)
	tok, err := trust.NewToken(a.Fingerprint())
	check(s.t, err)
	return tok
}

func openLink(t *testing.T, s *fakeSite, dir, token string) *Link {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	check(t, os.WriteFile(file, []byte(token), 0o600))
	l, err := Open(Options{Site: s.url, Directory: dir, TokenFile: file, StateID: "s1", Clock: time.Now,
		Retry: supervisor.Backoff{First: time.Millisecond, Max: time.Millisecond}}, quiet)
	check(t, err)
	return l
}

func TestTokenIsShownToItsOwnSiteOnly(t *testing.T) {
	s, other := newFakeSite(t), newFakeSite(t)
	l := openLink(t, s, t.TempDir(), other.token())
	if err := l.Enrol(quiet).Run(t.Context()); !supervisor.IsFatal(err) || !errors.Is(err, errWrongAnchor) {
		t.Errorf("enrolment with the token of another site: %v", err)
	}
	if len(s.tokens) != 0 {
		t.Error("the token was shown")
	}
	l = openLink(t, s, t.TempDir(), "bw1.nonsense")
	if err := l.Enrol(quiet).Run(t.Context()); !supervisor.IsFatal(err) {
		t.Errorf("enrolment with a damaged token: %v", err)
	}
}

func TestPolicyRules(t *testing.T) {
	s := newFakeSite(t)
	dir := t.TempDir()
	l := openLink(t, s, dir, s.token())
	check(t, l.Enrol(quiet).Run(t.Context()))
	for _, name := range []string{clientKeyFile, intermediateKeyFile, identityFile} {
		if info, err := os.Stat(filepath.Join(dir, keysDir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if _, err := os.Stat(l.o.TokenFile); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the token is still there")
	}
	_, stranger, err := ed25519.GenerateKey(nil)
	check(t, err)
	good := policy.Snapshot{Format: 1, Site: "CEN", Box: osd.Box{Meta: osd.Meta{ID: "CEN00001"}}, Epoch: 1, Number: 5}
	with := func(change func(*policy.Snapshot)) policy.Snapshot {
		p := good
		change(&p)
		return p
	}
	for _, tt := range []struct {
		name string
		raw  []byte
		err  string
		want uint64 // number in force after it
	}{
		{"of a stranger", s.sign(good, stranger, trust.TypePolicy), "no valid signature", 0},
		{"of another type", s.sign(good, s.signing, trust.TypeManifest), "type is", 0},
		{"for another box", s.sign(with(func(p *policy.Snapshot) { p.Box.ID = "CEN00002" }), s.signing, trust.TypePolicy), "is for box CEN00002", 0},
		{"of another site", s.sign(with(func(p *policy.Snapshot) { p.Site = "XYZ" }), s.signing, trust.TypePolicy), "of site XYZ", 0},
		{"of a later format", s.sign(with(func(p *policy.Snapshot) { p.Format = 2 }), s.signing, trust.TypePolicy), "update the box", 0},
		{"with requirements", s.sign(with(func(p *policy.Snapshot) { p.Requires = []string{"quantum"} }), s.signing, trust.TypePolicy), "quantum", 0},
		{"good", s.sign(good, s.signing, trust.TypePolicy), "", 5},
		{"the same", s.sign(good, s.signing, trust.TypePolicy), "not newer", 5},
		{"older", s.sign(with(func(p *policy.Snapshot) { p.Number = 4 }), s.signing, trust.TypePolicy), "not newer", 5},
		{"a later epoch", s.sign(with(func(p *policy.Snapshot) { p.Epoch, p.Number = 2, 1 }), s.signing, trust.TypePolicy), "", 1},
		{"a former epoch", s.sign(with(func(p *policy.Snapshot) { p.Number = 99 }), s.signing, trust.TypePolicy), "not newer", 1},
		{"nonsense", []byte("{"), "policy", 1},
	} {
		s.mu.Lock()
		s.policy = tt.raw
		s.mu.Unlock()
		err := l.poll(t.Context(), quiet)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.err)
		}
		if p := l.Policy(); (p == nil) != (tt.want == 0) || p != nil && p.Snapshot.Number != tt.want {
			t.Errorf("%s: in force is %+v, want number %d", tt.name, p, tt.want)
		}
	}
	check(t, os.WriteFile(filepath.Join(dir, policyDir, currentFile), []byte("torn"), 0o600))
	again := openLink(t, s, dir, "")
	if p := again.Policy(); p == nil || p.Snapshot.Number != 5 {
		t.Errorf("with a torn file the policy before is not used: %+v", p)
	}
}

func TestLineIsShown(t *testing.T) {
	l := &Link{o: Options{Clock: time.Now}}
	l.note(errors.New("down"))
	if _, err := l.Line(); err == nil {
		t.Error("a failure is not shown")
	}
	l.note(nil)
	if heard, err := l.Line(); err != nil || heard.IsZero() {
		t.Errorf("after an answer: %v, %v", heard, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if l.enrolled(ctx) != nil {
		t.Error("an identity came from nowhere")
	}
}
