package appliance

import (
	"testing"
	"time"
)

// TestAlarmsBesideAFlood: packets that come faster than they are kept do not take the
// place of an alarm, and one that could not be kept is raised again.
func TestAlarmsBesideAFlood(t *testing.T) {
	r := newRecorder(nil, time.Now)
	for r.limit.Allow() {
	}
	r.alarm("52:54:00:00:00:01", "", "ALARM: another server")
	if len(r.queue) != 1 || r.Lost() != 0 || len(r.recent()) != 1 {
		t.Errorf("%d queued, %d lost, recent %q", len(r.queue), r.Lost(), r.recent())
	}
	for len(r.queue) < cap(r.queue) {
		r.queue <- nil
	}
	r.alarm("52:54:00:00:00:01", "", "ALARM: a third one")
	if r.Lost() != 1 || len(r.recent()) != 1 {
		t.Errorf("an alarm that is lost counts as raised: %d lost, recent %q", r.Lost(), r.recent())
	}
	<-r.queue
	r.alarm("52:54:00:00:00:01", "", "ALARM: a third one")
	if len(r.recent()) != 2 {
		t.Errorf("it is not raised again: %q", r.recent())
	}
}
