package appliance

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/boxclient"
	"github.com/bootward/bootward/osd/status"
)

var errEnough = errors.New("enough")

// client is a technician at the box of the door.
func (d *door) client(name string) *boxclient.Client {
	d.t.Helper()
	at := must[*url.URL](d.t)(url.Parse(d.url))
	c := must[*boxclient.Client](d.t)(boxclient.New(d.Anchor, at.Host, nil))
	must[api.Session](d.t)(c.SignIn(d.t.Context(), name, wardPIN))
	d.t.Cleanup(c.Close)
	return c
}

// TestStream: what a machine does comes to the reader as it is kept, also how far a
// step is; who comes back goes on where he was.
func TestStream(t *testing.T) {
	d := newDoor(t)
	d.desk.Progress, d.desk.Moved = d.point.Progress, d.point.Moved
	d.listen()
	job := d.peer(d.running("job1"), "")
	send := func(b api.StatusBatch) {
		t.Helper()
		raw := must[[]byte](t)(json.Marshal(b))
		if code, answer := job.ask("POST", "/v1/job/status", string(raw)); code != http.StatusOK {
			t.Fatalf("%d %s", code, answer)
		}
	}
	step := func(n uint64, action string) status.Message {
		return status.Message{Number: n, Time: time.Now(), ID: status.ActionCompleted, Step: int(n), Action: action}
	}
	tech := d.client("bob")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got []string
	place, err := tech.Events(ctx, "", nil, func(e status.Event) error {
		switch {
		case e.Status != nil:
			if got = append(got, "status "+e.Status.Action); e.Box != "ward7-box" {
				t.Errorf("box %q", e.Box)
			}
			send(api.StatusBatch{Progress: &status.Progress{Step: 2, Action: "two", Done: 1, Total: 2}})
		case e.Progress != nil:
			got = append(got, "progress "+e.Progress.Action)
			return errEnough
		default: // it has begun
			send(api.StatusBatch{Messages: []status.Message{step(1, "one")}})
		}
		return nil
	})
	if d := cmp.Diff([]string{"status one", "progress two"}, got); d != "" || !errors.Is(err, errEnough) {
		t.Errorf("%v %s", err, d)
	}
	send(api.StatusBatch{Messages: []status.Message{step(2, "two"), step(3, "three")}})
	got = nil
	_, err = tech.Events(ctx, place, url.Values{"job": {"job1"}}, func(e status.Event) error {
		if e.Status != nil {
			got = append(got, e.Status.Action)
		}
		if len(got) == 2 {
			return errEnough
		}
		return nil
	})
	if d := cmp.Diff([]string{"two", "three"}, got); d != "" || !errors.Is(err, errEnough) {
		t.Errorf("behind %s: %v %s", place, err, d)
	}
}

// TestViewsAtTheBox: what a technician sees of deployments while the line is cut.
func TestViewsAtTheBox(t *testing.T) {
	d := newDoor(t)
	d.listen()
	d.running("ward7-pc1")
	d.waits("482-913")
	c, ctx := d.client("bob"), t.Context()
	h := must[status.Homepage](t)(c.Homepage(ctx))
	if len(h.Rows) != 2 || h.Rows[0].Name != "Look" || h.Rows[0].NoStatus != 1 || h.Total.Running != 1 {
		t.Errorf("%+v", h)
	}
	if a := must[status.AdvertisementStatus](t)(c.AdvertisementStatus(ctx, "A1")); len(a.Machines) != 1 || a.Machines[0].Computer != "ward7-pc1" {
		t.Errorf("%+v", a)
	}
	if _, err := c.AdvertisementStatus(ctx, "none"); err == nil {
		t.Error("an advertisement that is not there")
	}
	all, err := c.Unprovisioned(ctx)
	fatal(t, err)
	var names []string
	for _, m := range all {
		names = append(names, m.Computer+" "+m.State)
	}
	if d := cmp.Diff([]string{"pc waiting", "ward7-pc1 running"}, names); d != "" {
		t.Error(d)
	}
}
