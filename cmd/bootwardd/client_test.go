package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	sitestore "github.com/bootward/bootward/site/store"
)

// TestRunningClient: a mandatory recurring advertisement to running clients comes
// to a client at its time and once, never to a machine that boots from the
// network, and its end is reported to the site.
func TestRunningClient(t *testing.T) {
	r := newRig(t)
	now := time.Now().UTC()
	at := now.Add(10 * time.Minute).Truncate(time.Minute) // the box's clock is set behind it
	every := "every 24 hours from " + at.Format("2006-01-02T15:04")
	doc := "kind: SiteSettings\nname: site\nclientAgent: true\n---\n" +
		"kind: TaskSequence\nname: Save logs\nbootImage: linux-x64\nsteps:\n  - runCommandLine: {command: id}\n---\n" +
		"kind: Advertisement\nname: Logs\ncomment: The logs are saved.\ncollection: Ward 7\nsequence: Save logs\navailableTo: [runningClients]\n" +
		"mandatory: [\"" + every + "\"]\nrerun: always\ncountdown: 15m\nreminders: [24h, 15m]\n"
	if _, err := r.site.Apply(t.Context(), "ann", api.Apply{AcceptMissing: true, Documents: []api.Document{{File: "logs.yaml", YAML: doc}}}); err != nil {
		t.Fatal(err)
	}
	r.startBox()
	r.ready()
	pxe, client := r.target(mac1, guid), r.target(mac1, guid)
	ask := func(m *target, where string) (logs *api.Offer, o api.Offers) {
		t.Helper()
		if code, text := m.call(api.RouteOffers, api.Ask{Identity: m.id, Where: where}, &o); code != http.StatusOK {
			t.Fatalf("offers: %d %s", code, text)
		}
		for i := range o.Offers {
			if o.Offers[i].Name == "Logs" {
				logs = &o.Offers[i]
			}
			if o.Offers[i].Destructive && where != "" {
				t.Errorf("offered to a running client: %+v", o.Offers[i])
			}
		}
		return logs, o
	}
	logs, o := ask(client, osd.ToRunningClients)
	if logs != nil || len(o.Upcoming) != 1 || !o.Upcoming[0].At.Equal(at) || !o.Next.Equal(at) || len(o.Upcoming[0].Reminders) != 2 {
		t.Fatalf("before its time: %+v", o)
	}
	r.clock.Store(int64(at.Add(time.Minute).Sub(now)))
	if logs, _ := ask(pxe, ""); logs != nil {
		t.Errorf("offered by PXE: %+v", logs)
	}
	if _, code, text := pxe.claim(o.Upcoming[0].Advertisement); code != http.StatusUnprocessableEntity {
		t.Errorf("claimed by PXE: %d %s", code, text)
	}
	logs, _ = ask(client, osd.ToRunningClients)
	if logs == nil || !logs.Mandatory || logs.Countdown != osd.Duration(15*time.Minute) {
		t.Fatalf("at its time: %+v", logs)
	}
	job := client.claimRunning(t, logs.Advertisement)
	if logs, _ := ask(client, osd.ToRunningClients); logs != nil {
		t.Errorf("offered while it runs: %+v", logs)
	}
	send(t, client, job, 1, status.SequenceStarted, 2)
	send(t, client, job, 2, status.SequenceCompleted, 3)
	if logs, o := ask(client, osd.ToRunningClients); logs != nil || len(o.Upcoming) != 1 || !o.Upcoming[0].At.Equal(at.Add(24*time.Hour)) {
		t.Errorf("after its run: %+v, %+v", logs, o.Upcoming)
	}
	r.eventually("messages at the site", func() error {
		got, err := r.site.Messages(t.Context(), "ann", sitestore.MessageFilter{Job: job.ID})
		if err == nil && len(got.Messages) != 2 {
			err = fmt.Errorf("%d messages, want 2", len(got.Messages))
		}
		return err
	})
}

// claimRunning claims as a running client and fetches the job.
func (m *target) claimRunning(t *testing.T, advertisement string) (job api.Job) {
	t.Helper()
	if _, code, text := m.try(api.Claim{Advertisement: advertisement, Where: osd.ToRunningClients}); code != http.StatusOK {
		t.Fatalf("claim: %d %s", code, text)
	}
	if code, text := m.call(api.RouteJob, nil, &job); code != http.StatusOK || !job.ClientAgent || len(job.Grant) != 0 {
		t.Fatalf("job: %d %s", code, text)
	}
	return job
}
