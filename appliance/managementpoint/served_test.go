package managementpoint

import (
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

// TestServed: a boot image without an agent is offered once, to firmware and never
// to an agent; being handed out leaves a mark that clears, no job that runs, and no
// message to the site.
func TestServed(t *testing.T) {
	r := newRig(t)
	r.ward()
	r.policy.BootImages = append(r.policy.BootImages, osd.BootImage{Meta: osd.Meta{ID: "B2", Name: "Own"}, Agent: osd.AgentNone, Content: osd.Content{Manifest: "own"}})
	r.policy.Sequences = append(r.policy.Sequences, policy.Sequence{ID: "S2", Name: "Own", Digest: "e", BootImage: "B2"})
	r.policy.Advertisements = []osd.Advertisement{
		{Meta: osd.Meta{ID: "A9", Name: "Own"}, Collection: "Ward", Sequence: "Own"},
		{Meta: osd.Meta{ID: "A8", Name: "Own of guests"}, Collection: osd.UnknownComputers, Sequence: "Own"},
	}
	p := r.direct(time.Now)
	known, stranger := policy.Machine{MACs: []string{wardMAC}, SMBIOSGUID: wardGUID}, policy.Machine{MACs: []string{strangerMAC}}
	offered := func(m policy.Machine) bool {
		t.Helper()
		v, err := p.Decide(t.Context(), m)
		fatal(t, err)
		return len(v.Offers) == 1 && v.Offers[0].Agentless && v.Mandatory() == nil
	}
	if !offered(known) {
		t.Fatal("it is not offered to firmware")
	}
	id := api.Identity{MACs: known.MACs, SMBIOSGUID: wardGUID}
	if o, failed := p.offers(t.Context(), api.Ask{Identity: id}); failed != nil || len(o.Offers) != 0 {
		t.Errorf("offered to an agent: %+v, %v", o, failed)
	}
	if _, code, text := r.claim(id, "A9"); code == 200 {
		t.Errorf("claimed by an agent: %s", text)
	}
	fatal(t, p.Served(t.Context(), known, "B1"))
	if !offered(known) {
		t.Error("another boot image was handed out, and it counts")
	}
	for range 2 {
		fatal(t, p.Served(t.Context(), known, "B2"))
	}
	if offered(known) || !offered(stranger) {
		t.Errorf("after it was handed out: known %v, stranger %v", offered(known), offered(stranger))
	}
	if open, err := r.store.OpenJobs(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("running jobs %v, %v", open, err)
	}
	fatal(t, r.store.ClearRuns(t.Context(), "bob", []string{"C1"}, time.Now()))
	if !offered(known) {
		t.Error("it is not offered after the mark was cleared")
	}
	fatal(t, p.Served(t.Context(), stranger, "B2"))
	if offered(stranger) {
		t.Error("it is offered to a stranger again")
	}
	messages, err := r.store.Unsent(t.Context(), 100)
	fatal(t, err)
	served := 0
	for _, m := range messages {
		if m.Status != nil {
			t.Errorf("the site is told of a job: %+v", m.Status)
		}
		if m.Flight != nil && m.Flight.What == status.FlightServed {
			served++
		}
	}
	if served != 2 {
		t.Errorf("%d machines were recorded as served, want 2", served)
	}
}
