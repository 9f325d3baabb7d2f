package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

func waiting(n int, code string, at time.Time) Approval {
	return Approval{Key: fmt.Sprint("key", n), Nonce: []byte{byte(n)}, PendingApproval: api.PendingApproval{ID: fmt.Sprint("a", n), Code: code, Computer: "pc",
		Identity: api.Identity{MACs: []string{fmt.Sprintf("52:54:00:00:00:%02x", n)}}, AskedAt: at, ExpiresAt: at.Add(15 * time.Minute)}}
}

func TestApprovals(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	ctx := t.Context()
	now := time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)
	ask := func(a Approval) error {
		return s.AskApproval(ctx, a, status.FlightEvent{Client: a.Identity.MACs[0], What: "waits"})
	}
	if err := ask(waiting(1, "111-111", now)); err != nil {
		t.Fatal(err)
	}
	if err := ask(waiting(2, "111-111", now)); !errors.Is(err, ErrSameCode) {
		t.Errorf("the same code twice: %v", err)
	}
	if err := errors.Join(ask(waiting(2, "222-222", now)), s.DecideApproval(ctx, "a1", Approve, "tom", now)); err != nil {
		t.Fatal(err)
	}
	if err := s.DecideApproval(ctx, "a1", Deny, "tom", now); !errors.Is(err, ErrDecided) {
		t.Errorf("decided twice: %v", err)
	}
	if _, err := s.CarryOut(ctx, policy.Order{ID: "o", Kind: policy.OrderDeny, Approval: "a2", By: "ann"}, now); err != nil {
		t.Errorf("order: %v", err)
	}
	all, err := s.Approvals(ctx, now)
	if err != nil || len(all) != 2 || all[0].Decision != Approve || all[0].Who != "tom" || all[1].Decision != Deny || all[1].Who != "ann" {
		t.Errorf("got %+v, %v", all, err)
	}
	if a, ok, err := s.ApprovalByKey(ctx, "key1", now); err != nil || !ok || a.Code != "111-111" || a.Nonce[0] != 1 {
		t.Errorf("by key: %+v, %v, %v", a, ok, err)
	}
	later := now.Add(15 * time.Minute)
	if _, ok, _ := s.ApprovalByKey(ctx, "key1", later); ok {
		t.Error("an approval does not end")
	}
	if err := s.DecideApproval(ctx, "a2", Approve, "tom", later); !errors.Is(err, ErrNotFound) {
		t.Errorf("decided after its end: %v", err)
	}
	// A claim of before the clock was set back has ended: nobody knows when it was.
	back := now.AddDate(-1, 0, 0)
	if _, ok, _ := s.ApprovalByKey(ctx, "key1", back); ok {
		t.Error("an approval is good for a year")
	}
	if all, err := s.Approvals(ctx, back); err != nil || len(all) != 0 {
		t.Errorf("%d wait for a year, %v", len(all), err)
	}
	if err := s.DecideApproval(ctx, "a2", Approve, "tom", back); !errors.Is(err, ErrNotFound) {
		t.Errorf("decided after the clock was set back: %v", err)
	}
	// An order about a machine that gave up is carried out, and does nothing.
	if done, err := s.CarryOut(ctx, policy.Order{ID: "p", Kind: policy.OrderApprove, Approval: "gone", By: "ann"}, now); err != nil || !done {
		t.Errorf("order about nothing: %v, %v", done, err)
	}
	for i := 3; ; i++ {
		err := ask(waiting(i, fmt.Sprintf("000-%03d", i), later))
		if errors.Is(err, ErrTooManyWait) {
			break
		}
		if err != nil || i > maxApprovals+5 {
			t.Fatalf("%d machines wait: %v", i, err)
		}
	}
}

func TestTries(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	ctx := t.Context()
	now := time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)
	wait := func(at time.Time) time.Duration {
		d, err := s.WaitTry(ctx, "tom", at)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for i := range freeTries + 12 {
		if i < freeTries && wait(now) != 0 {
			t.Errorf("waits %s after %d tries", wait(now), i)
		}
		if err := s.NoteTry(ctx, "tom", false, now); err != nil {
			t.Fatal(err)
		}
		if i == freeTries && wait(now) != 2*firstWait {
			t.Errorf("waits %s after %d tries", wait(now), i+1)
		}
	}
	if wait(now) != longWait || wait(now.AddDate(-30, 0, 0)) != longWait || wait(now.Add(longWait)) != 0 {
		t.Errorf("waits %s, %s after the clock was set back", wait(now), wait(now.AddDate(-30, 0, 0)))
	}
	// The wait after a clock that was set back ends by that clock.
	if err := s.NoteTry(ctx, "tom", false, now); err != nil {
		t.Fatal(err)
	}
	if back := now.AddDate(-30, 0, 0); wait(back) != longWait || wait(back.Add(longWait)) != 0 {
		t.Errorf("still waits %s", wait(back.Add(longWait)))
	}
	if err := s.NoteTry(ctx, "tom", true, now); err != nil || wait(now) != 0 {
		t.Errorf("a right one does not forget: %v, %s", err, wait(now))
	}
}

// TestOrdersOutliveAWrongClock: a box whose clock stood years ahead for a while
// carries no order out again.
func TestOrdersOutliveAWrongClock(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	defer s.Close()
	now := time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		id   string
		at   time.Time
		done bool
	}{{"o", now, true}, {"p", now.AddDate(70, 0, 0), true}, {"o", now.Add(time.Minute), false}, {"p", now.Add(time.Minute), false}} {
		done, err := s.CarryOut(t.Context(), policy.Order{ID: tt.id, Kind: policy.OrderResume, By: "ann", IssuedAt: now, ExpiresAt: now.AddDate(0, 0, 1)}, tt.at)
		if err != nil || done != tt.done {
			t.Errorf("%s at %s: %v, %v", tt.id, tt.at, done, err)
		}
	}
}
