package appliance

import (
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/httpboot"
	"github.com/bootward/bootward/appliance/managementpoint"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/appliance/selftest"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/appliance/tftp"
)

// TestFloodLeavesOthersAlone: where made-up machines fill what the box remembers of
// each, one that asked a moment ago is not forgotten with them.
func TestFloodLeavesOthersAlone(t *testing.T) {
	var (
		c     chains
		w     windowsFiles
		d     delays
		e     ear
		r     = newRecorder(nil, time.Now)
		mac   = net.HardwareAddr{2, 0, 0, 0, 0, 1}
		us    = netip.MustParseAddr("10.77.0.100")
		start = time.Unix(1e9, 0)
		later = start.Add(5 * time.Second)
	)
	others := netip.MustParseAddr("10.78.0.0")
	flood := func(n int) {
		for range n {
			others = others.Next()
			a := others.As4()
			c.note(others, "cen00004", pxe.GRUBName)
			w.find(windowsImages(), others, "cen0000b/efi/bootmgfw.efi")
			d.asked(others.String(), start)
			e.heard(selftest.Offer{Answer: dhcp.Answer{MAC: net.HardwareAddr{2, 1, a[0], a[1], a[2], a[3]}}}, start)
			r.alarm("", "", "ALARM: "+others.String())
			<-r.queue
		}
	}
	flood(4*1024 - 6) // just below where each is full again, if it was emptied when it was full
	c.note(us, "cen00003", pxe.GRUBName)
	w.find(windowsImages(), us, "cen0000b/efi/bootmgfw.efi")
	d.asked(mac.String(), start)
	e.asked(dhcp.Event{MAC: mac, TransactionID: 7}, start)
	r.alarm(mac.String(), "", "ALARM: a second machine")
	<-r.queue
	flood(50)

	if got := c.image(us); got != "cen00003" {
		t.Errorf("GRUB's boot image: %q", got)
	}
	if _, file := w.find(windowsImages(), us, "boot/bcd"); file != pxe.WindowsUEFIBCD {
		t.Errorf("the BCD of its firmware: %q", file)
	}
	if got := d.asked(mac.String(), later); got != later.Sub(start) {
		t.Errorf("it has asked for %s", got)
	}
	if !e.heard(selftest.Offer{Answer: dhcp.Answer{MAC: mac, TransactionID: 7}}, later) {
		t.Error("an offer to it is not recorded")
	}
	if r.alarm(mac.String(), "", "ALARM: a second machine"); len(r.queue) > 0 {
		t.Error("the same alarm again")
	}
	for name, n := range map[string][2]int{"chains": {c.of.Len(), maxChains}, "windows": {w.last.Len(), maxAsked}, "delays": {d.since.Len(), maxAsking},
		"ear": {e.machines.Len(), maxHearing}, "alarms": {r.alarms.Len(), maxAlarms}} {
		if n[0] != n[1] {
			t.Errorf("%s: %d are remembered, want %d", name, n[0], n[1])
		}
	}
}

// TestFloodIsNotLookedUp: whose request it was is asked of the kernel for what is kept
// only.
func TestFloodIsNotLookedUp(t *testing.T) {
	r := newRecorder(nil, time.Now)
	looked := 0
	who := func() string { looked++; return "" }
	for range 10 * cap(r.queue) {
		r.http(who, httpboot.Transfer{Status: http.StatusNotFound, Name: "x"})
		r.tftp(who, tftp.Transfer{Name: "x", Err: fs.ErrNotExist})
	}
	if looked > 0 || len(r.queue) != cap(r.queue) || r.Lost() == 0 {
		t.Errorf("%d were looked up, %d wait, %d were lost", looked, len(r.queue), r.Lost())
	}
}

// TestFloodOfTwins: made-up GUIDs under the address of a machine that is deployed are one
// alarm, and push no other out.
func TestFloodOfTwins(t *testing.T) {
	b := &Box{flight: newRecorder(nil, time.Now)}
	m := pxe.Machine{MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}}
	v := managementpoint.Verdict{Open: &store.Job{ID: "J1", Name: "ward7-pc1", Identity: api.Identity{SMBIOSGUID: "the-right-one"}}}
	b.flight.alarm("", "", "ALARM: another")
	for i := range 3 * maxAlarms {
		m.UUID = fmt.Sprintf("made-up-%d", i)
		b.watchTwin(m, v)
	}
	all := b.flight.recent()
	slices.Sort(all)
	if len(b.flight.queue) != 2 || len(all) != 2 || all[0] != "ALARM: a second machine boots as ward7-pc1 while job J1 runs: its GUID is made-up-0, the job's is the-right-one" {
		t.Errorf("%d were recorded, shown: %q", len(b.flight.queue), all)
	}
	m.UUID = "the-right-one"
	v.Open = &store.Job{ID: "J2", Identity: v.Open.Identity}
	if b.watchTwin(m, v); len(b.flight.queue) != 2 {
		t.Error("the machine of the job is taken for another")
	}
}
