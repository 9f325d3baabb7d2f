package managementpoint

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust/trusttest"
)

// wardOfWipes fills the rig's policy: n computers in one collection, a mandatory
// advertisement A1 that erases them, and A3, which a person may choose on a
// machine that is not known. The first granted of them hold grants.
func (r *rig) wardOfWipes(n, granted, confirmed int, now time.Time) {
	meta := func(id, name string) osd.Meta { return osd.Meta{ID: id, Name: name} }
	s := policy.Snapshot{Format: 1, Site: "CEN", IssuedAt: now, Box: osd.Box{Meta: meta("CEN00001", "ward-7"), PXE: osd.PXE{UnknownComputers: true}},
		BootImages: []osd.BootImage{{Meta: osd.Meta{ID: "B1", Name: "Boot"}, Content: osd.Content{Manifest: "boot"}}},
		Sequences:  []policy.Sequence{{ID: "S1", Name: "Wipe", Digest: "d", BootImage: "B1", Destructive: true}},
		Advertisements: []osd.Advertisement{
			{Meta: meta("A1", "Wipe the ward"), Collection: "Ward", Sequence: "Wipe", Mandatory: []string{osd.AsSoonAsPossible}, ConfirmedMachines: confirmed},
			{Meta: meta("A3", "Guests"), Collection: osd.UnknownComputers, Sequence: "Wipe", Rerun: osd.RerunAlways},
		}}
	ward := osd.Collection{Meta: meta("K1", "Ward")}
	for i := range n {
		c := osd.Computer{Meta: meta(fmt.Sprintf("C%d", i), fmt.Sprintf("pc-%d", i)), MACs: []string{macOf(i)}}
		s.Computers, ward.Members = append(s.Computers, c), append(ward.Members, c.Name)
		if i < granted {
			s.Grants = append(s.Grants, policy.SignedGrant{Grant: policy.Grant{ID: fmt.Sprintf("G%d", i), Computer: c.ID, Advertisement: "A1",
				Sequence: "d", StateID: r.store.StateID(), IssuedAt: now, ExpiresAt: now.Add(14 * 24 * time.Hour)}})
		}
	}
	s.Collections = []osd.Collection{ward}
	*r.policy = s
}

func macOf(i int) string { return fmt.Sprintf("52:54:00:10:%02x:%02x", i>>8, i&0xff) }

// wants asks as PXE does.
func (r *rig) wants(p *Point, mac string) (Verdict, string) {
	r.t.Helper()
	v, err := p.Decide(r.t.Context(), policy.Machine{MACs: []string{mac}})
	fatal(r.t, err)
	stopped, err := p.NoteWants(r.t.Context(), v, mac)
	fatal(r.t, err)
	return v, stopped
}

func (r *rig) stopped(p *Point) string {
	r.t.Helper()
	why, err := p.Stopped(r.t.Context())
	fatal(r.t, err)
	return why
}

// TestResumeUnderAWrongClock: a box that was told to go on while its clock stood
// in 2099 counts again when the clock is right, and does not stay stopped either.
func TestResumeUnderAWrongClock(t *testing.T) {
	r := newRig(t)
	right := time.Now()
	clock := right
	resume := func(at time.Time) { fatal(t, r.store.Resume(t.Context(), "anna", at)) }
	count := func() int {
		w, err := r.store.Wipes(t.Context(), clock)
		fatal(t, err)
		return w.Uncovered
	}
	open := func(i int, at time.Time) {
		key, _ := r.key()
		id := fmt.Sprintf("job%d", i)
		fatal(t, r.store.OpenJob(t.Context(), store.Job{ID: id, Machine: id, Name: id, Key: fingerprint(&key.PublicKey), Opened: at,
			Document: api.Job{ID: id, Sequence: policy.Sequence{Destructive: true}}}, ""))
	}
	wrong := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	open(1, wrong)
	resume(wrong)
	clock = right
	if n := count(); n != 0 {
		t.Errorf("%d are counted after the resume", n)
	}
	open(2, right)
	open(3, right)
	if n := count(); n != 2 {
		t.Errorf("%d are counted after the clock was set right, want 2", n)
	}
	resume(right)
	if n := count(); n != 0 {
		t.Errorf("%d are counted after the second resume", n)
	}
}

// TestWrongClockOpensNothing holds every rule of time against clocks that stand
// wrong: unattended, no disk is erased.
func TestWrongClockOpensNothing(t *testing.T) {
	issued := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		at   time.Time
		want bool
	}{
		{"1970", time.Unix(0, 0), false},
		{"the day before the day of issue", issued.Add(-25 * time.Hour), false},
		{"a clock that is a little behind", issued.Add(-time.Hour), true},
		{"now", issued.Add(time.Hour), true},
		{"the last second of the grant", issued.Add(14*24*time.Hour - time.Second), true},
		{"the end of the grant", issued.Add(14 * 24 * time.Hour), false},
		{"a policy that is too old", issued.Add(policy.MaxAge + time.Second), false},
		{"2099", time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), false},
	} {
		for _, assignment := range []string{osd.AsSoonAsPossible, "2026-11-20T06:00:00Z"} {
			t.Run(tt.name+", "+assignment, func(t *testing.T) {
				r := newRig(t)
				r.wardOfWipes(1, 1, 1, issued)
				r.policy.Advertisements[0].Mandatory = []string{assignment}
				p := r.direct(func() time.Time { return tt.at })
				v, err := p.Decide(t.Context(), policy.Machine{MACs: []string{macOf(0)}})
				fatal(t, err)
				if got := v.Mandatory() != nil; got != tt.want {
					t.Errorf("erased: %v, want %v; %+v", got, tt.want, v.Refusals)
				}
			})
		}
	}
}

