package managementpoint

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

func pcMAC(i int) string { return fmt.Sprintf("52:54:00:00:01:%02x", i) }

// wiping fills the rig's policy: n computers, a mandatory sequence that erases
// them, confirmed for some, with grants for the first of them.
func (r *rig) wiping(n, confirmed, grants int) {
	now := time.Now().Truncate(time.Second)
	*r.policy = policy.Snapshot{
		Format: 1, Site: "CEN", IssuedAt: now, Box: osd.Box{Meta: osd.Meta{Name: "ward-7"}, PXE: osd.PXE{UnknownComputers: true}},
		Advertisements: []osd.Advertisement{
			{Meta: osd.Meta{ID: "A1", Name: "Wipe all"}, Collection: osd.AllSystems, Sequence: "Wipe", Mandatory: []string{osd.AsSoonAsPossible}, ConfirmedMachines: confirmed},
			{Meta: osd.Meta{ID: "A2", Name: "Wipe me"}, Collection: osd.UnknownComputers, Sequence: "Wipe", ComputerName: "W12-%_SMSTSSerialNumber%", Approval: osd.ApprovalNone},
		},
		BootImages: []osd.BootImage{{Meta: osd.Meta{ID: "B1", Name: "Boot"}, Content: osd.Content{Manifest: "boot"}}},
		Sequences:  []policy.Sequence{{ID: "S1", Name: "Wipe", Digest: "d", BootImage: "B1", Destructive: true}},
	}
	for i := range n {
		id := fmt.Sprintf("C%d", i)
		r.policy.Computers = append(r.policy.Computers, osd.Computer{Meta: osd.Meta{ID: id, Name: "pc-" + id}, MACs: []string{pcMAC(i)}})
		if i < grants {
			r.policy.Grants = append(r.policy.Grants, policy.SignedGrant{Grant: policy.Grant{ID: "G" + id, Computer: id, Advertisement: "A1", Sequence: "d",
				StateID: r.store.StateID(), IssuedAt: now, ExpiresAt: now.Add(time.Hour)}})
		}
	}
}

func (r *rig) take(p *Point, mac, serial, advertisement string, person bool) (string, *api.Error) {
	_, csr := r.key()
	c, failed := p.claim(r.t.Context(), api.Claim{Identity: api.Identity{MACs: []string{mac}, SerialNumber: serial}, Advertisement: advertisement, Person: person, CSR: csr}, "10.7.0.20")
	return c.Job, failed
}

// TestBoxStopsWhenTooManyWantToBeErased: the second machine that wants what is
// confirmed for one stops the box, also for the one with a good grant, until an
// administrator's order; the order counts once.
func TestBoxStopsWhenTooManyWantToBeErased(t *testing.T) {
	r := newRig(t)
	r.wiping(3, 1, 1)
	p := r.direct(time.Now)
	for i := range 3 { // they boot, and none holds a grant but the first
		v, err := p.Decide(t.Context(), policy.Machine{MACs: []string{pcMAC(i)}})
		fatal(t, err)
		for range 2 { // asking what would happen counts nothing
			would, err := p.Stops(t.Context(), v)
			fatal(t, err)
			if (would != "") != (i > 0) {
				t.Fatalf("machine %d would stop the box: %q", i+1, would)
			}
		}
		if was, err := p.Stopped(t.Context()); err != nil || (was != "") != (i > 1) {
			t.Fatalf("before machine %d: %q, %v", i+1, was, err)
		}
		stopped, err := p.NoteWants(t.Context(), v, pcMAC(i))
		fatal(t, err)
		if (stopped != "") != (i > 0) {
			t.Fatalf("after %d machines: %q", i+1, stopped)
		}
	}
	if _, failed := r.take(p, pcMAC(0), "", "A1", false); failed == nil || failed.Code != api.CodeRefused || !strings.Contains(failed.Remedy, "box resume ward-7") {
		t.Fatalf("the machine with the grant: %v", failed)
	}
	next := *r.policy
	next.Orders = []policy.Order{{ID: "o1", Kind: policy.OrderResume, By: "ann", ExpiresAt: time.Now().Add(time.Hour)},
		{ID: "o0", Kind: policy.OrderResume, By: "ann", ExpiresAt: time.Now().Add(-time.Hour)}}
	r.policy = &next
	fatal(t, p.CarryOut(t.Context()))
	if _, failed := r.take(p, pcMAC(0), "", "A1", false); failed != nil {
		t.Fatalf("after the order to go on: %v", failed)
	}
	v, err := p.Decide(t.Context(), policy.Machine{MACs: []string{pcMAC(1)}})
	fatal(t, err)
	if stopped, err := p.NoteWants(t.Context(), v, pcMAC(1)); err != nil || stopped == "" {
		t.Fatalf("the next machine too many: %q, %v", stopped, err)
	}
	fatal(t, p.CarryOut(t.Context()))
	if stopped, err := p.Stopped(t.Context()); err != nil || stopped == "" {
		t.Errorf("an order was carried out twice: %q, %v", stopped, err)
	}
	log, err := r.store.AuditLog(t.Context(), 100)
	fatal(t, err)
	var words []string
	for _, a := range log {
		words = append(words, a.What)
	}
	if got := strings.Join(words, " "); got != "stopped grant-used resume stopped" {
		t.Errorf("audit log, the newest first: %s", got)
	}
}

