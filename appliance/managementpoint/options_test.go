package managementpoint

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// incomplete is a box whose only package is not whole.
func incomplete(r *rig) *Point {
	r.ward()
	r.policy.Settings.Organisation = "St. Elsewhere"
	r.policy.Packages = []osd.Package{{Meta: osd.Meta{ID: "P1", Name: "Tools"}, Content: osd.Content{Manifest: "tools"}}}
	r.policy.BootImages = []osd.BootImage{{Meta: osd.Meta{ID: "B1", Name: "Boot"}, Content: osd.Content{Manifest: "boot"}}}
	for i := range r.policy.Sequences {
		r.policy.Sequences[i].Content, r.policy.Sequences[i].BootImage = []string{"P1"}, "B1"
	}
	p := r.direct(time.Now)
	p.Complete = func(m string) bool { return m == "boot" }
	return p
}

// TestRemoteDistributionPoint: what is not whole here is offered only where the
// advertisement says so, while the line is up, and never without the boot image.
func TestRemoteDistributionPoint(t *testing.T) {
	r := newRig(t)
	p := incomplete(r)
	for _, tt := range []struct {
		name               string
		remote, line, boot bool
		want               string // among the refusals; empty: it is offered
	}{
		{"not allowed", false, true, true, "package Tools is not complete at this box yet"},
		{"allowed, line up", true, true, true, ""},
		{"allowed, line down", true, false, true, "the line to the site is down"},
		{"allowed, without the boot image", true, true, false, "boot image Boot is not complete"},
	} {
		r.policy.Advertisements[0].RemoteDistributionPoint = tt.remote
		p.LineUp = func() bool { return tt.line }
		p.Complete = func(m string) bool { return m == "boot" && tt.boot }
		v, err := p.Decide(t.Context(), policy.Machine{MACs: []string{wardMAC}})
		fatal(t, err)
		offered := false
		for _, o := range v.Offers {
			offered = offered || o.Advertisement.ID == "A1"
		}
		if offered != (tt.want == "") || !strings.Contains(strings.ToLower(full(v)), strings.ToLower(tt.want)) {
			t.Errorf("%s: offered %v, %s", tt.name, offered, full(v))
		}
	}
}

// TestJobOptions: what the advertisement chooses stands in the job, pinned.
func TestJobOptions(t *testing.T) {
	r := newRig(t)
	p := incomplete(r)
	p.Complete = func(string) bool { return true }
	hidden := false
	a := &r.policy.Advertisements[0]
	r.policy.BootImages[0].CommandSupport = true
	a.Content, a.RemoteDistributionPoint, a.ShowProgress, a.Text = osd.ContentDownload, true, &hidden, "Take your coffee off the machine."
	id := api.Identity{MACs: []string{wardMAC}}
	o, failed := p.offers(t.Context(), api.Ask{Identity: id})
	if failed != nil || len(o.Offers) == 0 || o.Offers[0].Text != a.Text || o.Organisation != "St. Elsewhere" {
		t.Fatalf("%+v, %v", o, failed)
	}
	_, csr := r.key()
	c, failed := p.claim(t.Context(), api.Claim{Identity: id, Advertisement: "A1", Person: true, CSR: csr}, "10.7.0.20")
	if failed != nil {
		t.Fatal(failed)
	}
	j, err := r.store.Job(t.Context(), c.Job)
	fatal(t, err)
	d := j.Document
	if !d.Download || !d.HideProgress || !d.CommandSupport || d.Organisation != "St. Elsewhere" || len(d.Content) != 1 || !d.Content[0].Remote {
		t.Errorf("%+v", d)
	}
}

// TestWakeOrder: an order to wake is carried out once, and not after its end.
func TestWakeOrder(t *testing.T) {
	r := newRig(t)
	r.ward()
	p := r.direct(time.Now)
	var woken []string
	p.Wake = func(_ context.Context, computers []string) { woken = append(woken, computers...) }
	r.policy.Orders = []policy.Order{
		{ID: "o1", Kind: policy.OrderWake, Computers: []string{"C1", "C2"}, By: "ann", ExpiresAt: time.Now().Add(time.Minute)},
		{ID: "o2", Kind: policy.OrderWake, Computers: []string{"C3"}, By: "ann", ExpiresAt: time.Now().Add(-time.Minute)},
	}
	for range 2 {
		fatal(t, p.CarryOut(t.Context()))
	}
	if !slices.Equal(woken, []string{"C1", "C2"}) {
		t.Errorf("%q", woken)
	}
	log, err := r.store.AuditLog(t.Context(), 10)
	fatal(t, err)
	if len(log) != 1 || log[0].Who != "ann" || log[0].What != "wake" {
		t.Errorf("audit: %+v", log)
	}
}
