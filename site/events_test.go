package site

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
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
