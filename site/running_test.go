package site

import (
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
)

// TestRunningClients: what erases is not advertised to running clients alone, and
// an advertisement that no machine asks for says so.
func TestRunningClients(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward + "---\nkind: TaskSequence\nname: Look\nbootImage: linux-x64\nsteps:\n  - runCommandLine: {command: id}\n")
	advert := func(sequence, to string) string {
		return "kind: Advertisement\nname: New\ncollection: Ward 7\nsequence: " + sequence + "\navailableTo: [" + to + "]\n"
	}
	e := r.refuse(advert("Debian", "runningClients"))
	if e.Code != api.CodeInvalid || !strings.Contains(e.Object+e.Detail, "running clients erase nothing") || !strings.Contains(e.Remedy+e.Detail, "bootMediaAndPXE") {
		t.Errorf("%+v", e)
	}
	if n := notes(find(r.apply(advert("Debian", "runningClients, bootMediaAndPXE")), osd.KindAdvertisement, "New")); !strings.Contains(n, "running clients do not run it") {
		t.Errorf("notes: %s", n)
	}
	if n := notes(find(r.apply(advert("Look", "runningClients")), osd.KindAdvertisement, "New")); !strings.Contains(n, "set clientAgent") {
		t.Errorf("notes: %s", n)
	}
	r.apply("kind: SiteSettings\nname: site\nclientAgent: true\n")
	if n := notes(find(r.apply(advert("Look", "runningClients")), osd.KindAdvertisement, "New")); strings.Contains(n, "clientAgent") {
		t.Errorf("notes: %s", n)
	}
}
