package appliance

import (
	"net"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/selftest"
)

// TestEar: offers to machines that boot from the network are told once, whichever of
// question and offer was read first; those to others never.
func TestEar(t *testing.T) {
	now := time.Unix(1e9, 0)
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	offer := func(id uint32) selftest.Offer {
		return selftest.Offer{Answer: dhcp.Answer{MAC: mac, TransactionID: id}}
	}
	question := func(id uint32) dhcp.Event { return dhcp.Event{MAC: mac, TransactionID: id} }
	var e ear
	if e.heard(offer(1), now) {
		t.Error("an offer to a machine that did not ask was told")
	}
	if got := e.asked(question(1), now); len(got) != 1 {
		t.Errorf("heard before the question was read: %v", got)
	}
	if got := e.asked(question(1), now); len(got) != 0 || e.heard(offer(1), now) {
		t.Errorf("told twice: %v", got)
	}
	if got := e.asked(question(2), now); len(got) != 0 {
		t.Errorf("of another transaction: %v", got)
	}
	if !e.heard(offer(2), now) {
		t.Error("heard after the question was read, and not told")
	}
	if e.heard(offer(3), now) {
		t.Error("told before its question, to which it would not belong")
	}
	if e.heard(offer(2), now.Add(time.Hour)) {
		t.Error("an hour later")
	}
	for i := range 10 * maxHearing { // anybody can make up addresses
		o := offer(9)
		o.MAC = net.HardwareAddr{2, 1, 0, byte(i >> 16), byte(i >> 8), byte(i)}
		e.heard(o, now)
	}
	if n := e.machines.Len(); n > maxHearing {
		t.Errorf("%d machines are remembered", n)
	}
}

// TestAgentCallsOnce: an agent asks again and again; the timeline has its first call.
func TestAgentCallsOnce(t *testing.T) {
	now := time.Unix(1e9, 0)
	r := newRecorder(nil, func() time.Time { return now })
	for range 5 {
		r.called("52-54-00-77-00-11")
		now = now.Add(10 * time.Second)
	}
	r.called("no MAC")
	if n := len(r.queue); n != 1 {
		t.Errorf("%d events", n)
	}
	now = now.Add(2 * time.Minute) // after a restart
	if r.called("52:54:00:77:00:11"); len(r.queue) != 2 {
		t.Errorf("%d events", len(r.queue))
	}
}
