package agent

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/agent/console"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/permit"
	"github.com/bootward/bootward/agent/point"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

// box is a management point with real certificates, as far as the agent uses it.
type box struct {
	t      *testing.T
	anchor []byte
	auth   *trust.Authority
	server *httptest.Server
	job    api.Job
	offers api.Offers

	asked   api.Ask
	claimed api.Claim

	mu       sync.Mutex
	messages []status.Message
	renewed  int
	declined int
	secrets  *vault
}

func newBox(t *testing.T, document string) *box {
	t.Helper()
	now := time.Now()
	site := trusttest.New(t, now)
	auth := trusttest.Box(t, site.CA, "ward-7", now)
	key, _ := trusttest.Key(t)
	chain, err := auth.PointServer(&key.PublicKey, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	pair := trusttest.Pair(t, chain, key)
	digest, err := permit.Digest(json.RawMessage(document))
	if err != nil {
		t.Fatal(err)
	}
	b := &box{t: t, anchor: site.RawAnchor, auth: auth}
	b.job = api.Job{Format: 1, ID: "j-1", Computer: "ward-pc-1", Advertisement: "CEN20016", NextNumber: 1,
		Sequence:  policy.Sequence{ID: "CEN00001", Name: "Test", Digest: digest, Document: json.RawMessage(document), BootImage: "CEN00002"},
		Variables: map[string]string{"SMSTSErrorDialogTimeout": "0", "Ward": "seven"}}
	b.server = httptest.NewUnstartedServer(b.routes())
	b.server.TLS = trust.ServerTLS(site.Anchor, func() *tls.Certificate { return pair }, time.Now)
	b.server.TLS.Certificates = []tls.Certificate{*pair} // or httptest shows its own
	b.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	b.server.StartTLS()
	t.Cleanup(b.server.Close)
	return b
}

func (b *box) routes() http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		if err := json.NewEncoder(w).Encode(v); err != nil {
			b.t.Error(err)
		}
	}
	own := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if len(r.TLS.PeerCertificates) == 0 || r.TLS.PeerCertificates[0].DNSNames[0] != trust.JobName(b.job.ID, "ward-7", "CEN") {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next(w, r)
		}
	}
	issue := func(w http.ResponseWriter, csr []byte) {
		chain, notAfter, err := b.auth.Job(csr, b.job.ID, time.Now(), time.Hour)
		if err != nil {
			b.t.Error(err)
		}
		answer(w, api.Claimed{Job: b.job.ID, Certificate: string(chain), NotAfter: notAfter})
	}
	mux.HandleFunc(api.RouteHello, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, api.Hello{Format: 1, Site: "CEN", BoxName: "ward-7", Time: time.Now()})
	})
	mux.HandleFunc(api.RouteDecline, func(w http.ResponseWriter, _ *http.Request) { b.declined++; w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc(api.RouteClaim, func(w http.ResponseWriter, r *http.Request) {
		var c api.Claim
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			b.t.Error(err)
		}
		b.claimed = c
		issue(w, c.CSR)
	})
	mux.HandleFunc(api.RouteOffers, func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&b.asked); err != nil {
			b.t.Error(err)
		}
		answer(w, b.offers)
	})
	mux.HandleFunc(api.RouteJob, own(func(w http.ResponseWriter, _ *http.Request) { answer(w, b.job) }))
	mux.HandleFunc(api.RouteRenew, own(func(w http.ResponseWriter, r *http.Request) {
		var c api.Renew
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			b.t.Error(err)
		}
		b.renewed++
		issue(w, c.CSR)
	}))
	mux.HandleFunc(api.RouteSecrets, own(b.release))
	mux.HandleFunc(api.RouteStatus, own(func(w http.ResponseWriter, r *http.Request) {
		var s api.StatusBatch
		if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
			b.t.Error(err)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, m := range s.Messages {
			if m.Number == uint64(len(b.messages)+1) {
				b.messages = append(b.messages, m)
			}
		}
		answer(w, api.StatusAck{Next: uint64(len(b.messages) + 1)})
	}))
	return mux
}

// ids are the messages as "id stage step action code".
func (b *box) ids() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []int
	for _, m := range b.messages {
		out = append(out, int(m.ID))
	}
	return out
}

