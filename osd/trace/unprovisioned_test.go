package trace

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd/status"
)

// of gives events to another machine.
func of(mac string, events []status.FlightEvent) []status.FlightEvent {
	for i := range events {
		events[i].Client = mac
	}
	return events
}

func TestUnprovisioned(t *testing.T) {
	job := func(id, computer string, ago time.Duration, ended status.MessageID) status.Job {
		return status.Job{Job: id, Computer: computer, Advertisement: "Debian", Box: "ward7-box", Started: start.Add(-ago), Seen: start.Add(-ago), Last: status.ActionCompleted, Ended: ended,
			Step: 3, Action: "Apply Operating System"}
	}
	jobs := []status.Job{
		job("runs", "runs", time.Minute, 0), job("failed", "failed", time.Hour, status.SequenceFailed),
		job("long-ago", "long-ago", 8*24*time.Hour, status.SequenceFailed),
		job("first", "again", 2*time.Hour, status.SequenceFailed), job("second", "again", time.Hour, status.SequenceCompleted),
		job("waited", "waits", time.Hour, status.SequenceFailed), job("back", "back", time.Hour, status.SequenceCompleted),
	}
	waits := []status.Wait{{Computer: "waits", MAC: "52:54:00:00:00:07", Code: "482-913", Why: "it is not known", Since: start, Advertisement: "Debian", Box: "ward7-box"}}
	var events []status.FlightEvent
	events = append(events, of("52:54:00:00:00:01", seen(asks, offered, takes, asks2, acked, loads, agents, claims, "job-started job=runs | Install"))...)
	events = append(events, of("52:54:00:00:00:02", seen(asks, "refused fw=uefi-x64-pxe cause=policy | silent: it had its run"))...) // asked and got nothing
	events = append(events, of("52:54:00:00:00:03", seen(asks, "dhcp-offer fw=uefi-x64-pxe cause=next | (to its disk)"))...)         // at rest
	events = append(events, of("52:54:00:00:00:07", seen(asks, offered))...)                                                         // waits
	events = append(events, of("52:54:00:00:00:08", seen(asks, "refused fw=uefi-x64-pxe cause=policy | silent: it had its run"))...) // had a job, asks again
	old := of("52:54:00:00:00:04", seen(asks))
	old[0].Time = start.Add(-2 * time.Hour)
	events = append(old, events...)
	got := Unprovisioned(jobs, waits, events, map[string]string{"52:54:00:00:00:08": "back"}, start.Add(2*time.Minute))
	var lines []string
	for _, m := range got {
		lines = append(lines, strings.Join([]string{m.Computer, m.MAC, m.State, string(m.Code)}, " "))
	}
	want := []string{" 52:54:00:00:00:02 stopped not-answered", "back 52:54:00:00:00:08 stopped not-answered", "failed  failed ", "runs 52:54:00:00:00:01 running ", "waits 52:54:00:00:00:07 waiting "}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
	var b strings.Builder
	if err := Table(got).WriteText(&b, 80); err != nil {
		t.Fatal(err)
	}
	file := "testdata/unprovisioned-80.txt"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(golden), b.String()); d != "" {
		t.Error(d)
	}
}
