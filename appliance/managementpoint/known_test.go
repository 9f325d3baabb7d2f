package managementpoint

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

// guest is a machine that nobody has imported.
func guest(mac, guid, serial string) api.Identity {
	return api.Identity{MACs: []string{mac}, SMBIOSGUID: guid, SerialNumber: serial,
		Inventory: &inventory.Machine{SerialNumber: serial, UUID: guid, Adapters: []inventory.NIC{{MAC: mac}}}}
}

// opens claims and returns the job, or the refusal.
func (r *rig) opens(p *Point, id api.Identity, c api.Claim) (store.Job, *api.Error) {
	r.t.Helper()
	_, c.CSR = r.key()
	c.Identity = id
	got, failed := p.claim(r.t.Context(), c, "10.7.0.20")
	if failed != nil {
		return store.Job{}, failed
	}
	j, err := r.store.Job(r.t.Context(), got.Job)
	fatal(r.t, err)
	return j, nil
}

// ends reports how a job ended.
func (r *rig) ends(p *Point, j store.Job, id status.MessageID) {
	r.t.Helper()
	j, err := r.store.Job(r.t.Context(), j.ID)
	fatal(r.t, err)
	if _, failed := p.status(r.t.Context(), j, api.StatusBatch{Messages: []status.Message{{Number: j.Next, ID: id, Time: time.Now()}}}); failed != nil {
		r.t.Fatal(failed)
	}
}

// discovered are the computers that the box told its site of, in order.
func (r *rig) discovered() []api.Discovered {
	r.t.Helper()
	events, err := r.store.Timeline(r.t.Context(), 10000)
	fatal(r.t, err)
	var all []api.Discovered
	for _, e := range events {
		if e.Discovered != nil {
			all = append(all, *e.Discovered)
		}
	}
	return all
}

// TestSwitchOfPolicy: the site comes to know a machine in the middle of its job,
// and after it. At no moment may the machine open a second job, or get a mandatory
// run again; what was counted of it is not counted twice.
func TestSwitchOfPolicy(t *testing.T) {
	const mac, guid = "52:54:00:77:00:01", "4c4c4544-0042-3510-8052-b4c04f4d0001"
	r := newRig(t)
	r.ward()
	r.policy.Advertisements = append(r.policy.Advertisements, osd.Advertisement{Meta: osd.Meta{ID: "A4", Name: "All"}, Collection: osd.AllSystems, Sequence: "S", Mandatory: []string{osd.AsSoonAsPossible}})
	r.policy.IssuedAt = time.Now()
	p := r.direct(time.Now)
	first, failed := r.opens(p, guest(mac, guid, "S1"), api.Claim{Advertisement: "A3", Person: true})
	if failed != nil {
		t.Fatal(failed)
	}
	if !osd.Local(first.Computer) || first.Machine != "computer:"+first.Computer {
		t.Errorf("the job is of %q, %q", first.Machine, first.Computer)
	}
	stale := p.Evaluator()
	switchTo := func(c osd.Computer) {
		s := *r.policy
		s.Computers = append(append([]osd.Computer(nil), r.policy.Computers[:2]...), c)
		r.policy = &s
	}
	site := osd.Computer{Meta: osd.Meta{ID: "CEN7", Name: "pc7"}, MACs: []string{mac}, Provisional: true}
	switchTo(site)
	v, err := p.Decide(t.Context(), policy.Machine{MACs: []string{mac}})
	fatal(t, err)
	if v.Open == nil || v.Open.ID != first.ID || len(v.Offers) != 0 || v.Machine != "computer:CEN7" || v.Open.Computer != "CEN7" {
		t.Errorf("in the middle of the job: machine %q, open %+v, offers %+v", v.Machine, v.Open, v.Offers)
	}
	// Who decided by the policy before, and comes late, finds the job as well.
	if jobs, err := r.store.JobsOf(t.Context(), machineKey(stale.Computer(first.Name), policy.Machine{}, &osd.SiteSettings{})); err != nil || len(jobs) != 1 {
		t.Errorf("by the key of before: %d jobs, %v", len(jobs), err)
	}
	late := store.Job{ID: "late", Machine: first.Machine, Computer: first.Computer, Key: "late", Document: api.Job{ID: "late"}, Opened: time.Now()}
	if err := r.store.OpenJob(t.Context(), late, ""); err == nil {
		t.Error("a second job was opened under the key of before")
	}
	r.ends(p, first, status.SequenceCompleted)
	told := r.discovered()
	if d := told[len(told)-1]; d.Computer == "CEN7" || d.Known == nil || d.Known.Provisional || !osd.Local(d.Computer) {
		t.Errorf("the site is told %+v", d)
	}
	v, err = p.Decide(t.Context(), policy.Machine{MACs: []string{mac}})
	fatal(t, err)
	if v.Computer == nil || v.Computer.Provisional || v.Mandatory() == nil || v.Mandatory().Advertisement.ID != "A4" {
		t.Fatalf("after its success: %+v", v.Decision)
	}
	run, failed := r.opens(p, guest(mac, guid, "S1"), api.Claim{Advertisement: "A4"})
	if failed != nil {
		t.Fatal(failed)
	}
	r.ends(p, run, status.SequenceCompleted)
	site.Provisional = false
	switchTo(site)
	for range 2 { // the second time the box has forgotten what it need not know
		v, err = p.Decide(t.Context(), policy.Machine{MACs: []string{mac}})
		fatal(t, err)
		if v.Mandatory() != nil {
			t.Errorf("a mandatory advertisement is offered twice: %+v", v.Offers)
		}
	}
	if kept, err := r.store.Computers(t.Context()); err != nil || len(kept) != 0 {
		t.Errorf("still remembered: %+v, %v", kept, err)
	}
	// The site merges the record into another: its history goes with it.
	switchTo(osd.Computer{Meta: osd.Meta{ID: "CEN9", Name: "pc9"}, MACs: []string{mac}, Former: []string{"CEN7"}})
	if v, err = p.Decide(t.Context(), policy.Machine{MACs: []string{mac}}); err != nil || v.Mandatory() != nil || v.Computer == nil {
		t.Errorf("after a merge at the site: %+v, %v", v.Decision, err)
	}
}

