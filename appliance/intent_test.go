package appliance

import (
	"strings"
	"testing"
	"time"
)

func TestDelays(t *testing.T) {
	var d delays
	at := time.Now()
	for i, tt := range []struct{ after, want time.Duration }{
		{0, 0}, {4 * time.Second, 4 * time.Second}, {12 * time.Second, 12 * time.Second}, {10 * time.Minute, 0},
	} {
		if got := d.asked("m", at.Add(tt.after)); got != tt.want {
			t.Errorf("question %d after %s: asks for %s, want %s", i, tt.after, got, tt.want)
		}
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
