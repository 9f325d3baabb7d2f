package agent

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootward/bootward/agent/console"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/tpm"
)

// asking is a box that has to be asked: it lets claims wait, and hides its offers
// behind a password.
type asking struct {
	*box
	mu       sync.Mutex
	claims   []api.Claim
	asks     []api.Ask
	tried    []string
	answer   func(n int, key *ecdsa.PublicKey) (*api.Pending, *api.Error) // nil, nil: the job
	password func(string) *api.Error
	// challenge is what a claim's TPM is asked for; nil, or nothing: it is not asked.
	challenge func(c api.Claim, key *ecdsa.PublicKey) *tpm.Challenge
}

func newAsking(t *testing.T) *asking {
	b := &asking{box: newBox(t, `{"format":1,"name":"Test","steps":[{"runCommandLine":{"command":"echo"}}]}`)}
	next := b.server.Config.Handler
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.HandleFunc(api.RouteClaim, func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var c api.Claim
		decode(t, raw, &c)
		key, err := trust.ParseCSR(c.CSR)
		if err != nil {
			t.Error(err)
		}
		b.mu.Lock()
		b.claims = append(b.claims, c)
		if b.challenge != nil {
			if asked := b.challenge(c, key); asked != nil {
				b.mu.Unlock()
				send(t, w, api.Claimed{Challenge: asked})
				return
			}
		}
		pending, failed := b.answer(len(b.claims), key)
		b.mu.Unlock()
		switch {
		case failed != nil:
			problem(w, failed)
		case pending != nil:
			send(t, w, api.Claimed{Pending: pending})
		default:
			r.Body = io.NopCloser(bytes.NewReader(raw))
			next.ServeHTTP(w, r)
		}
	})
	mux.HandleFunc(api.RoutePassword, func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var p api.Password
		decode(t, raw, &p)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.tried = append(b.tried, p.Password)
		if failed := b.password(p.Password); failed != nil {
			problem(w, failed)
			return
		}
		send(t, w, api.Ticket{Ticket: "t-1", ExpiresAt: time.Now().Add(time.Minute)})
	})
	mux.HandleFunc(api.RouteOffers, func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var a api.Ask
		decode(t, raw, &a)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.asks = append(b.asks, a)
		o := api.Offers{Password: a.Ticket != "t-1"}
		if !o.Password {
			o.Offers = []api.Offer{{Advertisement: "A1", Name: "Look", Sequence: "S"}}
		}
		send(t, w, o)
	})
	b.server.Config.Handler = mux
	return b
}

func decode(t *testing.T, raw []byte, into any) {
	if err := json.Unmarshal(raw, into); err != nil {
		t.Error(err)
	}
}

func send(t *testing.T, w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		t.Error(err)
	}
}

func problem(w http.ResponseWriter, e *api.Error) {
	w.Header().Set("Content-Type", api.ProblemType)
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(e)
}

// pending is what a box says with its key.
func (b *asking) pending(key any) *api.Pending {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		b.t.Error(err)
	}
	nonce := make([]byte, trust.NonceSize)
	rand.Read(nonce)
	return &api.Pending{Nonce: nonce, Box: der, Why: "the site does not know the machine", ExpiresAt: time.Now().Add(15 * time.Minute)}
}

// screen is what stands on it, safe to read while the agent writes.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// typist types each answer when its prompt stands on the screen.
type typist struct {
	*screen
	io.Writer
	answers [][2]string
	seen    int
}

func (p *typist) Write(b []byte) (int, error) {
	n, err := p.screen.Write(b)
	for len(p.answers) > 0 {
		at := strings.Index(p.screen.String()[p.seen:], p.answers[0][0])
		if at < 0 {
			break
		}
		p.seen += at + len(p.answers[0][0])
		keys := p.answers[0][1]
		p.answers = p.answers[1:]
		go func() { _, _ = io.WriteString(p.Writer, keys) }() // the console writes while it holds its lock
	}
	return n, err
}

// person puts somebody who answers in front of the screen.
func (s *session) person(t *testing.T, answers ...[2]string) *screen {
	in, out := io.Pipe()
	t.Cleanup(func() { in.Close() })
	shown := &screen{}
	s.console = console.New(in, &typist{screen: shown, Writer: out, answers: answers}, func() time.Duration { return 0 })
	return shown
}