// TestJobsFromBeforeItWasKnown: boxes that were updated hold jobs of machines
// that were not known; they count.
func TestJobsFromBeforeItWasKnown(t *testing.T) {
	const mac, guid = "52:54:00:77:00:01", "4c4c4544-0042-3510-8052-b4c04f4d0001"
	r := newRig(t)
	r.ward()
	p := r.direct(time.Now)
	old := store.Job{ID: "old", Machine: "mac:" + mac, Name: "x", Key: "k", Identity: guest(mac, guid, "S1"), Document: api.Job{ID: "old", Advertisement: "A3"}, Opened: time.Now().Add(-time.Hour)}
	fatal(t, r.store.OpenJob(t.Context(), old, ""))
	if _, failed := r.opens(p, guest(mac, guid, "S1"), api.Claim{Advertisement: "A3", Person: true}); failed == nil || failed.Code != api.CodeConflict {
		t.Errorf("a second job beside one of before: %v", failed)
	}
	j, failed := r.opens(p, guest(mac, guid, "S1"), api.Claim{Advertisement: "A3", Person: true})
	if failed != nil {
		t.Fatal(failed)
	}
	if jobs, err := r.store.JobsOf(t.Context(), j.Machine); err != nil || len(jobs) != 2 || jobs[0].Computer != j.Computer {
		t.Errorf("jobs of the computer: %+v, %v", jobs, err)
	}
}

// TestTwoMachinesWithOneGUID: the second one is refused while the first has a
// job, and afterwards it is not taken for the first: nothing is offered to it.
func TestTwoMachinesWithOneGUID(t *testing.T) {
	const guid = "4c4c4544-0042-3510-8052-b4c04f4d0001"
	one, two := guest("52:54:00:77:00:01", guid, "S1"), guest("52:54:00:77:00:02", guid, "S2")
	r := newRig(t)
	r.ward()
	p := r.direct(time.Now)
	j, failed := r.opens(p, one, api.Claim{Advertisement: "A3", Person: true})
	if failed != nil {
		t.Fatal(failed)
	}
	refused := func(when string) {
		t.Helper()
		o, failed := p.offers(t.Context(), api.Ask{Identity: two})
		if failed == nil && (len(o.Offers) != 0 || !strings.Contains(strings.Join(o.Why, ";"), "contradict")) {
			t.Errorf("%s: offers %+v", when, o)
		}
		if _, failed := r.opens(p, two, api.Claim{Advertisement: "A3", Person: true}); failed == nil || strings.Contains(failed.Error(), "S1") {
			t.Errorf("%s: claim: %v", when, failed)
		}
	}
	if _, failed := p.offers(t.Context(), api.Ask{Identity: two}); failed == nil || failed.Code != api.CodeConflict {
		t.Errorf("offers while the first runs: %v", failed)
	}
	state := func() store.JobState {
		got, err := r.store.Job(t.Context(), j.ID)
		fatal(t, err)
		return got.State
	}
	if s := state(); s != store.JobOpen {
		t.Errorf("after a question of the second the first job is %s", s)
	}
	refused("while the first runs")
	if s := state(); s != store.JobHalted {
		t.Errorf("after a claim of the second the first job is %s", s)
	}
	if j, failed = r.opens(p, one, api.Claim{Advertisement: "A3", Person: true}); failed != nil {
		t.Fatal(failed)
	}
	r.ends(p, j, status.SequenceCompleted)
	refused("afterwards")
	alarms := 0
	events, err := r.store.Timeline(t.Context(), 1000)
	fatal(t, err)
	for _, e := range events {
		if e.Flight != nil && e.Flight.What == "alarm" && strings.Contains(e.Flight.Text, "two machines with one GUID") {
			alarms++
		}
	}
	if alarms == 0 {
		t.Errorf("%d alarms", alarms)
	}
	if kept, err := r.store.Computers(t.Context()); err != nil || len(kept) != 1 {
		t.Errorf("%d computers became known, %v", len(kept), err)
	}
	// When the site says that the GUID is of no use, they are two machines.
	s := *r.policy
	s.Settings.SharedGUIDs = []string{strings.ToUpper(guid)}
	r.policy = &s
	if other, failed := r.opens(p, two, api.Claim{Advertisement: "A3", Person: true}); failed != nil || other.Machine == j.Machine {
		t.Errorf("with a shared GUID: %+v, %v", other, failed)
	}
	if o, failed := p.offers(t.Context(), api.Ask{Identity: one}); failed != nil || strings.Contains(strings.Join(o.Why, ";"), "contradict") {
		t.Errorf("the first one: %+v, %v", o, failed)
	}
}