// TestBoxStopsAfterManyWipes: what persons allow is counted by the hour.
func TestBoxStopsAfterManyWipes(t *testing.T) {
	r := newRig(t)
	r.wiping(0, 0, 0)
	two := 2
	r.policy.Box.WipesPerHour = &two
	clock := time.Now()
	p := r.direct(func() time.Time { return clock })
	for i := range 3 {
		job, failed := r.take(p, pcMAC(i), fmt.Sprintf("S%d", i), "A2", true)
		if (failed != nil) != (i == 2) {
			t.Fatalf("machine %d: %v", i, failed)
		}
		if failed == nil {
			fatal(t, r.store.Erase(t.Context(), job, "disk", status.FlightEvent{}, clock))
		}
	}
	clock = clock.Add(2 * time.Hour) // it stays stopped: time alone opens nothing
	if _, failed := r.take(p, pcMAC(3), "S3", "A2", true); failed == nil {
		t.Fatal("the box went on by itself")
	}
	fatal(t, r.store.Resume(t.Context(), "ann", clock))
	if _, failed := r.take(p, pcMAC(4), "S4", "A2", true); failed != nil {
		t.Fatalf("after resume: %v", failed)
	}
}

// TestGrantComesBack: a job that ended before its first write gives its grant
// and its PXE mark back; one that wrote, and one that two machines claimed, do
// not.
func TestGrantComesBack(t *testing.T) {
	for _, tt := range []struct {
		name  string
		write bool
		end   func(r *rig, job string) error
		back  bool
	}{
		{"failed before the first write", false, failJob, true},
		{"not heard of any more before the first write", false, func(r *rig, job string) error {
			return r.store.EndJob(r.t.Context(), job, store.JobAbandoned, "gone", time.Now())
		}, true},
		{"failed after the first write", true, failJob, false},
		{"claimed by two", false, func(r *rig, job string) error {
			return r.store.EndJob(r.t.Context(), job, store.JobHalted, "ALARM", time.Now())
		}, false},
		{"succeeded", true, func(r *rig, job string) error {
			_, err := r.store.Append(r.t.Context(), job, []status.Message{{Job: job, Number: 1, ID: status.SequenceCompleted}}, time.Now())
			return err
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.wiping(1, 1, 1)
			p := r.direct(time.Now)
			job, failed := r.take(p, pcMAC(0), "", "A1", false)
			if failed != nil {
				t.Fatal(failed)
			}
			if tt.write {
				j, err := r.store.Job(t.Context(), job)
				fatal(t, err)
				if failed := p.erase(t.Context(), j, api.Erase{Disk: "vda"}); failed != nil {
					t.Fatal(failed)
				}
			}
			fatal(t, tt.end(r, job))
			_, failed = r.take(p, pcMAC(0), "", "A1", false)
			if (failed == nil) != tt.back {
				t.Errorf("claimed again: %v", failed)
			}
			j, err := r.store.Job(t.Context(), job)
			fatal(t, err)
			if failed := p.erase(t.Context(), j, api.Erase{Disk: "vda"}); failed == nil {
				t.Error("a job that has ended may write")
			}
		})
	}
}

func failJob(r *rig, job string) error {
	_, err := r.store.Append(r.t.Context(), job, []status.Message{{Job: job, Number: 1, ID: status.SequenceFailed}}, time.Now())
	return err
}

// TestClearPXE: an order makes a computer forget its run.
func TestClearPXE(t *testing.T) {
	r := newRig(t)
	r.wiping(1, 1, 0)
	r.policy.Sequences[0].Destructive = false
	p := r.direct(time.Now)
	job, failed := r.take(p, pcMAC(0), "", "A1", false)
	if failed != nil {
		t.Fatal(failed)
	}
	fatal(t, failJob(r, job))
	if _, failed := r.take(p, pcMAC(0), "", "A1", false); failed == nil {
		t.Fatal("a mandatory assignment ran twice")
	}
	next := *r.policy
	next.Orders = []policy.Order{{ID: "o1", Kind: policy.OrderClearPXE, Computers: []string{"C0"}, By: "ann", ExpiresAt: time.Now().Add(time.Hour)}}
	r.policy = &next
	fatal(t, p.CarryOut(t.Context()))
	if _, failed := r.take(p, pcMAC(0), "", "A1", false); failed != nil {
		t.Errorf("after the mark was cleared: %v", failed)
	}
}

// TestNames: machines that were not imported are called by the template, and no
// two of them the same.
func TestNames(t *testing.T) {
	r := newRig(t)
	r.wiping(0, 0, 0)
	p := r.direct(time.Now)
	job, failed := r.take(p, pcMAC(0), "4711", "A2", true)
	if failed != nil {
		t.Fatal(failed)
	}
	if j, err := r.store.Job(t.Context(), job); err != nil || j.Name != "W12-4711" {
		t.Errorf("name %q, %v", j.Name, err)
	}
	for serial, want := range map[string]string{"4711": "belongs to", "": "no value", strings.Repeat("9", 20): "at most 15"} {
		if _, failed := r.take(p, pcMAC(1), serial, "A2", true); failed == nil || !strings.Contains(failed.Detail, want) {
			t.Errorf("serial %q: %v, want %q", serial, failed, want)
		}
	}
}
