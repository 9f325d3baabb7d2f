package site

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
)

// TestEventsOfABoxThatMisbehaves: a box can neither add to the jobs of another
// one nor end them, nor fill the site with long texts; what is wrong or lost
// does not stop what comes behind it.
func TestEventsOfABoxThatMisbehaves(t *testing.T) {
	r := newRig(t)
	r.apply("kind: Box\nname: one\n---\nkind: Box\nname: two\n")
	enrol := func(name string) *peer {
		p, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/"+name+"/token", nil).Token, "state")
		return p
	}
	one, two := enrol("one"), enrol("two")
	send := func(p *peer, want uint64, events ...api.BoxEvent) {
		t.Helper()
		if got := must[api.EventAck](t, p, "POST", "/v1/box/events", api.EventBatch{StateID: "state", Events: events}); got.Next != want {
			t.Errorf("next is %d, want %d", got.Next, want)
		}
	}
	message := func(n uint64, job string, number uint64, id status.MessageID) api.BoxEvent {
		return api.BoxEvent{Number: n, Status: &status.Message{Job: job, Number: number, ID: id, Computer: "ward7-pc1"}}
	}
	long := message(4, "own", 1, status.ActionCompleted)
	long.Status.Action, long.Status.Output = strings.Repeat("é", 100_000), strings.Repeat("é", 100_000)
	send(one, 2, message(1, "job", 1, status.SequenceStarted))
	send(two, 5, message(1, "job", 2, status.SequenceCompleted), message(2, "job", 1, status.SequenceFailed), api.BoxEvent{Number: 3}, long)
	send(one, 3, message(2, "job", 2, status.ActionCompleted))

	got := must[api.Messages](t, r.person(), "GET", "/v1/messages?job=job", nil).Messages
	if len(got) != 2 || got[0].ID != status.SequenceStarted || got[1].ID != status.ActionCompleted {
		t.Errorf("messages of the job: %+v", got)
	}
	for _, j := range must[[]api.JobState](t, r.person(), "GET", "/v1/jobs", nil) {
		if j.Job == "job" && (j.State == "succeeded" || j.Box != "one") {
			t.Errorf("the job became %+v", j)
		}
	}
	own := must[api.Messages](t, r.person(), "GET", "/v1/messages?job=own", nil).Messages
	if len(own) != 1 || len(own[0].Action) > maxText || len(own[0].Output) > status.MaxOutput {
		t.Errorf("own messages: %d", len(own))
	}
	if code, _ := two.call("POST", "/v1/box/events", api.EventBatch{StateID: "state", Events: make([]api.BoxEvent, maxBatch+1)}); code != http.StatusBadRequest {
		t.Errorf("an endless batch: %d, want 400", code)
	}
}

// TestAuditOfABox: its entries bear its name; a time that no clock shows must not
// make the log, the grants or policy unreadable for ever.
func TestAuditOfABox(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	r.apply("kind: Box\nname: ward8-box\n")
	enrol := func(name string) *peer {
		p, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/"+name+"/token", nil).Token, "s")
		return p
	}
	box, other := enrol("ward7-box"), enrol("ward8-box")
	grant := r.grants(store.GrantFilter{Box: box.id})[0].ID
	at := r.clock.now()
	next := map[*peer]uint64{box: 1, other: 1}
	for _, c := range []struct {
		name string
		from *peer
		at   time.Time
		what string
		kept bool      // in the log
		used time.Time // of the grant, afterwards
	}{
		{"late", box, time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -12*3600)), auditGrantUsed, false, time.Time{}},
		{"early", box, time.Date(0, 1, 1, 0, 0, 0, 0, time.FixedZone("", 12*3600)), auditGrantUsed, false, time.Time{}},
		{"another box", other, at, auditGrantUsed, true, time.Time{}},
		{"flat battery", box, time.Unix(0, 0), "resume", true, time.Time{}},
		{"used", box, at, auditGrantUsed, true, at},
		{"used at no time", box, time.Time{}, auditGrantUsed, false, at},
		{"another box gives back", other, at, auditGrantReturned, true, at},
		{"given back", box, at, auditGrantReturned, true, time.Time{}},
	} {
		before := must[[]api.AuditEntry](t, r.person(), "GET", "/v1/audit", nil)
		ack := must[api.EventAck](t, c.from, "POST", "/v1/box/events", api.EventBatch{StateID: "s", Events: []api.BoxEvent{
			{Number: next[c.from], Audit: &api.AuditRecord{Time: c.at, Who: "job j", What: c.what, Object: grant, Text: c.name}}}})
		next[c.from]++
		if ack.Next != next[c.from] {
			t.Errorf("%s: next is %d, want %d", c.name, ack.Next, next[c.from])
		}
		log := must[[]api.AuditEntry](t, r.person(), "GET", "/v1/audit", nil)[len(before):]
		if c.kept != (len(log) == 1 && log[0].Who == "box "+c.from.name+": job j" && log[0].Text == c.name) {
			t.Errorf("%s: in the log: %+v", c.name, log)
		}
		if g := r.grants(store.GrantFilter{Box: box.id})[0]; !g.UsedAt.Equal(c.used) {
			t.Errorf("%s: the grant is used at %s, want %s", c.name, g.UsedAt, c.used)
		}
		box.policy(t, "")
	}
}

// grants lists the grants that were issued.
func (r *rig) grants(f store.GrantFilter) (found []store.Grant) {
	r.t.Helper()
	if err := r.store.Read(r.t.Context(), func(x store.Tx) (err error) {
		found, err = x.Grants(f)
		return err
	}); err != nil || len(found) == 0 {
		r.t.Fatalf("grants %+v: %d, %v", f, len(found), err)
	}
	return found
}
