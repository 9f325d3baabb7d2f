package managementpoint

import (
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/policy"
)

// TestAlarmReachesAPerson: a machine that asks under the labels of a running job
// raises an alarm that the box shows.
func TestAlarmReachesAPerson(t *testing.T) {
	r := newRig(t)
	r.ward()
	p := r.direct(time.Now)
	var alarms []string
	p.Alarm = func(mac, job, text string) { alarms = append(alarms, mac+" "+text) }
	_, csr := r.key()
	first := api.Identity{MACs: []string{wardMAC}, SMBIOSGUID: wardGUID, SerialNumber: "one"}
	if _, failed := p.claim(t.Context(), api.Claim{Identity: first, Advertisement: "A1", Person: true, CSR: csr}, "10.7.0.20"); failed != nil {
		t.Fatal(failed)
	}
	if len(alarms) != 0 {
		t.Fatalf("alarms of a machine alone: %q", alarms)
	}
	twin := api.Identity{MACs: []string{"52:54:00:77:00:99"}, SMBIOSGUID: wardGUID, SerialNumber: "two"}
	if _, failed := p.offers(t.Context(), api.Ask{Identity: twin}); failed == nil {
		t.Error("the twin was answered")
	}
	if len(alarms) != 1 || !strings.HasPrefix(alarms[0], "52:54:00:77:00:99 ALARM: a second machine asks as ") {
		t.Errorf("alarms %q", alarms)
	}
}

// TestSiteHearsOfAStopAtOnce: the site is told when the box stops, once, and
// when it goes on.
func TestSiteHearsOfAStopAtOnce(t *testing.T) {
	r := newRig(t)
	r.wiping(3, 1, 0)
	p := r.direct(time.Now)
	news := 0
	p.News = func() {
		if stopped, err := p.Stopped(t.Context()); err != nil || (stopped != "") != (news == 0) {
			t.Errorf("news %d: the box says %q, %v", news, stopped, err)
		}
		news++
	}
	for i, want := range []int{0, 1, 1} {
		v, err := p.Decide(t.Context(), policy.Machine{MACs: []string{pcMAC(i)}})
		fatal(t, err)
		_, err = p.NoteWants(t.Context(), v, pcMAC(i))
		fatal(t, err)
		if news != want {
			t.Errorf("after %d machines: %d news, want %d", i+1, news, want)
		}
	}
	next := *r.policy
	next.Orders = []policy.Order{{ID: "o1", Kind: policy.OrderResume, By: "ann", ExpiresAt: time.Now().Add(time.Hour)}}
	r.policy = &next
	fatal(t, p.CarryOut(t.Context()))
	if news != 2 {
		t.Errorf("after the order to go on: %d news, want 2", news)
	}
}