// TestTypedNames: what a person may say, and what not.
func TestTypedNames(t *testing.T) {
	r := newRig(t)
	r.ward()
	r.policy.Advertisements[2].AskComputerName = true
	r.policy.Advertisements = append(r.policy.Advertisements, osd.Advertisement{Meta: osd.Meta{ID: "A5", Name: "No names"}, Collection: osd.UnknownComputers, Sequence: "S"})
	p := r.direct(time.Now)
	mac := func(n int) api.Identity { return guest(fmt.Sprintf("52:54:00:77:00:%02x", n), "", "") }
	if _, failed := r.opens(p, mac(1), api.Claim{Advertisement: "A3", Person: true, Name: "Bed-1"}); failed != nil {
		t.Fatal(failed)
	}
	for _, tt := range []struct {
		name   string
		id     api.Identity
		c      api.Claim
		object string
		code   int
	}{
		{"of a computer, in capitals", mac(2), api.Claim{Advertisement: "A3", Name: "Secret-PC-name"}, api.FieldName, http.StatusUnprocessableEntity},
		{"of an open job", mac(2), api.Claim{Advertisement: "A3", Name: "bed-1"}, api.FieldName, http.StatusUnprocessableEntity},
		{"not asked for", mac(2), api.Claim{Advertisement: "A5", Name: "bed-2"}, api.FieldName, http.StatusUnprocessableEntity},
		{"characters", mac(2), api.Claim{Advertisement: "A3", Name: "bed\x1b2"}, api.FieldName, http.StatusUnprocessableEntity},
		{"of a known machine", api.Identity{MACs: []string{wardMAC}}, api.Claim{Advertisement: "A1", Name: "bed-2"}, api.FieldName, http.StatusUnprocessableEntity},
		{"replaces nobody", mac(2), api.Claim{Advertisement: "A3", Replaces: "C1"}, api.FieldReplaces, http.StatusUnprocessableEntity},
		{"a known machine replaces", api.Identity{MACs: []string{wardMAC}}, api.Claim{Advertisement: "A1", Replaces: "secret-pc-name-2"}, api.FieldReplaces, http.StatusUnprocessableEntity},
	} {
		tt.c.Person = true
		_, failed := r.opens(p, tt.id, tt.c)
		if failed == nil || failed.Object != tt.object || failed.Status != tt.code || failed.Remedy == "" || strings.Contains(failed.Detail, "\x1b") {
			t.Errorf("%s: %v", tt.name, failed)
		}
	}
	// Without a name, where the template gives none, he is asked for one.
	r.policy.Advertisements[2].ComputerName = "W12-%_SMSTSSerialNumber%"
	if _, failed := r.opens(p, mac(4), api.Claim{Advertisement: "A3", Person: true}); failed == nil || failed.Object != api.FieldName {
		t.Errorf("no name: %v", failed)
	}
	// A name that was typed wrong is corrected by the next job, while none succeeded.
	j, failed := r.opens(p, mac(2), api.Claim{Advertisement: "A3", Person: true, Name: "bde-2", Replaces: "SECRET-pc-name"})
	if failed != nil {
		t.Fatal(failed)
	}
	r.ends(p, j, status.SequenceFailed)
	if again, failed := r.opens(p, mac(2), api.Claim{Advertisement: "A3", Person: true, Name: "bed-2"}); failed != nil || again.Name != "bed-2" || again.Computer != j.Computer {
		t.Fatalf("named anew: %+v, %v", again, failed)
	} else {
		r.ends(p, again, status.SequenceFailed)
	}
	told := r.discovered()
	if d := told[len(told)-1]; d.Known == nil || d.Known.Name != "bed-2" || d.Known.Was != "bde-2" {
		t.Errorf("the site is told %+v", d.Known)
	}
	if third, failed := r.opens(p, mac(2), api.Claim{Advertisement: "A3", Person: true}); failed != nil || third.Name != "bed-2" {
		t.Errorf("without a name: %+v, %v", third, failed)
	}
	if o, failed := p.offers(t.Context(), api.Ask{Identity: mac(3)}); failed != nil || !o.AskReplaces || !o.Offers[0].AskName || o.Offers[1].AskName {
		t.Errorf("offers: %+v, %v", o, failed)
	}
	if o, failed := p.offers(t.Context(), api.Ask{Identity: api.Identity{MACs: []string{wardMAC}}}); failed != nil || o.AskReplaces || o.Offers[0].AskName {
		t.Errorf("offers of a known machine: %+v, %v", o, failed)
	}
}
