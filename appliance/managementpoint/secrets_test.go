package managementpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/internal/canary"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

const joinCanary = "Canary-of-a-join-password"

// joining is 1 Before, 2 Group(3 Join, which uses two secrets), 4 Key, which uses
// one.
const joining = `{"format":1,"requires":["secrets"],"name":"S","steps":[{"runCommandLine":{"command":"x"}},
	{"group":"G","steps":[{"runCommandLine":{"command":"x","secrets":{"JoinPassword":"join","Again":"join"}}}]},
	{"runCommandLine":{"command":"x","secrets":{"Key":"key"}}}]}`

// releasing is a management point with a box's sealing key and one job.
type releasing struct {
	*rig
	p   *Point
	own *trust.SealingKey
	log bytes.Buffer
	job string
}

func newReleasing(t *testing.T, change func(r *releasing, j *store.Job)) *releasing {
	t.Helper()
	r := &releasing{rig: newRig(t), job: "job-1"}
	r.ward()
	r.p = r.direct(time.Now)
	r.p.Log = slog.New(slog.NewTextHandler(&r.log, nil))
	var err error
	r.own, err = trust.NewSealingKey()
	fatal(t, err)
	r.p.Unseal = func(v policy.Sealed) ([]byte, error) { return r.own.Open(v.Context("CEN00001"), v.Ciphertext) }
	r.give("join", joinCanary, 1)
	r.give("key", "Canary-of-a-product-key", 1)
	j := store.Job{ID: r.job, Machine: "computer:C1", Computer: "C1", Name: "pc-1", Client: wardMAC, Key: "k", Opened: time.Now(), Approved: "tom",
		Document: api.Job{ID: r.job, Advertisement: "A1", Sequence: policy.Sequence{Digest: "d", Document: json.RawMessage(joining)}}}
	if change != nil {
		change(r, &j)
	}
	fatal(t, r.store.OpenJob(t.Context(), j, ""))
	return r
}

// give puts a value into the box's policy, as another snapshot.
func (r *releasing) give(name, value string, revision int64) {
	r.t.Helper()
	v := policy.Sealed{Kind: policy.SealedSecret, Object: "CEN-" + name, Name: name, Revision: revision}
	var err error
	v.Ciphertext, err = trust.Seal(r.own.Public(), v.Context("CEN00001"), []byte(value))
	fatal(r.t, err)
	s := *r.policy
	s.Sealed = []policy.Sealed{v}
	for _, old := range r.policy.Sealed {
		if old.Name != name {
			s.Sealed = append(s.Sealed, old)
		}
	}
	r.policy = &s
}

// send reports messages about nodes.
func (r *releasing) send(of ...status.Message) {
	r.t.Helper()
	j, err := r.store.Job(r.t.Context(), r.job)
	fatal(r.t, err)
	for i := range of {
		of[i].Number = j.Next + uint64(i)
	}
	if _, failed := r.p.status(r.t.Context(), j, api.StatusBatch{Messages: of}); failed != nil {
		r.t.Fatal(failed)
	}
}

// toJoin reports what brings the job to step 3.
func (r *releasing) toJoin() {
	r.send(status.Message{ID: status.SequenceStarted}, status.Message{ID: status.ActionCompleted, Step: 1}, status.Message{ID: status.GroupStarted, Step: 2})
}

func newSealing(t *testing.T) *trust.SealingKey {
	t.Helper()
	k, err := trust.NewSealingKey()
	fatal(t, err)
	return k
}

// ask asks for the secrets of a step and opens them.
func (r *releasing) ask(step int, k *trust.SealingKey) (map[string]string, *api.Error) {
	r.t.Helper()
	j, err := r.store.Job(r.t.Context(), r.job)
	fatal(r.t, err)
	got, failed := r.p.secrets(r.t.Context(), j, api.AskSecrets{Step: step, Key: k.Public()})
	if failed != nil {
		if len(got.Sealed) > 0 {
			r.t.Error("refused, and released all the same")
		}
		return nil, failed
	}
	raw, err := k.Open(api.SecretsContext(r.job, step), got.Sealed)
	fatal(r.t, err)
	var values map[string]string
	fatal(r.t, json.Unmarshal(raw, &values))
	return values, nil
}

// released counts the entries of the audit log.
func (r *releasing) released() (n int) {
	r.t.Helper()
	log, err := r.store.AuditLog(r.t.Context(), 100)
	fatal(r.t, err)
	for _, a := range log {
		if a.What != "secret-released" {
			continue
		}
		n++
		if a.Object != "join" && a.Object != "key" || !strings.Contains(a.Text, "job-1, pc-1, step ") || strings.Contains(a.Text, "Canary") {
			r.t.Errorf("audit entry %+v", a)
		}
	}
	return n
}

// refused wants a refusal that says something.
func refused(t *testing.T, what string, e *api.Error, code api.Code, want string) {
	t.Helper()
	if e == nil || e.Code != code || !strings.Contains(e.Detail+e.Remedy, want) {
		t.Errorf("%s: %+v, want %s with %q", what, e, code, want)
	}
}

