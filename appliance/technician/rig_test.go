package technician

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/httpapi"
	"github.com/bootward/bootward/appliance/joblog"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

const (
	pin     = "271828"
	pcMAC   = "52:54:00:77:00:11"
	newMAC  = "52:54:00:77:00:99"
	ownBox  = "ward7-box"
	theCode = "482-913"
)

// rig is a desk without a socket, with people of every sort.
type rig struct {
	t      *testing.T
	desk   *Desk
	ca     *trust.Authority
	policy *policy.Snapshot
	path   string // of the database
	clock  time.Time
	log    bytes.Buffer
	// what a test of the segments finds
	test    api.SelfTest
	testErr error
}

// person is a technician of some boxes, with some rights; all when none is named.
func person(id, name, box string, may ...string) osd.Person {
	return osd.Person{Meta: osd.Meta{ID: id, Name: name}, Technician: &osd.Technician{Boxes: []string{box}, May: may}}
}

func newRig(t *testing.T) *rig {
	t.Helper()
	now := time.Now()
	site := trusttest.New(t, now)
	r := &rig{t: t, ca: site.CA, clock: now, path: filepath.Join(t.TempDir(), "box.db")}
	disabled := person("P5", "dora", ownBox)
	disabled.Disabled = true
	r.policy = &policy.Snapshot{
		Format: 1, Site: "CEN", Box: osd.Box{Meta: osd.Meta{ID: "B1", Name: ownBox}},
		Computers:    []osd.Computer{{Meta: osd.Meta{ID: "C1", Name: "ward7-pc1"}, MACs: []string{pcMAC}}, {Meta: osd.Meta{ID: "C2", Name: "ward7-pc2"}}},
		Certificates: map[string][]string{},
		People: []osd.Person{person("P1", "Bob", ownBox), person("P2", "carl", ownBox, osd.MayClear), person("P3", "other", "ward8-box"),
			{Meta: osd.Meta{ID: "P4", Name: "ann"}, Role: osd.RoleAdministrator}, disabled, person("P6", "nopin", ownBox)},
	}
	verifier := trust.NewVerifier(pin)
	for _, p := range r.policy.People {
		if p.Name != "nopin" {
			r.policy.Sealed = append(r.policy.Sealed, policy.Sealed{Kind: policy.SealedPIN, Object: p.ID, Revision: 1, Ciphertext: []byte(verifier)})
		}
	}
	logs, err := joblog.Open(t.TempDir())
	fatal(t, err)
	r.desk = &Desk{
		Logs:      logs,
		Self:      func() *Self { return &Self{Site: "CEN", Anchor: site.Anchor} },
		Evaluator: func() *policy.Evaluator { return policy.New(r.policy, policy.Local{}) },
		Unseal: func(s policy.Sealed) ([]byte, error) {
			if len(s.Ciphertext) == 0 {
				return nil, errors.New("damaged")
			}
			return s.Ciphertext, nil
		},
		State: func(context.Context) api.BoxConsole { return api.BoxConsole{Box: ownBox} }, Explain: r.explain,
		Now: func() time.Time { return r.clock }, Log: slog.New(slog.NewTextHandler(&r.log, nil)),
	}
	r.desk.Test = func(context.Context, string) (api.SelfTest, error) { return r.test, r.testErr }
	r.open()
	return r
}

// explain stands for the box's boot decision.
func (r *rig) explain(ctx context.Context, mac, firmware string) (api.BootExplanation, error) {
	if _, _, err := r.desk.Store.Boot(ctx, mac); err != nil {
		return api.BootExplanation{}, err
	}
	ia32 := api.BootAnswer{Firmware: "uefi-ia32", Packet: []string{"no boot image"}}
	switch firmware {
	case "toaster":
		return api.BootExplanation{}, api.Errorf(api.CodeInvalid, "firmware", "toaster is no firmware")
	case "uefi-ia32":
		return api.BootExplanation{Client: mac, Answers: []api.BootAnswer{ia32}}, nil
	}
	return api.BootExplanation{Client: mac, Answers: []api.BootAnswer{{Firmware: "bios-ipxe", Send: true, File: "x/boot.ipxe"}, ia32}}, nil
}

