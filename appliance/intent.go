package appliance

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/managementpoint"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/internal/recent"
	"github.com/bootward/bootward/osd/policy"
)

// intent says what a machine that boots from the network is to get, and remembers
// that it asked.
func (b *Box) intent(ctx context.Context, m pxe.Machine) pxe.Intent {
	f, v := b.bootFacts(ctx, m)
	if f.Policy != nil && m.Port == dhcp.ServerPort && f.Policy.DelaySeconds > 0 {
		f.Asking = b.delays.asked(m.MAC.String(), time.Now())
	}
	in, _ := pxe.Intend(m, f)
	if err := b.noteBoot(ctx, m, v); err != nil {
		in = pxe.Intent{Reason: "the box's memory cannot be written: " + err.Error()}
	}
	if m.Port == dhcp.ServerPort {
		b.flight.boot(m.MAC.String(), m.UUID, in.Reason)
	}
	return in
}

// ExplainBoot says what a machine would get once it has asked for as long as answers
// are delayed, and why, in words. m needs a MAC; what else is known of the machine
// makes the answer more exact. Nothing is changed, counted or recorded.
func (b *Box) ExplainBoot(ctx context.Context, m pxe.Machine) (pxe.Intent, []string) {
	f, _ := b.bootFacts(ctx, m)
	if f.Policy != nil {
		f.Asking = f.Policy.Delay()
	}
	return pxe.Intend(m, f)
}

// bootFacts gathers what the boot decision is made from, and changes nothing. The
// verdict is nil where the decision needs none.
func (b *Box) bootFacts(ctx context.Context, m pxe.Machine) (pxe.Facts, *managementpoint.Verdict) {
	s := b.point.Policy()
	if s == nil {
		return pxe.Facts{}, nil
	}
	f := pxe.Facts{Policy: &s.Box.PXE, Image: func(id string) pxe.Image { return b.image(s, id) }, Now: b.point.Now()}
	if pxe.Closed(m, *f.Policy) != "" || m.Firmware.Refused() != "" { // nothing of it is read or counted
		return f, nil
	}
	mac := m.MAC.String()
	v, err := b.point.Decide(ctx, policy.Machine{MACs: []string{mac}, SMBIOSGUID: m.UUID})
	if err != nil {
		f.Unread = err
		return f, nil
	}
	f.Decision = v.Decision
	if f.Stopped, f.Unread = b.point.Stops(ctx, v); f.Unread != nil {
		return f, &v
	}
	boot, _, err := b.store.Boot(ctx, mac)
	f.Declined, f.Unread = boot.Declined, err
	return f, &v
}

// noteBoot counts the machine for the wipe interlock, which may stop the box, and
// watches for a second one under the same labels.
func (b *Box) noteBoot(ctx context.Context, m pxe.Machine, v *managementpoint.Verdict) error {
	if v == nil {
		return nil
	}
	if v.Open != nil {
		b.watchTwin(m, *v)
	}
	_, err := b.point.NoteWants(ctx, *v, m.MAC.String())
	return err
}

// watchTwin raises an alarm when a machine boots under the labels of a running
// job but is other hardware. It gets nothing; the job goes on until the other
// one claims.
func (b *Box) watchTwin(m pxe.Machine, v managementpoint.Verdict) {
	pinned := v.Open.Identity.SMBIOSGUID
	if m.UUID == "" || pinned == "" || pinned == m.UUID {
		return
	}
	// One for each job: packets with other GUIDs are made in no time.
	b.flight.alarmOnce("second machine of job "+v.Open.ID, m.MAC.String(), v.Open.ID, fmt.Sprintf("ALARM: a second machine boots as %s while job %s runs: its GUID is %s, the job's is %s",
		v.Open.Name, v.Open.ID, m.UUID, pinned))
}

// delays remembers when machines began to ask, for PXE.DelaySeconds: firmware
// asks again for half a minute.
type delays struct {
	mu    sync.Mutex
	since recent.Map[string, [2]time.Time] // first and last question
}

const (
	forgetAsk = 2 * time.Minute // a machine that asks again after so long has started anew
	maxAsking = 4096            // machines
)

// asked notes a question, and says for how long the machine has been asking.
func (d *delays) asked(mac string, now time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, ok := d.since.Get(mac)
	if !ok || now.Sub(t[1]) > forgetAsk {
		t[0] = now
	}
	t[1] = now
	d.since.Put(mac, t, maxAsking)
	return now.Sub(t[0])
}