// TestSecretsAtTheStep: while the job stands at the step, and at no other time.
func TestSecretsAtTheStep(t *testing.T) {
	r := newReleasing(t, nil)
	k := newSealing(t)
	for _, step := range []int{3, 4} {
		_, failed := r.ask(step, k)
		refused(t, fmt.Sprintf("step %d at the start", step), failed, api.CodeForbidden, "stands at step 1")
	}
	for _, step := range []int{0, -1, 1, 2, 5} {
		_, failed := r.ask(step, k)
		refused(t, fmt.Sprintf("step %d has none", step), failed, api.CodeInvalid, "")
	}
	r.send(status.Message{ID: status.ActionCompleted, Step: 3}, status.Message{ID: status.ActionCompleted, Step: 4})
	if _, failed := r.ask(3, k); failed == nil {
		t.Error("a job that reports steps at which it does not stand got there")
	}
	r.toJoin()
	if got, failed := r.ask(3, k); failed != nil || len(got) != 2 || got["JoinPassword"] != joinCanary || got["Again"] != joinCanary {
		t.Errorf("at the step: %v, %v", got, failed)
	}
	if n := r.released(); n != 1 {
		t.Errorf("%d entries of the audit log, want one for the secret", n)
	}
	r.send(status.Message{ID: status.ActionCompleted, Step: 3})
	_, failed := r.ask(3, k)
	refused(t, "behind the step, with the same key", failed, api.CodeForbidden, "stands at step 4")
	if got, failed := r.ask(4, newSealing(t)); failed != nil || got["Key"] == "" || len(got) != 1 {
		t.Errorf("at the next step: %v, %v", got, failed)
	}
	if n := r.released(); n != 2 {
		t.Errorf("%d entries of the audit log, want 2", n)
	}
	if what, ok := canary.Find(r.log.Bytes(), joinCanary, "Canary-of-a-product-key"); ok || r.log.Len() == 0 {
		t.Errorf("the log of the box: %s", what)
	}
}

// TestSecretsOnce: the same key gets an answer again that was lost, with the
// value of then; another key gets nothing, and raises an alarm.
func TestSecretsOnce(t *testing.T) {
	r := newReleasing(t, nil)
	r.toJoin()
	k := newSealing(t)
	for revision := range int64(2) {
		r.give("join", fmt.Sprint(joinCanary, revision), revision+2) // newer than at the claim
		if got, failed := r.ask(3, k); failed != nil || got["JoinPassword"] != fmt.Sprint(joinCanary, revision) {
			t.Errorf("time %d: %v, %v", revision, got, failed)
		}
	}
	if n := r.released(); n != 1 {
		t.Errorf("%d entries of the audit log, want 1", n)
	}
	for range 3 {
		_, failed := r.ask(3, newSealing(t))
		refused(t, "another key", failed, api.CodeForbidden, "released once")
	}
	events, err := r.store.Timeline(t.Context(), 100)
	fatal(t, err)
	alarms := 0
	for _, e := range events {
		if e.Flight != nil && e.Flight.What == "alarm" && e.Flight.Job == r.job {
			alarms++
		}
	}
	if alarms != 1 {
		t.Errorf("%d alarms in the flight recorder, want 1", alarms)
	}
	if _, failed := r.ask(3, k); failed != nil {
		t.Errorf("the first key, behind the alarm: %v", failed)
	}
}

// TestSecretsNeedTrust: labels are no proof. A person approved the job, or the
// site's own signature under its grant says that nobody had to.
func TestSecretsNeedTrust(t *testing.T) {
	grant := func(g policy.Grant, forge bool) func(*releasing, *store.Job) {
		return func(r *releasing, j *store.Job) {
			j.Approved, j.Grant = "", "G1"
			payload, err := json.Marshal(g)
			fatal(r.t, err)
			envelope := trust.Sign(trust.TypeGrant, payload, r.Signing)
			if forge {
				envelope.Payload = bytes.Replace(envelope.Payload, []byte(`"G1"`), []byte(`"G2"`), 1)
			}
			j.Document.Grant, err = json.Marshal(envelope)
			fatal(r.t, err)
		}
	}
	good := policy.Grant{ID: "G1", Computer: "C1", Advertisement: "A1", Sequence: "d", SecretsWithoutApproval: true}
	with := func(change func(*policy.Grant)) policy.Grant { g := good; change(&g); return g }
	for _, tt := range []struct {
		name   string
		change func(*releasing, *store.Job)
		want   bool
	}{
		{"approved", nil, true},
		{"nobody approved it", func(_ *releasing, j *store.Job) { j.Approved = "" }, false},
		{"a grant", grant(with(func(g *policy.Grant) { g.SecretsWithoutApproval = false }), false), false},
		{"a grant that says so", grant(good, false), true},
		{"one that was changed", grant(good, true), false},
		{"one of another job", grant(with(func(g *policy.Grant) { g.ID = "G9" }), false), false},
		{"one of another computer", grant(with(func(g *policy.Grant) { g.Computer = "C2" }), false), false},
		{"one of another advertisement", grant(with(func(g *policy.Grant) { g.Advertisement = "A2" }), false), false},
		{"one of another version", grant(with(func(g *policy.Grant) { g.Sequence = "e" }), false), false},
		{"no envelope", func(_ *releasing, j *store.Job) {
			j.Approved, j.Grant, j.Document.Grant = "", "G1", json.RawMessage(`{}`)
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newReleasing(t, tt.change)
			r.toJoin()
			got, failed := r.ask(3, newSealing(t))
			if tt.want && (failed != nil || got["JoinPassword"] != joinCanary) {
				t.Errorf("%v, %v", got, failed)
			}
			if !tt.want {
				refused(t, tt.name, failed, api.CodeForbidden, "compare the code")
			}
			if n := r.released(); n != map[bool]int{true: 1}[tt.want] {
				t.Errorf("%d releases are noted", n)
			}
		})
	}
}

