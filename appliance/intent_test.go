package appliance

import (
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/managementpoint"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

func offer(name string, mandatory bool, boot string) policy.Offer {
	return policy.Offer{Advertisement: osd.Advertisement{Meta: osd.Meta{Name: name}}, Mandatory: mandatory, Why: "mandatory for collection Ward",
		Sequence: policy.Sequence{Name: "Wipe", BootImage: boot}}
}

func TestChoose(t *testing.T) {
	verdict := func(offers ...policy.Offer) managementpoint.Verdict {
		return managementpoint.Verdict{Decision: policy.Decision{Offers: offers, Why: []string{"known"}, Refusals: []policy.Refusal{{Advertisement: "Old", Why: "its grant was used"}}}}
	}
	for _, tt := range []struct {
		name   string
		v      managementpoint.Verdict
		action pxe.Action
		image  string
		why    string
	}{
		{"nothing", verdict(), pxe.Silent, "", "Old: its grant was used; nothing is offered"},
		{"mandatory first", verdict(offer("A", false, "CEN1"), offer("B", true, "CEN2")), pxe.Boot, "CEN2", "B is mandatory"},
		{"available", verdict(offer("A", false, "CEN1")), pxe.Boot, "CEN1", "a person may choose A"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := choose(tt.v)
			if in.Action != tt.action || in.Image.ID != tt.image || !strings.Contains(in.Reason, tt.why) {
				t.Errorf("choose: %+v", in)
			}
		})
	}
}

func TestClosed(t *testing.T) {
	no := false
	const mac = "52:54:00:00:00:01"
	for _, tt := range []struct {
		name string
		p    osd.PXE
		want string
	}{
		{"open", osd.PXE{}, ""},
		{"respond off", osd.PXE{Respond: &no}, "not to respond"},
		{"excluded", osd.PXE{ExcludeMACs: []string{"5254.0000.0001"}}, "excluded"},
		{"another excluded", osd.PXE{ExcludeMACs: []string{"5254.0000.0002"}}, ""},
	} {
		if got := closed(tt.p, mac); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDelays(t *testing.T) {
	var d delays
	at := time.Now()
	for i, tt := range []struct {
		after time.Duration
		want  bool
	}{{0, false}, {4 * time.Second, false}, {12 * time.Second, true}, {13 * time.Second, true}, {10 * time.Minute, false}} {
		if got := d.over("m", 10*time.Second, at.Add(tt.after)); got != tt.want {
			t.Errorf("question %d after %s: %v, want %v", i, tt.after, got, tt.want)
		}
	}
	if !d.over("n", 0, at) {
		t.Error("no delay held up an answer")
	}
}

func TestReadiness(t *testing.T) {
	all := Facts{Enrolled: true, Policy: true, Complete: true, PXE: true, Answers: true, HTTPS: true}
	if ready, why := Readiness(all); !ready || why != "" {
		t.Errorf("all is there: %q", why)
	}
	for want, without := range map[string]func(*Facts){
		"not enrolled": func(f *Facts) { f.Enrolled = false }, "no policy": func(f *Facts) { f.Policy = false },
		"content is not complete: no space": func(f *Facts) { f.Complete, f.Problem = false, "no space" },
		"PXE service":                       func(f *Facts) { f.Answers = false }, "management point": func(f *Facts) { f.HTTPS = false },
	} {
		f := all
		without(&f)
		if ready, why := Readiness(f); ready || !strings.Contains(why, want) {
			t.Errorf("without %s: %v, %q", want, ready, why)
		}
	}
	all.PXE, all.Answers = false, false
	if ready, _ := Readiness(all); !ready {
		t.Error("a box without PXE is never ready")
	}
}

// TestDeclined: a machine is left alone for a while, and not for ever because
// a clock was wrong once. Mandatory offers do not ask (decideBoot).
func TestDeclined(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		name string
		at   time.Time
		want bool
	}{
		{"never", time.Time{}, false}, {"just now", now, true}, {"long ago", now.Add(-declineTime), false}, {"in 2099", now.AddDate(73, 0, 0), false},
	} {
		if got := declined(tt.at, now); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
