package site

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

// TestArchitectures: a boot image that a machine cannot start is refused where the
// site knows the machine, and noted where a person chooses.
func TestArchitectures(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	token := must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token
	box, _ := r.enrol(token, "state-1")
	s, _ := box.policy(t, "")
	pc := policy.New(s, policy.Local{}).Computer("ward7-pc2")
	if pc == nil {
		t.Fatal("ward7-pc2 is not in the snapshot")
	}
	r.apply("kind: Collection\nname: Ward 7\nmembers: [ward7-pc1]\n")
	record := inventory.Record{Machine: inventory.Machine{Architecture: osd.ArchARM64}, Time: r.clock.now()}
	must[api.EventAck](t, box, "POST", "/v1/box/events", api.EventBatch{StateID: "state-1", Events: []api.BoxEvent{{Number: 1, Discovered: &api.Discovered{Computer: pc.ID, Inventory: record}}}})

	e := r.refuse("kind: Collection\nname: Arms\nmembers: [ward7-pc2]\n---\nkind: Advertisement\nname: Arm\ncollection: Arms\nsequence: Debian\nmandatory: [asSoonAsPossible]\nconfirmedMachines: 1\n")
	for _, want := range []string{`sends 1 machines into BootImage "linux-x64", which is for x64: Computer "ward7-pc2" is arm64`, "boot image for arm64"} {
		if text := e.Detail + e.Remedy; !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	a := r.apply("kind: Collection\nname: Arms\nmembers: [ward7-pc2]\n---\nkind: Advertisement\nname: Arm\ncollection: Arms\nsequence: Debian\n")
	if n := notes(find(a, osd.KindAdvertisement, "Arm")); !strings.Contains(n, "offers nothing to 1 machines") {
		t.Errorf("notes: %s", n)
	}
	if e := r.refuse("kind: Collection\nname: Ward 7\nmembers: [ward7-pc1, ward7-pc2]\n"); !strings.Contains(e.Detail, `Advertisement "Install" sends 1 machines`) {
		t.Errorf("a machine that joins the collection: %+v", e)
	}
	if n := notes(find(r.apply("kind: Advertisement\nname: Arm\ncollection: Arms\nsequence: Debian\n"), osd.KindAdvertisement, "Arm")); strings.Contains(n, "offers nothing") {
		t.Errorf("nothing changed, and it notes %s", n)
	}
}

// TestInventoryThatContradicts: a machine of which the site learns later that it cannot
// start what is advertised to it is named once, with the remedy, and for as long as it
// holds wherever advertisements are listed.
func TestInventoryThatContradicts(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward + `---
kind: TaskSequence
name: Look
bootImage: linux-x64
steps:
  - runCommandLine: {command: id}
---
kind: Advertisement
name: Choice
collection: Ward 7
sequence: Look
---
kind: Advertisement
name: Over
collection: Ward 7
sequence: Look
expires: 2001-01-01T00:00:00Z
`)
	box, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token, "state-1")
	s, _ := box.policy(t, "")
	number := uint64(0)
	learns := func(computer, architecture string) {
		t.Helper()
		number++
		record := inventory.Record{Machine: inventory.Machine{Architecture: architecture}, Time: r.clock.now()}
		must[api.EventAck](t, box, "POST", "/v1/box/events", api.EventBatch{StateID: "state-1", Events: []api.BoxEvent{{Number: number,
			Discovered: &api.Discovered{Computer: policy.New(s, policy.Local{}).Computer(computer).ID, Inventory: record}}}})
	}
	warned := func(mac string) (alarms []string) {
		t.Helper()
		for _, e := range must[[]status.FlightEvent](t, r.person(), "GET", "/v1/flight?client="+mac, nil) {
			if e.What == "alarm" {
				alarms = append(alarms, e.Text)
			}
		}
		slices.Sort(alarms)
		return alarms
	}
	marked := func(p *peer) map[string][]string {
		t.Helper()
		return must[api.ObjectList](t, p, "GET", "/v1/objects/Advertisement", nil).Warnings
	}
	learns("ward7-pc1", osd.ArchX64)
	learns("ward7-pc2", "")
	if a := append(warned("52:54:00:77:00:11"), warned("52:54:00:77:00:12")...); len(a) > 0 || len(marked(r.person())) > 0 {
		t.Errorf("alarms without a reason: %q, %v", a, marked(r.person()))
	}
	learns("ward7-pc2", osd.ArchARM64)
	learns("ward7-pc2", osd.ArchARM64) // each deployment says it again
	const remedy = ": give them a collection and a task sequence of their own, with a boot image for arm64"
	want := []string{`Advertisement "Choice" offers nothing to 1 machines: BootImage "linux-x64" is for x64, and Computer "ward7-pc2" is arm64` + remedy,
		`Advertisement "Install" sends 1 machines into BootImage "linux-x64", which is for x64: Computer "ward7-pc2" is arm64` + remedy}
	if got := warned("52:54:00:77:00:12"); !slices.Equal(got, []string{"ALARM: " + want[0], "ALARM: " + want[1]}) {
		t.Errorf("alarms: %q", got)
	}
	audited := []string{}
	for _, e := range must[[]api.AuditEntry](t, r.person(), "GET", "/v1/audit", nil) {
		if e.What == auditMisfit && e.Object == `Computer "ward7-pc2"` {
			audited = append(audited, e.Text)
		}
	}
	if slices.Sort(audited); !slices.Equal(audited, want) {
		t.Errorf("audit log: %q", audited)
	}
	if got := marked(r.person()); len(got) != 2 || !slices.Equal(got["Choice"], want[:1]) || !slices.Equal(got["Install"], want[1:]) {
		t.Errorf("marked: %q", got)
	}
	some := r.add("sam", "rights: [{allow: [see], kind: Advertisement}]\n")
	if got := marked(some); len(got) != 2 || strings.Contains(fmt.Sprint(got), "ward7-pc2") {
		t.Errorf("marked for one who may not see computers: %q", got)
	}
	r.apply("kind: Collection\nname: Ward 7\nmembers: [ward7-pc1]\n---\nkind: Advertisement\nname: Install\ncollection: Ward 7\nsequence: Debian\nmandatory: [asSoonAsPossible]\nconfirmedMachines: 1\n")
	if got := marked(r.person()); len(got) > 0 {
		t.Errorf("marked after the mend: %q", got)
	}
}
