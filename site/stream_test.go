package site

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/eventstream"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
)

// reading is an open stream of events.
type reading struct {
	t    *testing.T
	in   *eventstream.Reader
	stop func()
}

// listen opens a stream and waits until it has begun.
func (p *peer) listen(query, last string) *reading {
	t := p.rig.t
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(stop)
	q, err := http.NewRequestWithContext(ctx, "GET", p.rig.url+"/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+p.token)
	if last != "" {
		q.Header.Set(eventstream.LastID, last)
	}
	resp, err := p.http.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != eventstream.Media {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	r := &reading{t: t, in: eventstream.NewReader(resp.Body), stop: stop}
	if e := r.next(); e.Name != status.EventReady {
		t.Fatalf("the stream begins with %+v", e)
	}
	return r
}

func (r *reading) next() eventstream.Event {
	r.t.Helper()
	e, err := r.in.Read()
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

// tell is what an event tells, in short.
func (r *reading) tell() string {
	r.t.Helper()
	e := r.next()
	var in status.Event
	if err := json.Unmarshal(e.Data, &in); err != nil {
		r.t.Fatalf("%s: %v", e.Data, err)
	}
	switch {
	case in.Status != nil:
		return fmt.Sprintf("%s %s %d of %s at %s", e.Name, in.Status.Job, in.Status.Number, in.Status.Computer, in.Box)
	case in.Flight != nil:
		return fmt.Sprintf("%s %s of %s at %s", e.Name, in.Flight.What, in.Flight.Client, in.Box)
	}
	return e.Name + " " + string(e.Data)
}

func TestStream(t *testing.T) {
	r := newRig(t)
	r.apply("kind: Box\nname: one\n---\nkind: Computer\nname: pc1\nmacs: [52:54:00:77:00:11]\n")
	box, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/one/token", nil).Token, "s")
	at, number := r.clock.now(), uint64(0)
	send := func(events ...api.BoxEvent) {
		t.Helper()
		for i := range events {
			number++
			events[i].Number = number
		}
		must[api.EventAck](t, box, "POST", "/v1/box/events", api.EventBatch{StateID: "s", Events: events})
	}
	message := func(job string, n uint64, after time.Duration) api.BoxEvent {
		return api.BoxEvent{Status: &status.Message{Job: job, Number: n, Time: at.Add(after), ID: status.ActionCompleted, Computer: "pc1", Advertisement: "x"}}
	}
	flight := func(client string, after time.Duration) api.BoxEvent {
		return api.BoxEvent{Flight: &status.FlightEvent{Client: client, Time: at.Add(after), What: "dhcp"}}
	}
	send(message("old", 1, 0))

	live := r.person().listen("", "")
	mine := r.person().listen("?computer=pc1", "")
	send(message("a", 1, 2*time.Second), flight("52:54:00:77:00:99", time.Second), flight("52:54:00:77:00:11", 3*time.Second))
	want := []string{"flight dhcp of 52:54:00:77:00:99 at one", "status a 1 of pc1 at one", "flight dhcp of 52:54:00:77:00:11 at one"}
	got := []string{live.tell(), live.tell(), live.tell()}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want[1:], []string{mine.tell(), mine.tell()}); d != "" {
		t.Error(d)
	}
	// A reader that lost his connection goes on where he was; 0-0 is the beginning.
	place := live.in.LastID()
	live.stop()
	send(message("a", 2, time.Minute))
	if got := r.person().listen("", place).tell(); got != "status a 2 of pc1 at one" {
		t.Errorf("behind %s: %s", place, got)
	}
	// One whose place is ahead, since the site was restored from a backup, misses nothing new.
	ahead := r.person().listen("", "900-900")
	send(message("b", 1, 2*time.Minute))
	if got := ahead.tell(); got != "status b 1 of pc1 at one" {
		t.Errorf("from a place that is ahead: %s", got)
	}
	all := r.person().listen("?after=0-0&job=a", "")
	if got := all.tell(); got != "status a 1 of pc1 at one" {
		t.Errorf("from the beginning: %s", got)
	}
	if code, raw := r.person().call("GET", "/v1/events?after=7", nil); code != http.StatusBadRequest {
		t.Errorf("a place that is none: %d %s", code, raw)
	}
}

// TestStreamTellsWhatOneMaySee: rights hold for each event.
func TestStreamTellsWhatOneMaySee(t *testing.T) {
	_, people := twoWards(t)
	seven := people["sees ward 7"].listen("?after=0-0", "")
	got := []string{seven.tell(), seven.tell()}
	slices.Sort(got)
	if d := cmp.Diff([]string{"flight dhcp of 52:54:00:77:00:07 at box7", "status job7 1 of w7-pc1 at box7"}, got); d != "" {
		t.Error(d)
	}
}

func TestStreamsAreCounted(t *testing.T) {
	var s streams
	var leave []func()
	for range maxOwn {
		l, err := s.enter("ann")
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	if _, err := s.enter("ann"); err == nil {
		t.Error("one person has all streams")
	}
	if _, err := s.enter("bob"); err != nil {
		t.Error(err)
	}
	leave[0]()
	if _, err := s.enter("ann"); err != nil {
		t.Errorf("behind the end of one: %v", err)
	}
}

// TestStatusViews: the views of the site, and that they hold what one may see.
func TestStatusViews(t *testing.T) {
	r, people := twoWards(t)
	for who, want := range map[*peer]string{r.person(): "Eight 0/1 Seven 0/1 x 2/2 ", people["sees ward 7"]: "Seven 0/1 x 1/1 "} {
		got := ""
		for _, row := range must[status.Homepage](t, who, "GET", "/v1/status/homepage", nil).Rows {
			got += fmt.Sprintf("%s %d/%d ", row.Name, row.Running, row.Machines)
		}
		if got != want {
			t.Errorf("homepage: %q, want %q", got, want)
		}
	}
	a := must[status.AdvertisementStatus](t, r.person(), "GET", "/v1/status/advertisements/Seven", nil)
	if len(a.Machines) != 1 || a.Machines[0].Computer != "w7-pc1" || a.Machines[0].State != status.NoStatus || a.Collection != "Ward 7" {
		t.Errorf("advertisement: %+v", a)
	}
	if code, _ := people["sees ward 7"].call("GET", "/v1/status/advertisements/Eight", nil); code != http.StatusNotFound {
		t.Errorf("an advertisement of another ward: %d", code)
	}
	names := func(p *peer) (all []string) {
		for _, m := range must[[]trace.Machine](t, p, "GET", "/v1/status/unprovisioned", nil) {
			all = append(all, m.Computer+" "+m.State)
		}
		return all
	}
	if d := cmp.Diff([]string{"w7-pc1 running", "w8-pc1 running"}, names(r.person())); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"w7-pc1 running"}, names(people["sees ward 7"])); d != "" {
		t.Error(d)
	}
}
