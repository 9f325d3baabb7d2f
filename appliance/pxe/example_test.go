package pxe

import (
	"testing"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

// TestExamples: each example is classified as the kind that it is of.
func TestExamples(t *testing.T) {
	for _, kind := range Kinds() {
		r, ok := Example(kind, testMAC)
		if f, _ := Classify(r); !ok || f != kind {
			t.Errorf("%s is classified as %s", kind, f)
		}
		a := Decide(r, Intent{Action: Boot, Image: Image{ID: "linux", Architecture: kind.architecture()}}, testBox)
		if a.Send != (kind.Refused() == "") {
			t.Errorf("%s: %+v", kind, a)
		}
	}
	if _, ok := Example("toaster", testMAC); ok {
		t.Error("a toaster is firmware")
	}
}

// TestSilenceHasACause: a diagnosis must tell what policy keeps back from what no
// boot image is there for.
func TestSilenceHasACause(t *testing.T) {
	offer := policy.Offer{Advertisement: osd.Advertisement{Meta: osd.Meta{Name: "Install"}}, Sequence: policy.Sequence{BootImage: "linux-arm64"}}
	facts := Facts{Policy: &osd.PXE{}, Now: time.Unix(1e9, 0), Image: func(id string) Image { return Image{ID: id, Architecture: osd.ArchARM64} }}
	for name, tt := range map[string]struct {
		kind   Firmware
		offers []policy.Offer
		want   string
	}{
		"nothing for it":            {UEFIX64PXE, nil, status.CausePolicy},
		"nothing that starts on it": {UEFIX64PXE, []policy.Offer{offer}, status.CauseArchitecture},
		"nothing ever starts on it": {UEFIIA32, []policy.Offer{offer}, status.CauseArchitecture},
	} {
		facts.Decision.Offers = tt.offers
		r, _ := Example(tt.kind, testMAC)
		in, _ := Intend(Machine{MAC: testMAC, Firmware: tt.kind}, facts)
		if a := Decide(r, in, testBox); a.Send || a.Cause != tt.want {
			t.Errorf("%s: %+v", name, a)
		}
	}
}
