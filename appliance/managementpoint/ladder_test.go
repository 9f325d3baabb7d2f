package managementpoint

import (
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

// TestLadder: what a machine was trusted with once is trusted once. One that became
// known by an approved job is asked again for the next, until a job has succeeded;
// for secrets each time, whoever it is, wherever it asks from, and whatever ID the
// site gave it meanwhile.
func TestLadder(t *testing.T) {
	r := newRig(t)
	p, _ := r.strangers()
	plain := osd.Advertisement{Meta: osd.Meta{ID: "A5", Name: "Plain"}, Collection: osd.AllSystems, Sequence: "Plain", Rerun: osd.RerunAlways, AvailableTo: []string{osd.ToBootMediaAndPXE, osd.ToRunningClients}}
	secret := plain
	secret.ID, secret.Name, secret.Sequence = "A6", "Join", "Join"
	r.policy.Advertisements = append(r.policy.Advertisements, plain, secret)
	r.policy.Sequences = append(r.policy.Sequences, policy.Sequence{ID: "S5", Name: "Plain", Digest: "e", BootImage: "B1"},
		policy.Sequence{ID: "S6", Name: "Join", Digest: "f", BootImage: "B1", Secrets: []string{"join"}})
	r.policy.Sealed = []policy.Sealed{{Kind: policy.SealedSecret, Object: "CEN1", Name: "join", Revision: 1}}
	id := guest(strangerMAC, "", "S1")
	claims := func(advertisement, where string, asked bool) (j store.Job) {
		t.Helper()
		m := r.waiter(p, advertisement, id)
		m.where = where
		if asked {
			if _, failed := p.DecideCode(t.Context(), m.waits(), store.Approve, "ann"); failed != nil {
				t.Fatal(failed)
			}
		}
		c, failed := m.claim()
		if failed != nil || c.Job == "" {
			t.Fatalf("%s: %+v, %v", advertisement, c, failed)
		}
		j, err := r.store.Job(t.Context(), c.Job)
		fatal(t, err)
		if (p.trusted(j) == nil) != asked {
			t.Errorf("%s: secrets go to the job: %v", advertisement, p.trusted(j) == nil)
		}
		return j
	}
	r.ends(p, claims("A2", "", true), status.SequenceFailed)
	r.ends(p, claims("A5", "", true), status.SequenceCompleted) // provisional until now
	r.ends(p, claims("A5", "", false), status.SequenceCompleted)
	r.ends(p, claims("A6", "", true), status.SequenceFailed)
	r.ends(p, claims("A6", osd.ToRunningClients, true), status.SequenceFailed)
	r.change(func(s *policy.Snapshot) {
		s.Computers = append(s.Computers, osd.Computer{Meta: osd.Meta{ID: "C9", Name: "guest"}, MACs: []string{strangerMAC}})
	})
	j := claims("A6", "", true)
	if j.Computer != "C9" {
		t.Errorf("the job is of %s", j.Computer)
	}
	r.waiter(p, "A6", api.Identity{MACs: []string{strangerMAC}}).refused(api.CodeConflict, "second machine")
}
