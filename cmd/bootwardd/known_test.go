package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/status"
)

// strangers are what a ward needs whose machines nobody has imported.
const strangers = `kind: Box
name: ward7-box
pxe: {unknownComputers: true}
---
kind: TaskSequence
name: Look
bootImage: linux-x64
steps:
  - runCommandLine: {command: "true"}
---
kind: Advertisement
name: Guests
collection: Unknown Computers
sequence: Look
computerName: W12-%_SMSTSSerialNumber%
askComputerName: true
approval: none
---
kind: Advertisement
name: Inventory
collection: All Systems
sequence: Look
mandatory: [asSoonAsPossible]
approval: none
`

// stranger is a machine that nobody has imported.
func (r *rig) stranger(mac, guid, serial string) *target {
	m := r.target(mac, guid)
	m.id.SerialNumber = serial
	m.id.Inventory = &inventory.Machine{SerialNumber: serial, UUID: guid, Adapters: []inventory.NIC{{Name: "eth0", MAC: mac}}}
	return m
}

// again is the same machine with another key, as after a restart.
func (m *target) again() *target {
	n := m.r.target("", "")
	n.id = m.id
	return n
}

// want claims with what a person said, and fails the test unless it gets a job.
func (m *target) want(c api.Claim) api.Job {
	m.r.t.Helper()
	_, code, text := m.try(c)
	if code != http.StatusOK {
		m.r.t.Fatalf("claim: %d %s", code, text)
	}
	var job api.Job
	if code, text := m.call(api.RouteJob, nil, &job); code != http.StatusOK {
		m.r.t.Fatalf("job: %d %s", code, text)
	}
	return job
}

// offers are the advertisements that a machine is offered, by name.
func (m *target) offers() (api.Offers, map[string]api.Offer) {
	m.r.t.Helper()
	var o api.Offers
	if code, text := m.call(api.RouteOffers, m.id, &o); code != http.StatusOK {
		m.r.t.Fatalf("offers: %d %s", code, text)
	}
	by := map[string]api.Offer{}
	for _, one := range o.Offers {
		by[one.Name] = one
	}
	return o, by
}

// computers are those of the site that have a MAC.
func (r *rig) computers(mac string) []osd.Computer {
	r.t.Helper()
	l, err := r.site.List(r.t.Context(), "ann", osd.KindComputer)
	if err != nil {
		r.t.Fatal(err)
	}
	var found []osd.Computer
	for _, raw := range l.Objects {
		var c osd.Computer
		if err := json.Unmarshal(raw, &c); err != nil {
			r.t.Fatal(err)
		}
		if slices.Contains(c.MACs, mac) {
			found = append(found, c)
		}
	}
	return found
}

func (r *rig) apply(yaml string) {
	r.t.Helper()
	if _, err := r.site.Apply(r.t.Context(), "ann", api.Apply{AcceptMissing: true, Documents: []api.Document{{File: "more.yaml", YAML: yaml}}}); err != nil {
		r.t.Fatal(err)
	}
}

// audited waits until the site's audit log says something.
func (r *rig) audited(what string) {
	r.t.Helper()
	r.eventually("audit log: "+what, func() error {
		log, err := r.site.AuditLog(r.t.Context(), 0)
		if err != nil {
			return err
		}
		for _, e := range log {
			if strings.Contains(e.Who+" "+e.What+" "+e.Object+" "+e.Text, what) {
				return nil
			}
		}
		return fmt.Errorf("nothing in %d entries", len(log))
	})
}

