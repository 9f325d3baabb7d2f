package store

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"

	"github.com/bootward/bootward/osd/status"
)

// TestPositionIsKept: it is in the transaction that keeps the messages, counts
// repeated ones once, and survives a restart. A sequence that cannot be read has
// no position.
func TestPositionIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box.db")
	s := openTest(t, path)
	ctx := t.Context()
	good, bad := job("a", "computer:1", ""), job("b", "computer:2", "")
	good.Document.Sequence.Document = json.RawMessage(`{"format":1,"name":"s","steps":[{"runCommandLine":{"command":"x"}},
		{"group":"G","disabled":true,"steps":[{"runCommandLine":{"command":"x"}}]},{"runCommandLine":{"command":"x"}}]}`)
	bad.Document.Sequence.Document = json.RawMessage(`{"format":99}`)
	if err := errors.Join(s.OpenJob(ctx, good, ""), s.OpenJob(ctx, bad, "")); err != nil {
		t.Fatal(err)
	}
	batch := []status.Message{{Number: 1, ID: status.SequenceStarted}, {Number: 2, ID: status.ActionCompleted, Step: 1}, {Number: 3, ID: status.ActionDisabled, Step: 2}}
	at := func(id string) int {
		t.Helper()
		j, err := s.Job(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return j.Position
	}
	if at("a") != 1 {
		t.Errorf("a fresh job stands at %d", at("a"))
	}
	for _, id := range []string{"a", "b", "a"} {
		if _, err := s.Append(ctx, id, batch, now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Append(ctx, "a", []status.Message{{Number: 9, ID: status.ActionCompleted, Step: 4}}, now); err == nil {
		t.Error("a gap was taken")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, path)
	defer s.Close()
	if at("a") != 4 || at("b") != 1 {
		t.Errorf("the jobs stand at %d and %d, want 4 and 1", at("a"), at("b"))
	}
	alarm := status.FlightEvent{What: "alarm", Job: "a"}
	r := Release{Job: "a", Step: 4, Key: "k", Computer: "pc", Secrets: []string{"join", "key"}}
	for range 2 {
		if err := s.NoteRelease(ctx, r, alarm, now); err != nil {
			t.Fatal(err)
		}
	}
	if log, err := s.AuditLog(ctx, 10); err != nil || len(log) != 2 {
		t.Errorf("audit log %v, %v", log, err)
	}
	r.Key = "l"
	if err := s.NoteRelease(ctx, r, alarm, now); !errors.Is(err, ErrOtherKey) {
		t.Errorf("another key: %v", err)
	}
	r.Step = 1
	if err := s.NoteRelease(ctx, r, alarm, now); !errors.Is(err, ErrNotAtStep) {
		t.Errorf("another step: %v", err)
	}
	if _, err := s.Append(ctx, "a", []status.Message{{Number: 4, ID: status.SequenceFailed}}, now); err != nil {
		t.Fatal(err)
	}
	r.Key, r.Step = "k", 4
	if err := s.NoteRelease(ctx, r, alarm, now); !errors.Is(err, ErrEnded) {
		t.Errorf("behind the end: %v", err)
	}
}