// TestWaitsForApproval: the screen shows the code over the machine's own key and
// the box's, asks until somebody decided, then runs the job, also unattended.
func TestWaitsForApproval(t *testing.T) {
	b := newAsking(t)
	p := b.pending(b.auth.Certificate.PublicKey)
	var code string
	b.answer = func(n int, key *ecdsa.PublicKey) (*api.Pending, *api.Error) {
		if n > 3 {
			return nil, nil
		}
		code, _ = trust.ApprovalCode(b.auth.Certificate.PublicKey.(*ecdsa.PublicKey), key, p.Nonce)
		return p, nil
	}
	var shown bytes.Buffer
	s := b.newSession(&shown)
	s.pollPause = time.Millisecond
	next, err := s.deploy(t.Context(), api.Offer{Advertisement: "CEN20016", Name: "Test", Mandatory: true, Destructive: true}, nil, false)
	if err != nil || next != NextDisk {
		t.Fatalf("%v, %v\n%s", next, err, shown.String())
	}
	if len(b.claims) != 4 || len(b.ids()) == 0 {
		t.Errorf("%d claims, messages %v", len(b.claims), b.ids())
	}
	text := shown.String()
	for _, want := range []string{"THIS MACHINE WAITS FOR APPROVAL", "Code:    " + code, "computer approve " + code, "does not know the machine", "ERASES A DISK", "job j-1"} {
		if !strings.Contains(text, want) {
			t.Errorf("the screen lacks %q:\n%s", want, text)
		}
	}
	if strings.Count(text, "THIS MACHINE WAITS") != 1 {
		t.Errorf("shown again and again:\n%s", text)
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if len(line) > console.Width {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
}

// TestForeignKeyIsRefused: somebody between machine and box, who shows a
// certificate of the site, cannot have his own key approved as the box's: not with
// a key that he made, and not with that of another box.
func TestForeignKeyIsRefused(t *testing.T) {
	own, err := trust.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{"a key of his own": own.Public(), "another box": newBox(t, "{}").auth.Certificate.PublicKey, "none": nil} {
		t.Run(name, func(t *testing.T) {
			b := newAsking(t)
			b.answer = func(int, *ecdsa.PublicKey) (*api.Pending, *api.Error) {
				if key == nil {
					return &api.Pending{Nonce: make([]byte, trust.NonceSize), ExpiresAt: time.Now().Add(time.Minute)}, nil
				}
				return b.pending(key), nil
			}
			var shown bytes.Buffer
			s := b.newSession(&shown)
			s.pollPause = time.Millisecond
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := s.claim(ctx, api.Offer{Advertisement: "A1"}, true)
			if !api.Final(err) || strings.Contains(shown.String(), "WAITS FOR APPROVAL") || len(b.claims) != 1 {
				t.Errorf("%v after %d claims\n%s", err, len(b.claims), shown.String())
			}
		})
	}
}

// TestApprovalEndsOnTheScreen: denied, expired, given up.
func TestApprovalEndsOnTheScreen(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answer  func(b *asking, n int) (*api.Pending, *api.Error)
		answers [][2]string
		want    string // of the error; empty: there is a job
		screens int
	}{
		{"denied", func(b *asking, n int) (*api.Pending, *api.Error) {
			if n == 1 {
				return b.pending(b.auth.Certificate.PublicKey), nil
			}
			return nil, api.Errorf(api.CodeRefused, "", "ann denied the deployment")
		}, nil, "ann denied", 1},
		{"ended, then another code", func(b *asking, n int) (*api.Pending, *api.Error) {
			if n < 3 {
				return b.pending(b.auth.Certificate.PublicKey), nil
			}
			return nil, nil
		}, nil, "", 2},
		{"the box is away for a moment", func(b *asking, n int) (*api.Pending, *api.Error) {
			if n == 1 {
				return nil, api.Errorf(api.CodeUnavailable, "", "starting")
			}
			return nil, nil
		}, nil, "", 0},
		{"given up", func(b *asking, _ int) (*api.Pending, *api.Error) {
			return b.pending(b.auth.Certificate.PublicKey), nil
		}, [][2]string{{"Ctrl-C gives up", "x\x03"}}, "did not want to wait", -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newAsking(t)
			b.answer = func(n int, _ *ecdsa.PublicKey) (*api.Pending, *api.Error) { return tt.answer(b, n) }
			s := b.newSession(&bytes.Buffer{})
			s.pollPause = time.Millisecond
			shown := s.person(t, tt.answers...)
			err := s.claim(t.Context(), api.Offer{Advertisement: "A1"}, true)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if n := strings.Count(shown.String(), "THIS MACHINE WAITS"); tt.screens >= 0 && n != tt.screens {
				t.Errorf("%d screens, want %d:\n%s", n, tt.screens, shown)
			}
		})
	}
	b := newAsking(t)
	b.answer = func(int, *ecdsa.PublicKey) (*api.Pending, *api.Error) {
		return b.pending(b.auth.Certificate.PublicKey), nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	s := b.newSession(&bytes.Buffer{})
	if err := s.claim(ctx, api.Offer{}, false); err == nil || !strings.Contains(err.Error(), "nobody decided") {
		t.Errorf("nobody came: %v", err)
	}
}

// TestPassword: nothing is named before the password is right; three tries, then
// the machine boots its disk. The password is not on the screen.
func TestPassword(t *testing.T) {
	const any, ask = "press any key within", "PXE password, or nothing"
	right := [2]string{ask, "correct horse\r"}
	wrong := [2]string{ask, "canary\r"}
	again := [2]string{"the password is wrong", "canary\r"} // of the line only what changed is written
	last := [2]string{"the password is wrong", "correct horse\r"}
	for _, tt := range []struct {
		name    string
		answers [][2]string
		tries   int
		chosen  bool
		shows   string
	}{
		{"right", [][2]string{{any, " "}, right, {"Number", "1\r"}}, 1, true, "Look"},
		{"right at last", [][2]string{{any, " "}, wrong, again, last, {"Number", "1\r"}}, 3, true, "the password is wrong"},
		{"three wrong ones", [][2]string{{any, " "}, wrong, again, again}, 3, false, "no password was right"},
		{"nothing typed", [][2]string{{any, " "}, {ask, "\r"}}, 0, false, ""},
		{"escape", [][2]string{{any, " "}, {ask, "cor\x1b"}}, 0, false, ""},
		{"nobody came", nil, 0, false, "nobody pressed a key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newAsking(t)
			b.password = func(p string) *api.Error {
				if p != "correct horse" {
					return api.Errorf(api.CodeForbidden, "", "the password is wrong")
				}
				return nil
			}
			b.answer = func(int, *ecdsa.PublicKey) (*api.Pending, *api.Error) { return nil, nil }
			s := b.newSession(&bytes.Buffer{})
			if tt.answers == nil {
				s.conf.CommandLine = "bootward.wait=0"
			}
			shown := s.person(t, tt.answers...)
			offers, err := s.offers(t.Context())
			if err != nil || !offers.Password || len(offers.Offers) != 0 {
				t.Fatalf("%+v, %v", offers, err)
			}
			chosen, _, person := s.choose(t.Context(), offers)
			if (chosen != nil) != tt.chosen || person != tt.chosen || len(b.tried) != tt.tries || !strings.Contains(shown.String(), tt.shows) {
				t.Errorf("chosen %+v, %d tries\n%s", chosen, len(b.tried), shown)
			}
			if strings.Contains(shown.String(), "canary") || strings.Contains(shown.String(), "correct") || !tt.chosen && strings.Contains(shown.String(), "Look") {
				t.Errorf("on the screen:\n%s", shown)
			}
			if !tt.chosen {
				return
			}
			if err := s.claim(t.Context(), *chosen, true); err != nil || b.claims[0].Ticket != "t-1" {
				t.Errorf("claim with ticket %q: %v", b.claims[0].Ticket, err)
			}
		})
	}
}

func TestBanner(t *testing.T) {
	want := strings.Join([]string{
		"    #  #    ###    ###           ###     #     ###",
		"    #  #   #   #  #   #         #   #   ##    #   #",
		"    #####   ###      #    ###    ####    #       #",
		"       #   #   #    #               #    #      #",
		"       #    ###   #####          ###    ###   #####"}, "\n")
	if got := banner("482-912"); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}