// TestBecomesKnown: a machine that nobody imported is deployed while the line is
// cut; from then on it is a known computer at its box, and at the site when the
// line is back. What the box remembers of it goes over to the site's ID in the
// middle of a job, and a mandatory advertisement runs once.
func TestBecomesKnown(t *testing.T) {
	const mac, uuid = "52:54:00:77:0a:01", "4c4c4544-0042-3510-8052-b4c04f4d0a01"
	r := newRig(t)
	r.apply(strangers + `---
kind: Collection
name: Serials
queries: [{name: one, query: "SELECT * FROM SMS_G_System_PC_BIOS WHERE SerialNumber = 'S1'"}]
---
kind: Advertisement
name: By serial number
collection: Serials
sequence: Look
approval: none
`)
	r.startBox()
	r.ready()
	m := r.stranger(mac, uuid, "S1")
	r.eventually("policy with unknown computers", func() error {
		if _, by := m.offers(); len(by) != 1 {
			return fmt.Errorf("offers %v", by)
		}
		return nil
	})
	r.line.cut()
	o, by := m.offers()
	if g := by["Guests"]; !o.AskReplaces || !g.AskName || g.SuggestedName != "W12-S1" || len(by) != 1 {
		t.Fatalf("offers: %+v", o)
	}
	job := m.want(api.Claim{Advertisement: by["Guests"].Advertisement, Person: true, Name: "W12-bed1", Replaces: "Ward7-PC1"})
	if job.Computer != "W12-bed1" {
		t.Errorf("the job's computer is %q", job.Computer)
	}
	send(t, m, job, 1, status.SequenceStarted, 2)
	send(t, m, job, 2, status.SequenceCompleted, 3)

	r.stopBox()
	r.startBox() // what it learned survives
	r.ready()
	m = m.again()
	r.eventually("known at the box", func() error {
		if _, by := m.offers(); len(by) != 2 || !by["Inventory"].Mandatory {
			return fmt.Errorf("offers %+v", by)
		}
		return nil
	})
	// As at PXE it says nothing of its hardware: the box knows what it said before.
	bare := r.target(mac, "")
	if _, by := bare.offers(); len(by) != 2 || by["By serial number"].Name == "" {
		t.Errorf("offers of a machine that says its MAC alone: %+v", by)
	}
	_, by = m.offers()
	job = m.want(api.Claim{Advertisement: by["Inventory"].Advertisement})
	if job.Computer != "W12-bed1" {
		t.Errorf("the second job's computer is %q", job.Computer)
	}
	send(t, m, job, 1, status.SequenceStarted, 2)

	r.line.mend()
	r.audited("it is computer CEN")
	found := r.computers(mac)
	if len(found) != 1 || found[0].Name != "W12-bed1" || found[0].SMBIOSGUID != uuid || found[0].Box != "ward7-box" || found[0].Provisional || osd.Local(found[0].ID) {
		t.Fatalf("computers of the site: %+v", found)
	}
	raw, err := r.site.Get(t.Context(), "ann", osd.KindAssociation, "ward7-pc1 to W12-bed1")
	if err != nil || !strings.Contains(string(raw), `"source":"ward7-pc1"`) {
		t.Errorf("association: %s, %v", raw, err)
	}
	if o, by := m.again().offers(); len(by) != 0 || !strings.Contains(strings.Join(o.Why, ";"), "still running") {
		t.Errorf("in the middle of a job: %+v", o)
	}
	send(t, m, job, 2, status.SequenceCompleted, 3)
	if o, by := m.again().offers(); len(by) != 1 || by["By serial number"].Name == "" {
		t.Errorf("a mandatory advertisement runs once: %+v", o)
	}
}

// TestBecomesKnownOnTheLine: with the line up the site hears at once, and that
// the machine is provisional ends with its job.
func TestBecomesKnownOnTheLine(t *testing.T) {
	const mac = "52:54:00:77:0a:02"
	r := newRig(t)
	r.apply(strangers)
	r.startBox()
	r.ready()
	m := r.stranger(mac, "", "S2")
	r.eventually("policy with unknown computers", func() error {
		if _, by := m.offers(); len(by) != 1 {
			return fmt.Errorf("offers %v", by)
		}
		return nil
	})
	_, by := m.offers()
	guests := by["Guests"].Advertisement
	for what, c := range map[string]api.Claim{
		"belongs to another computer": {Name: "WARD7-pc1"}, "letters, digits": {Name: "a_b"}, "at most 15": {Name: "abcdefghijklmnop"},
		"is a number": {Name: "17"}, `knows no computer \"nobody\"`: {Replaces: "nobody"},
	} {
		c.Advertisement, c.Person = guests, true
		if _, code, text := m.try(c); code != http.StatusUnprocessableEntity || !strings.Contains(text, what) {
			t.Errorf("claim %+v: %d %s", c, code, text)
		}
	}
	job := m.want(api.Claim{Advertisement: guests, Person: true})
	if job.Computer != "W12-S2" {
		t.Errorf("the job's computer is %q", job.Computer)
	}
	r.audited("it is computer CEN")
	if found := r.computers(mac); len(found) != 1 || !found[0].Provisional {
		t.Fatalf("computers of the site: %+v", found)
	}
	send(t, m, job, 1, status.SequenceCompleted, 2)
	if _, by := m.again().offers(); !by["Inventory"].Mandatory || len(by) != 1 {
		t.Errorf("after its success: %+v", by) // at once, whatever policy says
	}
	r.eventually("provisional no longer", func() error {
		if found := r.computers(mac); len(found) != 1 || found[0].Provisional {
			return fmt.Errorf("computers of the site: %+v", found)
		}
		return nil
	})
}