// newSession is a session that has found its box.
func (b *box) newSession(screen *bytes.Buffer) *session {
	b.t.Helper()
	anchor, err := trust.ParseAnchor(b.anchor)
	if err != nil {
		b.t.Fatal(err)
	}
	dir := b.t.TempDir()
	s := &session{conf: Config{Run: dir, Root: dir, Executable: os.Args[0]}, anchor: anchor, clock: point.NewClock(time.Time{}),
		stage: status.StageBootImage, hardware: inventory.Machine{UUID: "33221100-5544-7766-8899-aabbccddeeff"},
		console: console.New(nil, screen, func() time.Duration { return 0 })}
	if s.folder, err = job.Create(filepath.Join(dir, "job")); err != nil {
		b.t.Fatal(err)
	}
	s.newLog()
	address := b.server.Listener.Addr().String()
	if _, err := point.FirstHello(b.t.Context(), anchor, address, s.clock); err != nil {
		b.t.Fatal(err)
	}
	if s.cred, err = point.NewCredential(); err != nil {
		b.t.Fatal(err)
	}
	s.client = point.New(anchor, address, s.clock, s.cred.Certificate)
	return s
}

func TestDeploy(t *testing.T) {
	b := newBox(t, `{"format":1,"name":"Test","steps":[{"group":"G","steps":[
		{"runCommandLine":{"name":"Show","command":"echo %OSDComputerName% %Ward% %_SMSTSSiteCode% %_SMSTSAdvertID% %_SMSTSInWinPE%","outputVariable":"Out"}},
		{"runCommandLine":{"command":"echo broken; exit 3","continueOnError":true}}]},
		{"setTaskSequenceVariable":{"variable":"X","value":"[%Out%]"}}]}`)
	var screen bytes.Buffer
	next, err := b.newSession(&screen).deploy(t.Context(), api.Offer{Advertisement: "CEN20016", Name: "Test", Mandatory: true}, nil, false)
	if err != nil || next != NextDisk {
		t.Fatalf("%v, %v\n%s", next, err, screen.String())
	}
	want := []int{10002, 10005, 11144, 11140, 11124, 11134, 11135, 11138, 11127, 11134, 11143}
	if d := cmp.Diff(want, b.ids()); d != "" {
		t.Errorf("%s\n%s", d, screen.String())
	}
	if got := b.messages[9].Output; got != "X = [ward-pc-1 seven CEN CEN20016 true]" {
		t.Errorf("variable: %q", got)
	}
	if m := b.messages[6]; m.ExitCode != 3 || m.Output != "broken\n" || m.Step != 3 || m.Group != "G" {
		t.Errorf("failed step: %+v", m)
	}
}

// TestNoGrantNoWrite: a destructive sequence without a grant ends before its
// first step.
func TestNoGrantNoWrite(t *testing.T) {
	b := newBox(t, `{"format":1,"name":"Test","steps":[{"runCommandLine":{"command":"echo first"}},
		{"partitionDisk":{"style":"gpt","volumes":[{"type":"primary","size":"100%"}]}}]}`)
	var screen bytes.Buffer
	next, err := b.newSession(&screen).deploy(t.Context(), api.Offer{Advertisement: "CEN20016", Mandatory: true}, nil, false)
	if err != nil || next != NextDisk {
		t.Fatal(next, err)
	}
	if d := cmp.Diff([]int{10002, 10005, 11144, 11170, 11141}, b.ids()); d != "" {
		t.Error(d)
	}
	if !strings.Contains(screen.String(), "THE TASK SEQUENCE FAILED") || !strings.Contains(screen.String(), "no grant") {
		t.Errorf("screen:\n%s", screen.String())
	}
}

// TestFailure: the screen names step, code and reason, the box knows.
func TestFailure(t *testing.T) {
	b := newBox(t, `{"format":1,"name":"Test","steps":[{"runCommandLine":{"name":"Break it","command":"echo no luck; exit 9"}}]}`)
	var screen bytes.Buffer
	if _, err := b.newSession(&screen).deploy(t.Context(), api.Offer{Mandatory: true}, nil, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 Break it", "9 (0x00000009)", "no luck"} {
		if !strings.Contains(screen.String(), want) {
			t.Errorf("the screen lacks %q:\n%s", want, screen.String())
		}
	}
	if d := cmp.Diff([]int{10002, 10005, 11144, 11140, 11135, 11141}, b.ids()); d != "" {
		t.Error(d)
	}
}

// TestChangedSequence: a document that is not the version that the job names is
// not run.
func TestChangedSequence(t *testing.T) {
	b := newBox(t, `{"format":1,"name":"Test","steps":[{"runCommandLine":{"command":"echo"}}]}`)
	b.job.Sequence.Digest = "sha256:" + strings.Repeat("0", 64)
	var screen bytes.Buffer
	if _, err := b.newSession(&screen).deploy(t.Context(), api.Offer{Mandatory: true}, nil, false); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{10002, 10005, 11144, 11170, 11141}, b.ids()); d != "" {
		t.Error(d)
	}
}

