package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/status"
)

// becomes is a job by which a machine becomes computer local-N.
func becomes(n int) Job {
	id := fmt.Sprintf("local-%d", n)
	known := osd.Computer{Meta: osd.Meta{ID: id, Name: fmt.Sprintf("pc%d", n)}, MACs: []string{"52:54:00:00:00:01"}, Provisional: true}
	job := fmt.Sprintf("job%d", n)
	return Job{ID: job, Machine: "computer:" + id, Computer: id, Name: known.Name, Key: job, Known: &api.Known{Computer: known}, Stranger: true,
		Identity: api.Identity{SerialNumber: "S"}, Addresses: []string{"10.0.0.1"}, Document: api.Job{ID: job}, Opened: time.UnixMilli(int64(n) * 1000)}
}

// TestComputersHaveAnEnd: the oldest that never had a job that succeeded goes; one
// with an open job, or that succeeded, stays; when all stay, none is added.
func TestComputersHaveAnEnd(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	s.maxKnown = 3
	now := time.UnixMilli(1e6)
	ids := func() (all []string) {
		t.Helper()
		computers, err := s.Computers(t.Context())
		fatal(t, err)
		for _, c := range computers {
			all = append(all, c.ID)
		}
		return all
	}
	final := func(n int, id status.MessageID) {
		t.Helper()
		job := fmt.Sprintf("job%d", n)
		_, err := s.Append(t.Context(), job, []status.Message{{Job: job, Number: 1, ID: id}}, now)
		fatal(t, err)
	}
	for n := range 3 {
		fatal(t, s.OpenJob(t.Context(), becomes(n), ""))
	}
	if err := s.OpenJob(t.Context(), becomes(3), ""); !errors.Is(err, ErrTooManyKnown) {
		t.Errorf("one more while all have open jobs: %v", err)
	}
	final(0, status.SequenceCompleted)
	final(1, status.SequenceFailed)
	final(2, status.SequenceFailed)
	fatal(t, s.OpenJob(t.Context(), becomes(4), ""))
	if got := fmt.Sprint(ids()); got != "[local-0 local-2 local-4]" {
		t.Errorf("computers %s", got)
	}
	fatal(t, s.Adopt(t.Context(), map[string]string{"local-0": "CEN1"}, nil, now))
	fatal(t, s.OpenJob(t.Context(), becomes(5), ""))
	if got := fmt.Sprint(ids()); got != "[local-2 local-4 local-5]" {
		t.Errorf("computers %s: the one that the site knows goes first", got)
	}
	if inventories, err := s.Inventories(t.Context()); err != nil || len(inventories) != 4 {
		t.Errorf("%d inventories, %v", len(inventories), err)
	}
}

// TestAdopt: everything that is remembered goes over, what both have is not
// counted twice, and of two open jobs the older one ends.
func TestAdopt(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	now := time.UnixMilli(1e6)
	site := Job{ID: "site", Machine: "computer:CEN1", Computer: "CEN1", Name: "pc", Key: "site", Document: api.Job{ID: "site"}, Opened: time.UnixMilli(1),
		Identity: api.Identity{Inventory: &inventory.Machine{SerialNumber: "old"}}}
	fatal(t, s.OpenJob(t.Context(), site, ""))
	fatal(t, s.OpenJob(t.Context(), becomes(1), ""))
	for _, machine := range []string{"computer:CEN1", "computer:local-1"} {
		_, err := s.Want(t.Context(), machine, []string{"A"}, now)
		fatal(t, err)
	}
	_, err := s.Want(t.Context(), "computer:local-1", []string{"B"}, now)
	fatal(t, err)
	before := s.KnownChange()
	fatal(t, s.Adopt(t.Context(), map[string]string{"local-1": "CEN1"}, nil, now))
	if s.KnownChange() == before {
		t.Error("nobody hears of the change")
	}
	jobs, err := s.JobsOf(t.Context(), "computer:CEN1")
	fatal(t, err)
	if len(jobs) != 2 || jobs[0].State != JobAbandoned || jobs[1].ID != "job1" || jobs[1].State != JobOpen || jobs[1].Computer != "CEN1" {
		t.Errorf("jobs %+v", jobs)
	}
	if late, err := s.JobsOf(t.Context(), "computer:local-1"); err != nil || len(late) != 2 {
		t.Errorf("by the key of before: %d jobs, %v", len(late), err)
	}
	if _, err := s.Want(t.Context(), "computer:local-1", []string{"B"}, now); err != nil {
		t.Error(err)
	}
	w, err := s.Wipes(t.Context(), now)
	fatal(t, err)
	if fmt.Sprint(w.Wanting) != "map[A:1 B:1]" {
		t.Errorf("wanting %v", w.Wanting)
	}
	inventories, err := s.Inventories(t.Context())
	fatal(t, err)
	if r := inventories["CEN1"]; len(inventories) != 1 || r.SerialNumber != "S" || fmt.Sprint(r.IPAddresses) != "[10.0.0.1]" {
		t.Errorf("inventories %+v", inventories)
	}
	// The job succeeds after the site came to know its machine: the site hears of
	// it under the ID that the box gave.
	_, err = s.Append(t.Context(), "job1", []status.Message{{Job: "job1", Number: 1, ID: status.SequenceCompleted}}, now)
	fatal(t, err)
	events, err := s.Timeline(t.Context(), 1000)
	fatal(t, err)
	var last *api.Discovered
	for _, e := range events {
		if e.Discovered != nil {
			last = e.Discovered
		}
	}
	if last.Computer != "local-1" || last.Known == nil || last.Known.Provisional || last.Inventory.SerialNumber != "S" {
		t.Errorf("the site is told %+v", last)
	}
	fatal(t, s.Adopt(t.Context(), nil, []string{"local-1"}, now))
	if computers, err := s.Computers(t.Context()); err != nil || len(computers) != 0 {
		t.Errorf("computers %+v, %v", computers, err)
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
