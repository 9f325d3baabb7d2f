package managementpoint

import (
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/tpm"
)

const strangerMAC = "52:54:00:99:00:01"

// waiter is a machine that claims with a key of its own.
type waiter struct {
	r             *rig
	p             *Point
	id            api.Identity
	advertisement string
	ticket        string
	replaces      string
	where         string
	unattended    bool
	key           *ecdsa.PrivateKey
	csr           []byte
	tpm           *tpm.Device // nil: it names none
	named         api.TPM
}

func (r *rig) waiter(p *Point, advertisement string, id api.Identity) *waiter {
	key, csr := r.key()
	return &waiter{r: r, p: p, id: id, advertisement: advertisement, key: key, csr: csr}
}

func (m *waiter) claim() (api.Claimed, *api.Error) {
	c := api.Claim{Identity: m.id, Advertisement: m.advertisement, Person: !m.unattended, CSR: m.csr, Ticket: m.ticket, Replaces: m.replaces, Where: m.where}
	if m.tpm != nil {
		c.TPM = &m.named
	}
	return m.p.claim(m.r.t.Context(), c, "10.7.0.20")
}

// waits claims and returns the code that the machine shows.
func (m *waiter) waits() string {
	m.r.t.Helper()
	c, failed := m.claim()
	if failed != nil || c.Pending == nil || c.Job != "" || c.Certificate != "" {
		m.r.t.Fatalf("claim: %+v, %v, want one that waits", c, failed)
	}
	box, err := x509.ParsePKIXPublicKey(c.Pending.Box)
	fatal(m.r.t, err)
	if !m.r.box.Certificate.PublicKey.(*ecdsa.PublicKey).Equal(box) {
		m.r.t.Fatal("the key is not that of the box's intermediate")
	}
	code, err := trust.ApprovalCode(box.(*ecdsa.PublicKey), &m.key.PublicKey, c.Pending.Nonce)
	fatal(m.r.t, err)
	return code
}

// refused claims and wants a refusal.
func (m *waiter) refused(code api.Code, text string) {
	m.r.t.Helper()
	c, failed := m.claim()
	if failed == nil || failed.Code != code || !strings.Contains(failed.Error(), text) {
		m.r.t.Errorf("claim: %+v, %v, want %s with %q", c, failed, code, text)
	}
}

// strangers lets unknown machines have the sequence that erases, after approval.
func (r *rig) strangers() (*Point, *time.Time) {
	r.wiping(1, 1, 1)
	r.policy.Advertisements[1].Approval, r.policy.Advertisements[1].ComputerName = "", ""
	clock := time.Now().Truncate(time.Second)
	return r.direct(func() time.Time { return clock }), &clock
}

func stranger(mac string) api.Identity { return api.Identity{MACs: []string{mac}, SerialNumber: mac} }

func (r *rig) alarms() (all []string) {
	events, err := r.store.Timeline(r.t.Context(), 1000)
	fatal(r.t, err)
	for _, e := range events {
		if e.Flight != nil && e.Flight.What == "alarm" {
			all = append(all, e.Flight.Text)
		}
	}
	return all
}

func (r *rig) nothingOpened() {
	r.t.Helper()
	jobs, err := r.store.OpenJobs(r.t.Context())
	fatal(r.t, err)
	used, err := r.store.UsedGrants(r.t.Context())
	fatal(r.t, err)
	if len(jobs) > 0 || len(used) > 0 {
		r.t.Errorf("%d jobs are open, %d grants are used", len(jobs), len(used))
	}
}