// TestNobodyCame: an offer that is not mandatory waits for a key and declines.
func TestNobodyCame(t *testing.T) {
	b := newBox(t, `{"format":1,"name":"Test","steps":[{"runCommandLine":{"command":"echo"}}]}`)
	var screen bytes.Buffer
	s := b.newSession(&screen)
	s.conf.CommandLine = "quiet bootward.wait=0"
	chosen, _, _ := s.choose(t.Context(), api.Offers{Offers: []api.Offer{{Name: "Ward PC", Destructive: true}}})
	if chosen != nil {
		t.Fatal("something was chosen")
	}
	s.decline(t.Context())
	if b.declined != 1 || len(b.ids()) != 0 || !strings.Contains(screen.String(), "nobody pressed a key") {
		t.Errorf("declined %d, %v\n%s", b.declined, b.ids(), screen.String())
	}
	if chosen, _, _ := s.choose(t.Context(), api.Offers{Why: []string{"the machine is not known"}}); chosen != nil || !strings.Contains(screen.String(), "the machine is not known") {
		t.Errorf("chosen %v\n%s", chosen, screen.String())
	}
}

// TestPrompt: who pressed F12 before is not asked again, and the command line wins
// over policy.
func TestPrompt(t *testing.T) {
	ten, none := 10, 0
	for _, tt := range []struct {
		line   string
		prompt *int
		want   time.Duration
		ask    bool
	}{
		{"quiet", &ten, 10 * time.Second, true}, {"quiet", &none, 0, false}, {"quiet", nil, time.Minute, true},
		{"bootward.wait=5", &ten, 5 * time.Second, true}, {"bootward.wait=5", &none, 5 * time.Second, true},
		{"bootward.prompted quiet", &ten, 0, false}, {"bootward.wait=5 bootward.prompted", &ten, 0, false},
	} {
		if got, ask := prompt(tt.line, api.Offers{Prompt: tt.prompt}); got != tt.want || ask != tt.ask {
			t.Errorf("%s: %s, %v", tt.line, got, ask)
		}
	}
}

const restarts = `{"format":1,"name":"Test","steps":[{"restartComputer":{"to":"installedOS"}},{"runCommandLine":{"command":"echo %_SMSTSInWinPE%"}}]}`

