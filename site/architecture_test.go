package site

import (
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/policy"
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
