package managementpoint

import (
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

const dock = "00:50:b6:00:00:01"

// TestDocksIdentifyNobody: two machines that use one dock, one after the other,
// are two machines to the box.
func TestDocksIdentifyNobody(t *testing.T) {
	r := newRig(t)
	r.ward()
	r.policy.Settings.SharedMACs = []string{"00:50:b6"}
	p := r.direct(time.Now)
	claim := func(macs ...string) store.Job {
		t.Helper()
		_, csr := r.key()
		c, failed := p.claim(t.Context(), api.Claim{Identity: api.Identity{MACs: macs}, Advertisement: "A3", Person: true, CSR: csr}, "10.7.0.20")
		if failed != nil {
			t.Fatalf("claim of %v: %v", macs, failed)
		}
		j, err := r.store.Job(t.Context(), c.Job)
		fatal(t, err)
		return j
	}
	one, two := claim(dock, "52:54:00:77:00:01"), claim(dock, "52:54:00:77:00:02")
	if one.Machine == two.Machine || one.Name == two.Name {
		t.Errorf("machines %q and %q, names %q and %q", one.Machine, two.Machine, one.Name, two.Name)
	}
	if j, err := r.store.Job(t.Context(), one.ID); err != nil || j.State != store.JobOpen {
		t.Errorf("the first job is %s, %v", j.State, err)
	}
	// With nothing but the dock nobody can tell who it is.
	v, err := p.Decide(t.Context(), policy.Machine{MACs: []string{dock}})
	fatal(t, err)
	if len(v.Offers) != 0 || len(v.Why) == 0 {
		t.Errorf("a machine that shows a dock alone: %+v", v.Decision)
	}
}

// TestOffersStopNothing: a question costs nothing, so it stops no job; a claim
// does.
func TestOffersStopNothing(t *testing.T) {
	r := newRig(t)
	r.ward()
	p := r.direct(time.Now)
	first := api.Identity{MACs: []string{wardMAC}, SMBIOSGUID: wardGUID, SerialNumber: "one"}
	twin := api.Identity{MACs: []string{wardMAC}, SMBIOSGUID: wardGUID, SerialNumber: "two"}
	_, csr := r.key()
	c, failed := p.claim(t.Context(), api.Claim{Identity: first, Advertisement: "A1", Person: true, CSR: csr}, "10.7.0.20")
	if failed != nil {
		t.Fatal(failed)
	}
	state := func() store.JobState {
		j, err := r.store.Job(t.Context(), c.Job)
		fatal(t, err)
		return j.State
	}
	if _, failed := p.offers(t.Context(), api.Ask{Identity: twin}); failed == nil || failed.Code != api.CodeConflict {
		t.Errorf("offers of a twin: %v", failed)
	}
	if s := state(); s != store.JobOpen {
		t.Errorf("after a question of a twin the job is %s", s)
	}
	events, err := r.store.Timeline(t.Context(), 100)
	fatal(t, err)
	alarms := 0
	for _, e := range events {
		if e.Flight != nil && e.Flight.What == "alarm" {
			alarms++
		}
	}
	if alarms != 1 {
		t.Errorf("%d alarms, want 1", alarms)
	}
	_, csr = r.key()
	if _, failed := p.claim(t.Context(), api.Claim{Identity: twin, Advertisement: "A1", Person: true, CSR: csr}, "10.7.0.21"); failed == nil || failed.Code != api.CodeConflict {
		t.Errorf("claim of a twin: %v", failed)
	}
	if s := state(); s != store.JobHalted {
		t.Errorf("after a claim of a twin the job is %s", s)
	}
}

// TestNamesDifferInMoreThanCase: Windows and DNS take PC-1 and pc-1 for one name.
func TestNamesDifferInMoreThanCase(t *testing.T) {
	r := newRig(t)
	r.ward()
	r.policy.Settings.ComputerName = "W-%_SMSTSSerialNumber%"
	p := r.direct(time.Now)
	claim := func(mac, serial string) *api.Error {
		_, csr := r.key()
		_, failed := p.claim(t.Context(), api.Claim{Identity: api.Identity{MACs: []string{mac}, SerialNumber: serial}, Advertisement: "A3", Person: true, CSR: csr}, "10.7.0.20")
		return failed
	}
	if failed := claim("52:54:00:77:00:01", "abc"); failed != nil {
		t.Fatal(failed)
	}
	if failed := claim("52:54:00:77:00:02", "ABC"); failed == nil || failed.Code != api.CodeRefused {
		t.Errorf("a name that is taken, in capitals: %v", failed)
	}
	if failed := claim("52:54:00:77:00:03", ""); failed == nil || failed.Code != api.CodeRefused || failed.Remedy == "" {
		t.Errorf("a machine without a value for its name: %v", failed)
	}
	if failed := claim("52:54:00:77:00:04", "0123456789abcdef"); failed == nil || failed.Code != api.CodeRefused {
		t.Errorf("a name that is too long: %v", failed)
	}
}

func TestMachineKey(t *testing.T) {
	settings := &osd.SiteSettings{SharedMACs: []string{"00:50:b6"}}
	for _, tt := range []struct {
		name string
		c    *osd.Computer
		m    policy.Machine
		want string
	}{
		{"known", &osd.Computer{Meta: osd.Meta{ID: "C1"}}, policy.Machine{MACs: []string{dock}}, "computer:C1"},
		{"GUID", nil, policy.Machine{MACs: []string{wardMAC}, SMBIOSGUID: wardGUID}, "guid:" + wardGUID},
		{"lowest MAC", nil, policy.Machine{MACs: []string{"52-54-00-00-00-02", wardMAC}}, "mac:" + wardMAC},
		{"not the dock's", nil, policy.Machine{MACs: []string{dock, wardMAC}}, "mac:" + wardMAC},
		{"a dock alone", nil, policy.Machine{MACs: []string{dock}}, ""},
		{"nothing", nil, policy.Machine{}, ""},
	} {
		if got := machineKey(tt.c, tt.m, settings); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
