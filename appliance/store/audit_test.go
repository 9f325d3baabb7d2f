package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestPathOfTheDatabase: it is the file of that name that is opened, whatever
// characters are in it.
func TestPathOfTheDatabase(t *testing.T) {
	for _, name := range []string{"a#1.db", "a#2.db", "a?b.db", "a%23c.db", "ä b.db"} {
		path := filepath.Join(t.TempDir(), name)
		if err := openTest(t, path).SetMeta(t.Context(), "who", name); err != nil {
			t.Fatal(err)
		}
		if i, err := os.Stat(path); err != nil || i.Size() == 0 {
			t.Errorf("%s: %v, %v", name, i, err)
		}
	}
}

// TestAuditIsAppendOnly: what stands in the log stays, and goes up to the site.
func TestAuditIsAppendOnly(t *testing.T) {
	ctx := t.Context()
	s := openTest(t, filepath.Join(t.TempDir(), "box.db"))
	now := time.Now().Truncate(time.Millisecond).UTC()
	if err := s.Resume(ctx, "anna", now); err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{"UPDATE audit SET who = 'nobody'", "DELETE FROM audit"} {
		if _, err := s.writer.ExecContext(ctx, change); err == nil {
			t.Errorf("%s was done", change)
		}
	}
	log, err := s.AuditLog(ctx, 10)
	if err != nil || len(log) != 1 || log[0].Who != "anna" || log[0].What != "resume" || !log[0].Time.Equal(now) {
		t.Errorf("audit log %+v, %v", log, err)
	}
	events, err := s.Unsent(ctx, 10)
	if err != nil || len(events) != 1 || events[0].Audit == nil || events[0].Audit.Who != "anna" {
		t.Errorf("outbox %+v, %v", events, err)
	}
}