// TestApprovalOpensTheJob: nothing is opened while a machine waits; the same key
// keeps its code; once a person approved it, the job opens and says who.
func TestApprovalOpensTheJob(t *testing.T) {
	r := newRig(t)
	p, _ := r.strangers()
	news := 0
	p.News = func() { news++ }
	m := r.waiter(p, "A2", stranger(strangerMAC))
	code := m.waits()
	if again := m.waits(); again != code {
		t.Errorf("the code changed from %s to %s", code, again)
	}
	r.nothingOpened()
	all, err := p.Pending(t.Context())
	fatal(t, err)
	if len(all) != 1 || all[0].Code != code || all[0].Known || !all[0].Destructive || all[0].Advertisement != "Wipe me" || all[0].Computer != "bw-525400990001" ||
		all[0].Identity.SerialNumber != strangerMAC || !strings.Contains(all[0].Why, "does not know") {
		t.Errorf("pending: %+v", all)
	}
	for _, tt := range []struct {
		code, decision string
		want           api.Code
	}{
		{"12", store.Approve, api.CodeInvalid}, {code, "perhaps", api.CodeInvalid}, {other(code), store.Approve, api.CodeNotFound},
	} {
		if _, failed := p.DecideCode(t.Context(), tt.code, tt.decision, "ann"); failed == nil || failed.Code != tt.want {
			t.Errorf("%s %s: %v, want %s", tt.decision, tt.code, failed, tt.want)
		}
	}
	typed := strings.Replace(code, "-", " ", 1)
	if a, failed := p.DecideCode(t.Context(), typed, store.Approve, "ann"); failed != nil || a.Who != "ann" || a.Decision != store.Approve {
		t.Fatalf("approve: %+v, %v", a, failed)
	}
	if _, failed := p.DecideCode(t.Context(), code, store.Deny, "ben"); failed == nil || failed.Code != api.CodeConflict {
		t.Errorf("decided twice: %v", failed)
	}
	c, failed := m.claim()
	if failed != nil || c.Pending != nil || c.Certificate == "" {
		t.Fatalf("claim after the approval: %+v, %v", c, failed)
	}
	j, err := r.store.Job(t.Context(), c.Job)
	fatal(t, err)
	if j.Approved != "ann" || !j.Document.PersonGranted {
		t.Errorf("job approved by %q", j.Approved)
	}
	if all, err := p.Pending(t.Context()); err != nil || len(all) != 0 || news != 2 {
		t.Errorf("afterwards %d wait, %d news, %v", len(all), news, err)
	}
	log, err := r.store.AuditLog(t.Context(), 10)
	fatal(t, err)
	if len(log) != 2 || log[0].What != "known" || log[1].What != "approve" || log[1].Who != "ann" || !strings.Contains(log[1].Text, code) {
		t.Errorf("audit log: %+v", log)
	}
}

// other is a code that is not this one.
func other(code string) string {
	if code == "000-000" {
		return "000-001"
	}
	return "000-000"
}

// TestDenied: a claim that was denied stays refused, and says by whom; the machine
// may be started again and ask anew.
func TestDenied(t *testing.T) {
	r := newRig(t)
	p, _ := r.strangers()
	m := r.waiter(p, "A2", stranger(strangerMAC))
	if _, failed := p.DecideCode(t.Context(), m.waits(), store.Deny, "ann"); failed != nil {
		t.Fatal(failed)
	}
	m.refused(api.CodeRefused, "ann denied")
	m.refused(api.CodeRefused, "ann denied")
	r.nothingOpened()
	r.waiter(p, "A2", stranger(strangerMAC)).waits()
	if alarms := r.alarms(); len(alarms) != 0 {
		t.Errorf("alarms: %v", alarms)
	}
}

// TestApprovalEnds: after a quarter of an hour the code is worth nothing, also one
// that was approved; the machine waits under a new one.
func TestApprovalEnds(t *testing.T) {
	for name, approve := range map[string]bool{"nobody came": false, "approved, and the machine did not come back": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			p, clock := r.strangers()
			m := r.waiter(p, "A2", stranger(strangerMAC))
			code := m.waits()
			if approve {
				if _, failed := p.DecideCode(t.Context(), code, store.Approve, "ann"); failed != nil {
					t.Fatal(failed)
				}
			}
			*clock = clock.Add(approvalLife)
			if _, failed := p.DecideCode(t.Context(), code, store.Approve, "ann"); failed == nil || failed.Code != api.CodeNotFound || failed.Remedy == "" {
				t.Errorf("approved after its end: %v", failed)
			}
			m.waits()
			r.nothingOpened()
		})
	}
}

