package store

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/osd/status"
)

var now = time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)

func openTest(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, slog.New(slog.DiscardHandler), now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func job(id, machine, grant string) Job {
	return Job{ID: id, Machine: machine, Computer: "CEN00001", Name: "ward-1", Client: "52:54:00:00:00:01", Sequence: "Ward PC",
		Key: "key-" + id, Grant: grant, Identity: api.Identity{MACs: []string{"52:54:00:00:00:01"}},
		Document: api.Job{Format: 1, ID: id, Advertisement: "CEN00009"}, Opened: now}
}

func TestGrantAndJobAreOneTransaction(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	ctx := t.Context()
	if err := s.OpenJob(ctx, job("a", "computer:1", "g1"), ""); err != nil {
		t.Fatal(err)
	}
	if err := s.OpenJob(ctx, job("b", "computer:1", "g2"), ""); !errors.Is(err, ErrOpen) {
		t.Errorf("second open job of a machine: %v", err)
	}
	if err := s.OpenJob(ctx, job("c", "computer:2", "g1"), ""); !errors.Is(err, ErrGrantUsed) {
		t.Errorf("grant used twice: %v", err)
	}
	used, err := s.UsedGrants(ctx)
	if err != nil || len(used) != 1 || !used["g1"] {
		t.Errorf("used grants %v, %v: a refused job left a trace", used, err)
	}
	if _, err := s.Job(ctx, "c"); !errors.Is(err, ErrNotFound) {
		t.Errorf("refused job: %v", err)
	}
	if err := s.OpenJob(ctx, job("d", "computer:1", "g2"), "a"); err != nil {
		t.Errorf("a job under a new grant: %v", err)
	}
	if j, err := s.Job(ctx, "a"); err != nil || j.State != JobAbandoned {
		t.Errorf("replaced job is %s, %v", j.State, err)
	}
}

func TestOneGrantManyClaimants(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 20 {
		wg.Go(func() {
			err := s.OpenJob(t.Context(), job(fmt.Sprint(i), fmt.Sprint("computer:", i), "g1"), "")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, ErrGrantUsed) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d jobs under one grant", won)
	}
}

func TestMessagesAreContiguousAndCountOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box.db")
	s := openTest(t, path)
	ctx := t.Context()
	if err := s.OpenJob(ctx, job("a", "computer:1", ""), ""); err != nil {
		t.Fatal(err)
	}
	m := func(n uint64, id status.MessageID) status.Message { return status.Message{Job: "a", Number: n, ID: id} }
	batch := []status.Message{m(1, status.SequenceStarted), m(2, status.ActionCompleted)}
	for range 2 {
		if next, err := s.Append(ctx, "a", batch, now); err != nil || next != 3 {
			t.Fatalf("next %d, %v", next, err)
		}
	}
	var gap *GapError
	if _, err := s.Append(ctx, "a", []status.Message{m(5, status.ActionCompleted)}, now); !errors.As(err, &gap) || gap.Next != 3 {
		t.Errorf("gap: %v", err)
	}
	if next, err := s.Append(ctx, "a", []status.Message{m(3, status.SequenceCompleted)}, now); err != nil || next != 4 {
		t.Errorf("final: %d, %v", next, err)
	}
	if next, err := s.Append(ctx, "a", []status.Message{m(3, status.SequenceCompleted)}, now); err != nil || next != 4 {
		t.Errorf("final again: %d, %v", next, err)
	}
	if _, err := s.Append(ctx, "a", []status.Message{m(4, status.ActionCompleted)}, now); !errors.Is(err, ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, path)
	defer s.Close()
	if j, err := s.Job(ctx, "a"); err != nil || j.State != JobSucceeded || j.Next != 4 || j.Document.NextNumber != 4 {
		t.Errorf("after a restart: %+v, %v", j, err)
	}
	events, err := s.Unsent(ctx, 100)
	if err != nil || len(events) != 4 {
		t.Fatalf("outbox holds %d, %v; want three messages and the end", len(events), err)
	}
	for i, e := range events {
		if e.Number != uint64(i+1) || (e.Status == nil) == (e.Flight == nil) {
			t.Errorf("entry %d: %+v", i, e)
		}
	}
}

func TestOutboxHasNoGapsUnderLoad(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	ctx := t.Context()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if err := s.Record(ctx, status.FlightEvent{Time: now, What: "dhcp-discover", Text: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	events, err := s.Unsent(ctx, 100)
	if err != nil || len(events) != 50 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, e := range events {
		if e.Number != uint64(i+1) {
			t.Fatalf("entry %d has number %d", i, e.Number)
		}
	}
	if err := s.Acked(ctx, 31, now); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Waiting(ctx); err != nil || n != 20 {
		t.Errorf("%d wait, %v", n, err)
	}
	if err := s.Acked(ctx, 11, now); err != nil {
		t.Errorf("a restored site asks again: %v", err)
	}
	if e, _ := s.Unsent(ctx, 1); len(e) != 1 || e[0].Number != 11 {
		t.Errorf("sent again: %+v", e)
	}
	if err := s.Acked(ctx, 52, now); err == nil {
		t.Error("a number that was never given was taken")
	}
	if err := s.Acked(ctx, 51, now.Add(31*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if e, _ := s.Timeline(ctx, 10); len(e) != 0 {
		t.Errorf("%d old entries are kept", len(e))
	}
	if err := s.Record(ctx, status.FlightEvent{Time: now}); err != nil {
		t.Fatal(err)
	}
	if e, _ := s.Unsent(ctx, 1); len(e) != 1 || e[0].Number != 51 {
		t.Errorf("numbers began again: %+v", e)
	}
}

func TestBrokenDatabaseIsANewState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box.db")
	s := openTest(t, path)
	first := s.StateID()
	s.Close()
	if s = openTest(t, path); s.StateID() != first || len(first) != 32 {
		t.Errorf("state id %q became %q by a restart", first, s.StateID())
	}
	s.Close()
	if err := os.WriteFile(path, []byte("this is no database, it only fills the place where one was before"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, path)
	defer s.Close()
	if s.StateID() == first {
		t.Error("a new database has the state id of the old one")
	}
	aside, _ := filepath.Glob(path + ".broken-*")
	if len(aside) != 1 {
		t.Errorf("put aside: %v", aside)
	}
}

func TestLeasesAndBoots(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box.db")
	s := openTest(t, path)
	ctx := t.Context()
	a := netip.MustParseAddr("10.0.0.9")
	l := dhcp.Lease{Address: a, Client: "01", MAC: "52:54:00:00:00:01", Expires: now}
	for range 2 {
		if err := s.PutLease(ctx, l); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SawBoot(ctx, "m1", "g", "offered", now); err != nil {
		t.Fatal(err)
	}
	if err := s.Declined(ctx, []string{"m1", "m2"}, "g", now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = openTest(t, path)
	defer s.Close()
	if all, err := s.Leases(ctx); err != nil || len(all) != 1 || all[0] != l {
		t.Errorf("leases %+v, %v", all, err)
	}
	if b, ok, err := s.Boot(ctx, "m1"); err != nil || !ok || b.Outcome != "offered" || !b.Declined.Equal(now.Add(time.Minute)) || !b.First.Equal(now) {
		t.Errorf("boot %+v, %v, %v", b, ok, err)
	}
	if err := errors.Join(s.DeleteLease(ctx, a), s.DeleteLease(ctx, a)); err != nil {
		t.Error(err)
	}
}