// open opens the box's memory, again after a restart.
func (r *rig) open() {
	r.t.Helper()
	if r.desk.Store != nil {
		fatal(r.t, r.desk.Store.Close())
	}
	s, err := store.Open(r.t.Context(), r.path, slog.New(slog.DiscardHandler), r.clock)
	fatal(r.t, err)
	r.t.Cleanup(func() { s.Close() })
	r.desk.Store, r.desk.Approvals = s, kept{Store: s, Now: r.desk.Now}
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wait lets a machine wait for approval.
func (r *rig) wait(code string) {
	r.t.Helper()
	p := api.PendingApproval{ID: "A" + code, Code: code, Computer: "bw-525400770099", Sequence: "Wipe", Destructive: true, Why: "it is not known",
		Identity: api.Identity{MACs: []string{newMAC}}, AskedAt: r.clock, ExpiresAt: r.clock.Add(time.Hour)}
	fatal(r.t, r.desk.Store.AskApproval(r.t.Context(), store.Approval{PendingApproval: p, Key: code, Nonce: []byte("n")},
		status.FlightEvent{Time: r.clock, Client: newMAC, What: "claim", Text: "waits"}))
}

// failed is a job of ward7-pc1 that failed just now.
func (r *rig) failed() {
	r.t.Helper()
	j := store.Job{ID: "failed", Machine: "computer:C1", Computer: "C1", Name: "ward7-pc1", Key: "k", Opened: r.clock, Document: api.Job{ID: "failed"}}
	if err := r.desk.Store.OpenJob(r.t.Context(), j, ""); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.desk.Store.Append(r.t.Context(), j.ID, []status.Message{{Number: 1, ID: status.SequenceFailed}}, r.clock); err != nil {
		r.t.Fatal(err)
	}
}

// stop stops the box.
func (r *rig) stop() {
	r.t.Helper()
	fatal(r.t, r.desk.Store.Stop(r.t.Context(), "too many", status.FlightEvent{Time: r.clock, Client: pcMAC, What: "alarm"}, r.clock))
}

// ask sends a request of a route.
func (r *rig) ask(pattern, token string, in, out any) (int, http.Header, api.Error) {
	r.t.Helper()
	method, path, _ := strings.Cut(pattern, " ")
	body, err := json.Marshal(in)
	fatal(r.t, err)
	q := httptest.NewRequest(method, strings.Replace(path, "{code}", theCode, 1), bytes.NewReader(body))
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	httpapi.Mux(r.desk.Routes()).ServeHTTP(w, q)
	var e api.Error
	switch {
	case w.Code >= 400:
		if w.Header().Get("Content-Type") != api.ProblemType || json.Unmarshal(w.Body.Bytes(), &e) != nil || e.Status != w.Code {
			r.t.Errorf("%s: %d is no problem: %s", pattern, w.Code, w.Body)
		}
	case out != nil:
		fatal(r.t, json.Unmarshal(w.Body.Bytes(), out))
	}
	return w.Code, w.Header(), e
}

// signIn opens a session over the network.
func (r *rig) signIn(name string) string {
	r.t.Helper()
	var s api.Session
	if code, _, e := r.ask(api.RouteSignIn, "", api.SignIn{Name: name, PIN: pin}, &s); code != http.StatusOK {
		r.t.Fatalf("%s: %d %v", name, code, &e)
	}
	return s.Token
}

func (r *rig) auditLog() []api.AuditRecord {
	r.t.Helper()
	all, err := r.desk.Store.AuditLog(r.t.Context(), 100)
	fatal(r.t, err)
	return all
}