// TestApprovalIsOfThisMachine: what was approved is one machine and one deployment.
// A key that says something else afterwards gets nothing.
func TestApprovalIsOfThisMachine(t *testing.T) {
	for name, change := range map[string]func(r *rig, m *waiter){
		"as a known machine with a grant": func(_ *rig, m *waiter) { m.id.MACs, m.advertisement, m.unattended = []string{pcMAC(0)}, "A3", true },
		"another deployment":              func(_ *rig, m *waiter) { m.advertisement = "A4" },
		"another serial number":           func(_ *rig, m *waiter) { m.id.SerialNumber = "x" },
		"another sequence behind the same name": func(r *rig, _ *waiter) {
			r.change(func(s *policy.Snapshot) { s.Advertisements[1].Sequence = "Other" })
		},
		"another version of the sequence": func(r *rig, _ *waiter) {
			r.change(func(s *policy.Snapshot) {
				s.Sequences = slices.Clone(s.Sequences)
				s.Sequences[0].Digest = "f"
			})
		},
		"in place of another computer": func(_ *rig, m *waiter) { m.replaces = "pc-C0" },
		"the site came to know the machine": func(r *rig, _ *waiter) {
			r.change(func(s *policy.Snapshot) {
				s.Computers = append(s.Computers, osd.Computer{Meta: osd.Meta{ID: "C7", Name: "server"}, MACs: []string{strangerMAC}})
				s.Advertisements[1].Collection, s.Advertisements[1].Approval = osd.AllSystems, osd.ApprovalRequired
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			p, _ := r.strangers()
			wipe, more := r.policy.Advertisements[0], r.policy.Advertisements[1]
			wipe.ID, wipe.Name, wipe.Approval = "A3", "Wipe with approval", osd.ApprovalRequired
			more.ID, more.Name = "A4", "Another"
			r.policy.Advertisements = append(r.policy.Advertisements, wipe, more)
			r.policy.Grants[0].Advertisement = "A3"
			r.policy.Sequences = append(r.policy.Sequences, policy.Sequence{ID: "S2", Name: "Other", Digest: "e", BootImage: "B1", Destructive: true})
			m := r.waiter(p, "A2", stranger(strangerMAC))
			if _, failed := p.DecideCode(t.Context(), m.waits(), store.Approve, "ann"); failed != nil {
				t.Fatal(failed)
			}
			change(r, m)
			m.refused(api.CodeConflict, "another machine or of another deployment")
			r.nothingOpened()
		})
	}
}

// change puts another snapshot in force.
func (r *rig) change(f func(*policy.Snapshot)) {
	next := *r.policy
	next.Advertisements, next.Computers = slices.Clone(next.Advertisements), slices.Clone(next.Computers)
	f(&next)
	r.policy = &next
}

// TestReplacementIsShown: who approves is told whose place the machine takes.
func TestReplacementIsShown(t *testing.T) {
	r := newRig(t)
	p, _ := r.strangers()
	m := r.waiter(p, "A2", stranger(strangerMAC))
	m.replaces = "PC-c0"
	m.waits()
	all, err := p.Pending(t.Context())
	if err != nil || len(all) != 1 || all[0].PlaceOf != "PC-c0" || !strings.Contains(all[0].Why, "the place of computer pc-C0") {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestChecksAreMadeAnew: an approval does not outlive the reasons to refuse.
func TestChecksAreMadeAnew(t *testing.T) {
	r := newRig(t)
	p, _ := r.strangers()
	m := r.waiter(p, "A2", stranger(strangerMAC))
	if _, failed := p.DecideCode(t.Context(), m.waits(), store.Approve, "ann"); failed != nil {
		t.Fatal(failed)
	}
	fatal(t, p.stop(t.Context(), "test", strangerMAC))
	m.refused(api.CodeRefused, "stopped")
	// While the box has stopped nobody is asked to compare a code.
	r.waiter(p, "A2", stranger("52:54:00:99:00:02")).refused(api.CodeRefused, "stopped")
	if all, err := p.Pending(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%d wait, %v", len(all), err)
	}
}

// TestUnattendedWaits: a machine with a grant waits as well where the advertisement
// asks for it, or the sequence uses secrets; the grant stays unspent meanwhile.
func TestUnattendedWaits(t *testing.T) {
	for name, prepare := range map[string]func(*policy.Snapshot){
		"required": func(s *policy.Snapshot) { s.Advertisements[0].Approval = osd.ApprovalRequired },
		"secrets": func(s *policy.Snapshot) {
			s.Sequences[0].Secrets = []string{"join"}
			s.Sealed = append(s.Sealed, policy.Sealed{Kind: policy.SealedSecret, Object: "S1", Name: "join", Revision: 1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			p, _ := r.strangers()
			prepare(r.policy)
			m := r.waiter(p, "A1", api.Identity{MACs: []string{pcMAC(0)}})
			m.unattended = true
			code := m.waits()
			r.nothingOpened()
			if o, failed := p.offers(t.Context(), api.Ask{Identity: m.id}); failed != nil || len(o.Offers) != 1 || !o.Offers[0].Approval || !o.Offers[0].Mandatory {
				t.Errorf("offers: %+v, %v", o, failed)
			}
			// An order of the site does it too.
			all, err := p.Pending(t.Context())
			fatal(t, err)
			r.change(func(s *policy.Snapshot) {
				s.Orders = []policy.Order{{ID: "o", Kind: policy.OrderApprove, Approval: all[0].ID, By: "ben", ExpiresAt: time.Now().Add(time.Hour)}}
			})
			fatal(t, p.CarryOut(t.Context()))
			c, failed := m.claim()
			if failed != nil {
				t.Fatalf("%s: %v", code, failed)
			}
			if j, err := r.store.Job(t.Context(), c.Job); err != nil || j.Approved != "ben" || j.Grant != "GC0" {
				t.Errorf("job %+v, %v", j, err)
			}
		})
	}
}

// TestTwinsWhileOneWaits: of two keys under the same labels never both wait, and
// none takes the place of one that was approved.
func TestTwinsWhileOneWaits(t *testing.T) {
	for _, tt := range []struct {
		name    string
		approve bool
		second  api.Identity
		refused bool // the second one, with an alarm
	}{
		{"started again", false, stranger(strangerMAC), false},
		{"other hardware", false, api.Identity{MACs: []string{strangerMAC}, SerialNumber: "other"}, true},
		{"another address first", false, api.Identity{MACs: []string{"52:54:00:00:00:77", strangerMAC}, SerialNumber: "other"}, true},
		{"after the first was approved", true, stranger(strangerMAC), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			p, _ := r.strangers()
			first, second := r.waiter(p, "A2", stranger(strangerMAC)), r.waiter(p, "A2", tt.second)
			code := first.waits()
			if tt.approve {
				if _, failed := p.DecideCode(t.Context(), code, store.Approve, "ann"); failed != nil {
					t.Fatal(failed)
				}
			}
			if !tt.refused {
				again := second.waits()
				if all, err := p.Pending(t.Context()); err != nil || len(all) != 1 || all[0].Code != again {
					t.Errorf("%+v wait, %v", all, err)
				}
				// The first one is alive after all: there are two.
				first.refused(api.CodeConflict, "waits for approval already")
				if alarms := r.alarms(); len(alarms) != 1 || !strings.Contains(alarms[0], "in turn") {
					t.Errorf("alarms: %v", alarms)
				}
				return
			}
			second.refused(api.CodeConflict, "waits for approval already")
			if alarms := r.alarms(); len(alarms) != 1 {
				t.Errorf("alarms: %v", alarms)
			}
			if c, failed := first.claim(); failed != nil || (c.Pending == nil) != tt.approve {
				t.Errorf("the first one: %+v, %v", c, failed)
			}
		})
	}
}

// TestApprovalSurvivesARestart: the box is switched off between question, decision
// and claim.
func TestApprovalSurvivesARestart(t *testing.T) {
	r := newRig(t)
	p, _ := r.strangers()
	m := r.waiter(p, "A2", stranger(strangerMAC))
	code := m.waits()
	m.p = r.direct(p.Now)
	if again := m.waits(); again != code {
		t.Errorf("the code changed from %s to %s", code, again)
	}
	if _, failed := m.p.DecideCode(t.Context(), code, store.Approve, "ann"); failed != nil {
		t.Fatal(failed)
	}
	m.p = r.direct(p.Now)
	if c, failed := m.claim(); failed != nil || c.Job == "" {
		t.Errorf("claim: %+v, %v", c, failed)
	}
}

// TestWaitingIsLimited: made-up machines cannot fill the box; those that wait have
// different codes.
func TestWaitingIsLimited(t *testing.T) {
	r := newRig(t)
	p, _ := r.strangers()
	codes := map[string]bool{}
	for i := 0; ; i++ {
		m := r.waiter(p, "A2", stranger(fmt.Sprintf("52:54:00:98:00:%02x", i)))
		c, failed := m.claim()
		if failed != nil {
			if failed.Code != api.CodeTooMany || failed.Status != http.StatusTooManyRequests || !failed.Retryable || i < 8 {
				t.Errorf("machine %d: %v", i, failed)
			}
			break
		}
		if c.Pending == nil || i > 100 {
			t.Fatalf("machine %d: %+v", i, c)
		}
		codes[m.waits()] = true
	}
	all, err := p.Pending(t.Context())
	if err != nil || len(all) != len(codes) {
		t.Errorf("%d wait under %d codes, %v", len(all), len(codes), err)
	}
}

// TestStartedAgainWithOtherAdapters: the machine is the same although its adapters
// come in another order: it waits once.
func TestStartedAgainWithOtherAdapters(t *testing.T) {
	r := newRig(t)
	p, _ := r.strangers()
	r.waiter(p, "A2", api.Identity{MACs: []string{strangerMAC, "52:54:00:99:00:02"}, SMBIOSGUID: wardGUID}).waits()
	code := r.waiter(p, "A2", api.Identity{MACs: []string{"52:54:00:99:00:02", strangerMAC}, SMBIOSGUID: wardGUID}).waits()
	if all, err := p.Pending(t.Context()); err != nil || len(all) != 1 || all[0].Code != code {
		t.Errorf("%+v wait, %v", all, err)
	}
}

// TestTwoBehindOneDock: an address that identifies nobody sends no other machine away
// that waits.
func TestTwoBehindOneDock(t *testing.T) {
	r := newRig(t)
	p, _ := r.strangers()
	r.policy.Settings.SharedMACs = []string{"00:50:b6"}
	code := r.waiter(p, "A2", api.Identity{MACs: []string{"00:50:b6:00:00:01", strangerMAC}}).waits()
	r.waiter(p, "A2", api.Identity{MACs: []string{"00:50:b6:00:00:01", "52:54:00:99:00:02"}}).waits()
	if all, err := p.Pending(t.Context()); err != nil || len(all) != 2 || all[0].Code != code && all[1].Code != code {
		t.Errorf("%+v wait, %v", all, err)
	}
}
