package agent

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
)

// TestTexts: the organisation's name and words stand on the screen before
// anything starts; its words for those who choose only where somebody does.
func TestTexts(t *testing.T) {
	b := newBox(t, `{"format":1,"name":"Test","steps":[{"runCommandLine":{"command":"echo"}}]}`)
	for name, tt := range map[string]struct {
		mandatory bool
		welcome   string
	}{"chosen": {false, "Choose what you need"}, "mandatory": {true, ""}} {
		var screen bytes.Buffer
		s := b.newSession(&screen)
		s.welcome(api.Offers{Organisation: "St. Elsewhere", WelcomeText: "Choose what you need", Offers: []api.Offer{{Mandatory: tt.mandatory}}})
		if got := screen.String(); !strings.Contains(got, "St. Elsewhere\r\n-------------\r\n") || strings.Contains(got, "Choose") != (tt.welcome != "") {
			t.Errorf("%s:\n%s", name, got)
		}
	}
	var screen bytes.Buffer
	b.newSession(&screen).welcome(api.Offers{})
	if screen.Len() != 0 {
		t.Errorf("without texts: %q", screen.String())
	}
}

// TestShowProgress: hidden steps are on no screen, but with the box; the
// organisation, the text and a failure are shown all the same.
func TestShowProgress(t *testing.T) {
	for _, hide := range []bool{false, true} {
		b := newBox(t, `{"format":1,"name":"Test","steps":[{"setTaskSequenceVariable":{"name":"Secret step","variable":"X","value":"1"}},{"runCommandLine":{"name":"Break it","command":"echo no luck; exit 9"}}]}`)
		b.job.HideProgress, b.job.Organisation, b.job.AdvertName = hide, "St. Elsewhere", "Ward PCs"
		var screen bytes.Buffer
		if _, err := b.newSession(&screen).deploy(t.Context(), api.Offer{Mandatory: true, Text: "Take your coffee away."}, nil, false); err != nil {
			t.Fatal(err)
		}
		got := screen.String()
		if strings.Contains(got, "Secret step") == hide || strings.Contains(got, "step 1 of 2") == hide || strings.Contains(got, "do not switch it off") != hide {
			t.Errorf("hidden %v:\n%s", hide, got)
		}
		coffee, heading := strings.Index(got, "Take your coffee away."), strings.Index(got, "St. Elsewhere")
		if coffee < 0 || heading < coffee || !strings.Contains(got, "THE TASK SEQUENCE FAILED") || !strings.Contains(got, "2 Break it") {
			t.Errorf("hidden %v:\n%s", hide, got)
		}
		if len(b.ids()) != 7 {
			t.Errorf("hidden %v: the box heard %v", hide, b.ids())
		}
	}
}