// restarted is an installed system with a job behind its restart; running is the
// step that a power cut ended, or 0.
func (b *box) restarted(screen *bytes.Buffer, running int) (*session, string) {
	t := b.t
	t.Helper()
	s := b.newSession(screen)
	root := t.TempDir()
	if err := s.claim(t.Context(), api.Offer{}, false); err != nil {
		t.Fatal(err)
	}
	seq, err := sequence.Decode([]byte(restarts))
	if err != nil {
		t.Fatal(err)
	}
	env, err := s.environment(seq)
	if err != nil {
		t.Fatal(err)
	}
	state := engine.New(env)
	state.Next, state.Running = 2, running
	if running == 0 {
		state.Restarting = &engine.Restart{To: sequence.ToInstalledOS}
	}
	for _, err := range []error{
		s.folder.Write(job.FileAnchor, b.anchor),
		s.folder.WriteJSON(job.FileBox, job.Box{Address: b.server.Listener.Addr().String(), Name: "ward-7"}),
		s.folder.WriteJSON(job.FileState, state),
		os.MkdirAll(filepath.Join(root, "etc/systemd/system"), 0o755),
		os.MkdirAll(filepath.Join(root, "usr/lib/bootward"), 0o755),
		os.WriteFile(filepath.Join(root, "usr/lib/bootward/bootward-agent"), nil, 0o755),
		s.folder.Move(filepath.Join(root, job.Name)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return s, root
}

// gone says whether nothing but the log, which says want, is left of the job.
func gone(t *testing.T, root, want string) {
	t.Helper()
	for _, name := range []string{job.Name, "usr/lib/bootward"} {
		if _, err := os.Stat(filepath.Join(root, name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there", name)
		}
	}
	if raw, err := os.ReadFile(filepath.Join(root, "var/log/bootward/smsts.log")); err != nil || !bytes.Contains(raw, []byte(want)) {
		t.Errorf("log: %s, %v", raw, err)
	}
}

// TestResume: the job goes on in the installed system, reports the end from
// there and leaves nothing but its log.
func TestResume(t *testing.T) {
	b := newBox(t, restarts)
	var screen bytes.Buffer
	s, root := b.restarted(&screen, 0)
	next, err := Resume(t.Context(), Config{Run: t.TempDir(), Root: root, Console: s.console})
	if err != nil || next != "" {
		t.Fatal(next, err)
	}
	if d := cmp.Diff([]int{11134, 11143}, b.ids()); d != "" {
		t.Error(d)
	}
	for _, m := range b.messages {
		if m.Stage != status.StageInstalledSystem {
			t.Errorf("message %d from stage %q", m.ID, m.Stage)
		}
	}
	if b.messages[0].Output != "false\n" || b.renewed == 0 {
		t.Errorf("output %q, renewed %d times", b.messages[0].Output, b.renewed)
	}
	gone(t, root, "the task sequence is complete")
	if next, err := Resume(t.Context(), Config{Root: root, Console: s.console}); err != nil || next != "" {
		t.Errorf("without a job: %v, %v", next, err)
	}
}

// TestResumeFails: what cannot go on fails once and for all, is said to the box
// where that is possible, and leaves no secrets behind.
func TestResumeFails(t *testing.T) {
	write := func(name, text string) func(*box, string) error {
		return func(_ *box, dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600) }
	}
	for _, c := range []struct {
		name    string
		running int
		change  func(b *box, dir string) error
		ids     []int
		log     string
	}{
		{"power cut in a step", 2, nil, []int{11135, 11141}, "the machine stopped while this step was running"},
		{"damaged state", 0, write(job.FileState, "{"), nil, "the job folder is damaged"},
		{"no key", 0, func(_ *box, dir string) error { return os.Remove(filepath.Join(dir, job.FileKey)) }, nil, "the job folder is damaged"},
		{"another sequence", 0, write(job.FileState, `{"format":1,"next":9}`), []int{11170, 11141}, "the sequence is another one"},
		{"certificate ended", 0, func(b *box, dir string) error {
			key, err := os.ReadFile(filepath.Join(dir, job.FileKey))
			if err != nil {
				return err
			}
			private, err := trust.ParseKey(key)
			if err != nil {
				return err
			}
			csr, err := trust.NewCSR(private)
			if err != nil {
				return err
			}
			chain, _, err := b.auth.Job(csr, b.job.ID, time.Now().Add(-9*time.Hour), time.Hour)
			return errors.Join(err, os.WriteFile(filepath.Join(dir, job.FileChain), chain, 0o600))
		}, nil, "its certificate ended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBox(t, restarts)
			var screen bytes.Buffer
			s, root := b.restarted(&screen, c.running)
			if c.change != nil {
				if err := c.change(b, filepath.Join(root, job.Name)); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			next, err := Resume(ctx, Config{Run: t.TempDir(), Root: root, Console: s.console})
			if err != nil || next != "" {
				t.Fatalf("%q, %v\n%s", next, err, screen.String())
			}
			if d := cmp.Diff(c.ids, b.ids()); d != "" {
				t.Error(d)
			}
			gone(t, root, c.log)
		})
	}
}

// TestOtherBox: a box of the site that does not have the job cannot end it.
func TestOtherBox(t *testing.T) {
	b := newBox(t, restarts)
	var screen bytes.Buffer
	s, root := b.restarted(&screen, 0)
	raw, err := json.Marshal(job.Box{Address: b.server.Listener.Addr().String(), Name: "ward-8"})
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(root, job.Name)
	if err := os.WriteFile(filepath.Join(folder, job.FileBox), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := Resume(ctx, Config{Run: t.TempDir(), Root: root, Console: s.console}); err == nil || !strings.Contains(err.Error(), "ward-8") {
		t.Errorf("%v\n%s", err, screen.String())
	}
	if _, err := os.Stat(filepath.Join(folder, job.FileKey)); err != nil {
		t.Error(err)
	}
}

// TestForeignBox: a box of another site is not believed.
func TestForeignBox(t *testing.T) {
	b, other := newBox(t, "{}"), newBox(t, "{}")
	anchor, err := trust.ParseAnchor(other.anchor)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := point.FirstHello(ctx, anchor, b.server.Listener.Addr().String(), point.NewClock(time.Time{})); err == nil {
		t.Error("a box of another site was believed")
	}
}

func TestSettings(t *testing.T) {
	const line = "console=ttyS0 bootward.mp=10.77.0.2 bootward.wait=5\n"
	if got := setting(line, "bootward.mp"); got != "10.77.0.2" {
		t.Error(got)
	}
	for text, want := range map[string]time.Duration{"5": 5 * time.Second, "": time.Minute, "-1": time.Minute, "x": time.Minute, "0": 0} {
		if got := seconds(text, time.Minute); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestProgressText(t *testing.T) {
	if got := progressText("Apply", 50<<20, 200<<20, 10<<20); got != "   25%  50 of 200 MiB, 10.0 MiB/s, 15s left" {
		t.Errorf("%q", got)
	}
	if got := progressText("Apply", 5<<20, 0, 1); got != "  Apply: 5 MiB" {
		t.Errorf("%q", got)
	}
}
