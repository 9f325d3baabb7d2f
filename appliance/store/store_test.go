package store

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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

// TestEndWithinABatch: what follows the end in one batch does not undo it; the job would stay open, though its machine
// is done.
func TestEndWithinABatch(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	if err := s.OpenJob(t.Context(), job("a", "computer:1", ""), ""); err != nil {
		t.Fatal(err)
	}
	var batch []status.Message
	for i, id := range []status.MessageID{status.ActionFailed, status.SequenceFailed, status.SequenceFailed} {
		batch = append(batch, status.Message{Job: "a", Number: uint64(i + 1), ID: id})
	}
	if next, err := s.Append(t.Context(), "a", batch, now); err != nil || next != 3 {
		t.Errorf("next %d, %v", next, err)
	}
	if j, err := s.Job(t.Context(), "a"); err != nil || j.State != JobFailed || j.Next != 3 {
		t.Errorf("%+v, %v", j, err)
	}
	if _, err := s.Append(t.Context(), "a", batch[2:], now); !errors.Is(err, ErrEnded) {
		t.Errorf("what follows: %v", err)
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

// TestFlightEventsCannotFillTheDisk: what nobody in particular can cause has a
// bound, also when the site is gone for months; status messages are kept.
func TestFlightEventsCannotFillTheDisk(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	s.maxOutbox = 20
	ctx := t.Context()
	kept := 0
	for range 30 {
		switch err := s.Record(ctx, status.FlightEvent{Time: now, Text: strings.Repeat("é", 4000)}); {
		case err == nil:
			kept++
		case !errors.Is(err, ErrOutboxFull):
			t.Fatal(err)
		}
	}
	if kept != 20 {
		t.Errorf("%d of 30 events kept, want 20", kept)
	}
	if err := s.OpenJob(ctx, job("a", "computer:1", "g1"), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(ctx, "a", []status.Message{{Job: "a", Number: 1, ID: status.SequenceStarted}}, now); err != nil {
		t.Errorf("a status message while the outbox is full: %v", err)
	}
	events, err := s.Unsent(ctx, 100)
	if err != nil || len(events) != 22 || len(events[0].Flight.Text) > maxFlightText {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if err := s.Acked(ctx, 23, now); err != nil {
		t.Fatal(err)
	}
	for range 100 { // what the site has makes room at once
		if err := s.Record(ctx, status.FlightEvent{Time: now}); err != nil {
			t.Fatal(err)
		}
		if err := s.Acked(ctx, counterOf(t, s, "outboxNext"), now); err != nil {
			t.Fatal(err)
		}
	}
	if e, err := s.Timeline(ctx, 1000); err != nil || len(e) > 20 {
		t.Errorf("%d entries are kept, %v", len(e), err)
	}
}

func counterOf(t *testing.T, s *Store, key string) uint64 {
	t.Helper()
	v, err := s.Meta(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestUnsentFitsARequest: large messages never make a batch that the site
// refuses, which would stop the outbox for ever.
func TestUnsentFitsARequest(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	ctx := t.Context()
	if err := s.OpenJob(ctx, job("a", "computer:1", ""), ""); err != nil {
		t.Fatal(err)
	}
	for n := range uint64(5) {
		m := status.Message{Job: "a", Number: n + 1, ID: status.ActionCompleted, Output: strings.Repeat("x", 3<<20)}
		if _, err := s.Append(ctx, "a", []status.Message{m}, now); err != nil {
			t.Fatal(err)
		}
	}
	if e, err := s.Unsent(ctx, 500); err != nil || len(e) != 2 || e[0].Number != 1 {
		t.Errorf("%d events, %v; want the two that fit", len(e), err)
	}
}

// TestWritesAreDurable: acknowledged means on the disk.
func TestWritesAreDurable(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	var journal string
	var synchronous int
	if err := errors.Join(s.writer.QueryRow("PRAGMA journal_mode").Scan(&journal), s.writer.QueryRow("PRAGMA synchronous").Scan(&synchronous)); err != nil {
		t.Fatal(err)
	}
	if journal != "wal" || synchronous != 2 {
		t.Errorf("journal %s, synchronous %d, want wal and 2 (FULL)", journal, synchronous)
	}
}

// TestDeclinesAreBounded: machines that decline can be made up.
func TestDeclinesAreBounded(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	macs := make([]string, maxBoots+500)
	for i := range macs {
		macs[i] = fmt.Sprint(i)
	}
	if err := s.Declined(t.Context(), macs, "", now); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := s.db.QueryRow("SELECT count(*) FROM pxe").Scan(&n); err != nil || n != maxBoots {
		t.Errorf("%d machines are remembered, %v; want %d", n, err, maxBoots)
	}
}

// TestRestoredSiteIsNotStuck: a site of an old backup asks for entries that are
// gone; what is behind them still reaches it.
func TestRestoredSiteIsNotStuck(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	ctx := t.Context()
	put := func() {
		t.Helper()
		if err := s.Record(ctx, status.FlightEvent{Time: now}); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		put()
	}
	if err := s.Acked(ctx, 6, now.Add(2*keepOutbox)); err != nil { // all five are gone
		t.Fatal(err)
	}
	for _, tt := range []struct{ add, next, from, to, full uint64 }{
		{0, 2, 2, 5, 0}, // nothing is kept at all
		{1, 3, 3, 5, 0}, // the empty ones first
		{0, 6, 6, 6, 1},
	} {
		for range tt.add {
			put()
		}
		if err := s.Acked(ctx, tt.next, now); err != nil {
			t.Fatal(err)
		}
		e, err := s.Unsent(ctx, 10)
		if err != nil || len(e) == 0 || e[0].Number != tt.from || e[len(e)-1].Number != tt.to {
			t.Fatalf("asked for %d again: %+v, %v", tt.next, e, err)
		}
		if full := e[0].Flight != nil; full != (tt.full == 1) {
			t.Errorf("asked for %d again: %+v", tt.next, e[0])
		}
	}
}
