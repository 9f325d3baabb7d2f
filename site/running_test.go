package site

import (
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
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

// TestWithoutBootImage: a sequence for running clients needs no boot image; where
// machines would have to boot into it, the plan refuses or says so, and explain does.
func TestWithoutBootImage(t *testing.T) {
	const wiping = "partitionDisk: {style: gpt, volumes: [{name: OSDisk, type: primary, size: 100%, fileSystem: ext4}]}"
	for _, tt := range []struct {
		name, to, step string
		code           int
		plan           string // what it says
		running, pxe   string // what explain says, or empty: the machine gets it
	}{
		{"running clients", "[runningClients]", "runCommandLine: {command: id}", 200, "", "", "available to runningClients only"},
		{"both", "[runningClients, bootMediaAndPXE]", "runCommandLine: {command: id}", 200, "running clients run it, machines that boot", "", "names no boot image"},
		{"the network", "[bootMediaAndPXE]", "runCommandLine: {command: id}", 400, "names no boot image", "", ""},
		{"left out", "[]", "runCommandLine: {command: id}", 400, "availableTo: [runningClients]", "", ""},
		{"both, erasing", "[runningClients, bootMediaAndPXE]", wiping, 400, "names no boot image", "", ""},
		{"running clients, erasing", "[runningClients]", wiping, 400, "running clients erase nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.contents()
			r.apply(ward)
			code, raw := r.person().applies("kind: TaskSequence\nname: Look\nsteps:\n  - " + tt.step + "\n---\nkind: Advertisement\nname: New\ncollection: Ward 7\nsequence: Look\navailableTo: " + tt.to + "\n")
			if code != tt.code || !strings.Contains(string(raw), tt.plan) {
				t.Fatalf("apply: %d %s, want %d %q", code, raw, tt.code, tt.plan)
			}
			if code != 200 {
				return
			}
			for where, want := range map[string]string{osd.ToRunningClients: tt.running, osd.ToBootMediaAndPXE: tt.pxe} {
				x := must[policy.Explanation](t, r.person(), "GET", "/v1/computers/ward7-pc1/explain?where="+where, nil)
				why := "it says nothing"
				for _, g := range x.Gets {
					if g.Advertisement == "New" {
						why = ""
					}
				}
				for _, g := range x.GetsNot {
					if g.Advertisement == "New" {
						why = g.Why
					}
				}
				if (why == "") != (want == "") || !strings.Contains(why, want) {
					t.Errorf("%s: %q, want %q", where, why, want)
				}
			}
			if n := notes(find(r.apply("kind: TaskSequence\nname: Debian\nsteps:\n  - runCommandLine: {command: id}\n"), osd.KindTaskSequence, "Debian")); !strings.Contains(n, `"Install" sends machines`) {
				t.Errorf("a boot image that is taken away: %s", n)
			}
		})
	}
}
