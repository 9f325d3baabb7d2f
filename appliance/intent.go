package appliance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bootward/bootward/appliance/managementpoint"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// declineTime is how long a machine boots its disk after nobody came to its
// screen.
const declineTime = 5 * time.Minute

// intent says what a machine that boots from the network is to get.
func (b *Box) intent(ctx context.Context, m pxe.Machine) pxe.Intent {
	in := b.decideBoot(ctx, m)
	if m.Port == 67 {
		b.flight.boot(m.MAC.String(), m.UUID, in.Reason)
	}
	return in
}

func (b *Box) decideBoot(ctx context.Context, m pxe.Machine) pxe.Intent {
	s := b.snapshot()
	if s == nil {
		return silent("the box has no policy yet")
	}
	mac := m.MAC.String()
	if why := closed(s.Box.PXE, mac); why != "" {
		return silent(why)
	}
	v, err := b.point.Decide(ctx, policy.Machine{MACs: []string{mac}, SMBIOSGUID: m.UUID})
	if err != nil {
		return silent("the box's memory cannot be read: " + err.Error())
	}
	if v.Open != nil {
		b.watchTwin(m, v)
	}
	stopped, err := b.point.NoteWants(ctx, v, mac)
	if err != nil {
		return silent("the box's memory cannot be read: " + err.Error())
	}
	in := choose(v)
	if in.Action != pxe.Boot {
		return in
	}
	in.Image = b.image(in.Image.ID)
	if o := v.Mandatory(); stopped != "" && o != nil && o.Sequence.Destructive {
		return silent("the wipe interlock has stopped the box: " + stopped)
	}
	boot, _, err := b.store.Boot(ctx, mac)
	if err != nil {
		return silent("the box's memory cannot be read: " + err.Error())
	}
	if v.Mandatory() == nil && declined(boot.Declined, b.link.Now()) {
		return silent("nobody came to its screen at " + boot.Declined.Format("15:04:05") + ": it boots its disk")
	}
	if wait := time.Duration(s.Box.PXE.DelaySeconds) * time.Second; m.Port == 67 && !b.delays.over(mac, wait, time.Now()) {
		return silent(fmt.Sprintf("answers are delayed by %s: the machine asks again", wait))
	}
	return in
}

// declined says whether nobody came to the machine's screen of late. A time in
// the future is one of a clock that was set back since.
func declined(at, now time.Time) bool {
	since := now.Sub(at)
	return since >= 0 && since < declineTime
}

func silent(why string) pxe.Intent { return pxe.Intent{Action: pxe.Silent, Reason: why} }

// closed says why the PXE service is closed to a machine, "" if it is not.
func closed(p osd.PXE, mac string) string {
	if !p.Responds() {
		return "the site told this box not to respond to PXE"
	}
	if slices.ContainsFunc(p.ExcludeMACs, func(e string) bool { n, err := osd.NormalizeMAC(e); return err == nil && n == mac }) {
		return "the machine is on the list of excluded MACs"
	}
	return ""
}

// choose turns a verdict into an intent: a mandatory offer first, else the
// first that a person may choose on the boot image's screen.
func choose(v managementpoint.Verdict) pxe.Intent {
	why := strings.Join(v.Why, "; ")
	for _, r := range v.Refusals {
		why += "; " + r.Advertisement + ": " + r.Why
	}
	o := v.Mandatory()
	if o == nil && len(v.Offers) > 0 {
		o = &v.Offers[0]
	}
	switch {
	case o == nil:
		return silent(why + "; nothing is offered")
	case !o.Mandatory:
		return pxe.Intent{Action: pxe.Boot, Image: pxe.Image{ID: o.Sequence.BootImage}, Reason: why + "; a person may choose " + o.Advertisement.Name}
	}
	return pxe.Intent{Action: pxe.Boot, Image: pxe.Image{ID: o.Sequence.BootImage}, Reason: why + "; " + o.Advertisement.Name + " is " + o.Why}
}

// watchTwin raises an alarm when a machine boots under the labels of a running
// job but is other hardware. It gets nothing; the job goes on until the other
// one claims.
func (b *Box) watchTwin(m pxe.Machine, v managementpoint.Verdict) {
	pinned := v.Open.Identity.SMBIOSGUID
	if m.UUID == "" || pinned == "" || pinned == m.UUID {
		return
	}
	b.flight.alarm(m.MAC.String(), v.Open.ID, fmt.Sprintf("ALARM: a second machine boots as %s while job %s runs: its GUID is %s, the job's is %s",
		v.Open.Name, v.Open.ID, m.UUID, pinned))
}

// delays remembers when machines began to ask, for PXE.DelaySeconds: firmware
// asks again for half a minute.
type delays struct {
	mu    sync.Mutex
	since map[string][2]time.Time // first and last question
}

// forgetAsk is after how long a machine that asks again has started anew.
const forgetAsk = 2 * time.Minute

func (d *delays) over(mac string, wait time.Duration, now time.Time) bool {
	if wait <= 0 {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.since == nil || len(d.since) > 4096 {
		d.since = map[string][2]time.Time{}
	}
	t, ok := d.since[mac]
	if !ok || now.Sub(t[1]) > forgetAsk {
		t[0] = now
	}
	t[1] = now
	d.since[mac] = t
	return now.Sub(t[0]) >= wait
}