// TestErase walks what the route refuses.
func TestErase(t *testing.T) {
	r := newRig(t)
	r.wardOfWipes(0, 0, 0, time.Now())
	open := func(id string, destructive bool) {
		cert, key := trusttest.Job(t, r.box, id, time.Now())
		fatal(t, r.store.OpenJob(t.Context(), store.Job{ID: id, Machine: id, Name: id, Key: fingerprint(&key.PublicKey), Opened: time.Now(),
			Document: api.Job{ID: id, Sequence: policy.Sequence{Destructive: destructive}}}, ""))
		for i, want := range map[bool][]int{true: {http.StatusNoContent, http.StatusNoContent}, false: {http.StatusUnprocessableEntity}}[destructive] {
			if code, text := r.ask(cert, api.RouteErase, `{"disk":"disk 0"}`); code != want {
				t.Errorf("%s, time %d: %d %s, want %d", id, i, code, text, want)
			}
		}
		if code, _ := r.ask(cert, api.RouteErase, `{"disk":7}`); code != http.StatusBadRequest {
			t.Errorf("%s: a body that makes no sense: %d", id, code)
		}
		fatal(t, r.store.EndJob(t.Context(), id, store.JobAbandoned, "gone", time.Now()))
		if code, _ := r.ask(cert, api.RouteErase, `{}`); code != http.StatusForbidden {
			t.Errorf("%s, which has ended: %d", id, code)
		}
	}
	open("wipes", true)
	open("looks", false)
	j, err := r.store.Job(t.Context(), "wipes")
	fatal(t, err)
	if j.Erased.IsZero() {
		t.Error("the first write is not noted")
	}
}

// TestOrders: each is carried out once, none after its end, and one that this
// box does not know keeps none of the others waiting.
func TestOrders(t *testing.T) {
	r := newRig(t)
	now := time.Now()
	r.wardOfWipes(1, 0, 0, now)
	p := r.direct(func() time.Time { return now })
	if _, stopped := r.wants(p, macOf(0)); stopped == "" {
		t.Fatal("the box goes on")
	}
	order := func(id, kind string, ends time.Duration) policy.Order {
		return policy.Order{ID: id, Kind: kind, By: "anna", IssuedAt: now, ExpiresAt: now.Add(ends)}
	}
	r.policy.Orders = []policy.Order{order("o1", policy.OrderResume, 0)}
	fatal(t, p.CarryOut(t.Context()))
	if r.stopped(p) == "" {
		t.Fatal("an order that has ended was carried out")
	}
	r.policy.Orders = []policy.Order{order("o2", "dance", time.Hour), order("o3", policy.OrderResume, time.Hour)}
	for range 2 {
		if err := p.CarryOut(t.Context()); err != nil {
			t.Errorf("orders: %v", err)
		}
	}
	if why := r.stopped(p); why != "" {
		t.Errorf("an order behind one that is not known waits: %s", why)
	}
	log, err := r.store.AuditLog(t.Context(), 10)
	fatal(t, err)
	n := 0
	for _, a := range log {
		if a.What == "resume" && a.Who == "anna" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d resumes in %+v, want 1", n, log)
	}
}

// TestSpentGrantIsNotOffered: a machine whose rerun behaviour is always does not
// boot again for a grant that was spent.
func TestSpentGrantIsNotOffered(t *testing.T) {
	r := newRig(t)
	now := time.Now()
	r.wardOfWipes(2, 2, 2, now)
	r.policy.Advertisements[0].Rerun = osd.RerunAlways
	r.policy.Advertisements[0].Mandatory = []string{now.Add(-time.Minute).UTC().Format(time.RFC3339), now.Add(time.Minute).UTC().Format(time.RFC3339)}
	clock := now
	p := r.direct(func() time.Time { return clock })
	job, failed := r.take(p, macOf(0), "", "A1", false)
	if failed != nil {
		t.Fatal(failed)
	}
	fatal(t, r.store.Erase(t.Context(), job, "disk 0", status.FlightEvent{}, now))
	fatal(t, r.store.EndJob(t.Context(), job, store.JobAbandoned, "test", now))
	clock = now.Add(2 * time.Minute)
	for i, want := range []bool{false, true} {
		v, err := p.Decide(t.Context(), policy.Machine{MACs: []string{macOf(i)}})
		fatal(t, err)
		if got := v.Mandatory() != nil; got != want {
			t.Errorf("machine %d is offered it: %v, want %v: %+v", i, got, want, v.Refusals)
		}
	}
}