// TestNoSecretsBehindTheEnd: a job that was halted, or has ended, gets nothing,
// also if that happened while it asked.
func TestNoSecretsBehindTheEnd(t *testing.T) {
	for _, state := range []store.JobState{store.JobHalted, store.JobAbandoned} {
		r := newReleasing(t, nil)
		r.toJoin()
		j, err := r.store.Job(t.Context(), r.job)
		fatal(t, err)
		fatal(t, r.store.EndJob(t.Context(), r.job, state, "ALARM", time.Now()))
		if got, failed := r.p.secrets(t.Context(), j, api.AskSecrets{Step: 3, Key: newSealing(t).Public()}); failed == nil || len(got.Sealed) > 0 || failed.Code != api.CodeForbidden {
			t.Errorf("%s: %v", state, failed)
		}
		if n := r.released(); n != 0 {
			t.Errorf("%s: %d releases are noted", state, n)
		}
	}
}

// TestSecretsThatCannotBeGiven: nothing is noted, and the refusal says what to
// do.
func TestSecretsThatCannotBeGiven(t *testing.T) {
	r := newReleasing(t, nil)
	r.toJoin()
	kept := r.policy
	s := *kept
	s.Sealed = nil
	r.policy = &s
	_, failed := r.ask(3, newSealing(t))
	refused(t, "no value", failed, api.CodeRefused, "secret join has no value at this box")
	r.policy = kept
	r.own = newSealing(t)
	_, failed = r.ask(3, newSealing(t))
	refused(t, "sealed to a key that is lost", failed, api.CodeRefused, "enrol the box again")
	r.p.Unseal = nil
	_, failed = r.ask(3, newSealing(t))
	refused(t, "no key", failed, api.CodeRefused, "enrol the box again")
	j, err := r.store.Job(t.Context(), r.job)
	fatal(t, err)
	_, failed = r.p.secrets(t.Context(), j, api.AskSecrets{Step: 3, Key: []byte("no key")})
	refused(t, "a wrong key", failed, api.CodeInvalid, "key")
	if n := r.released(); n != 0 {
		t.Errorf("%d releases are noted", n)
	}
}

// TestSequenceLacksItsSecret: what could not be finished is not offered.
func TestSequenceLacksItsSecret(t *testing.T) {
	r := newReleasing(t, nil)
	s := *r.policy
	s.Sequences = []policy.Sequence{{ID: "S1", Name: "S", Digest: "d", BootImage: "B1", Secrets: []string{"join", "gone"}}}
	r.policy = &s
	v, err := r.p.Decide(t.Context(), policy.Machine{MACs: []string{"52:54:00:00:00:02"}})
	fatal(t, err)
	if len(v.Offers) != 0 || !strings.Contains(full(v), "secret gone has no value at this box") {
		t.Errorf("%d offers, %s", len(v.Offers), full(v))
	}
	r.give("gone", joinCanary, 1)
	if v, err = r.p.Decide(t.Context(), policy.Machine{MACs: []string{"52:54:00:00:00:02"}}); err != nil || len(v.Offers) != 1 {
		t.Errorf("%d offers, %v: %s", len(v.Offers), err, full(v))
	}
}

// TestSecretsOverTheWire: the route, with the certificate of the job.
func TestSecretsOverTheWire(t *testing.T) {
	r := newRig(t)
	r.ward()
	cert, key := trusttest.Job(t, r.box, "wire", time.Now())
	fatal(t, r.store.OpenJob(t.Context(), store.Job{ID: "wire", Machine: "m", Name: "wire", Key: fingerprint(&key.PublicKey), Approved: "tom", Opened: time.Now(),
		Document: api.Job{ID: "wire", Sequence: policy.Sequence{Document: json.RawMessage(joining)}}}, ""))
	body, err := json.Marshal(api.AskSecrets{Step: 3, Key: newSealing(t).Public()})
	fatal(t, err)
	if code, text := r.ask(cert, api.RouteSecrets, string(body)); code != http.StatusForbidden || !strings.Contains(text, "stands at step 1") {
		t.Errorf("%d %s", code, text)
	}
}
