package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
)

// TestMarksHaveAnEnd: a machine that fetches its boot image again and again leaves one
// mark, made-up ones leave as many as are kept, and none counts as a job that was opened.
func TestMarksHaveAnEnd(t *testing.T) {
	s, now := openTest(t, filepath.Join(t.TempDir(), "box.db")), time.Now()
	mark := func(i int, machine string) {
		t.Helper()
		id := fmt.Sprintf("m%d", i)
		j := Job{ID: id, Machine: machine, Key: "served " + id, Opened: now.Add(time.Duration(i) * time.Millisecond), Document: api.Job{ID: id, Advertisement: "A1"}}
		if err := s.MarkRun(t.Context(), j); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 30 {
		mark(i, "mac:52:54:00:00:00:01")
	}
	count := func(of string) (n int) {
		t.Helper()
		if err := s.db.QueryRow("SELECT count(*) FROM jobs WHERE machine LIKE ?", of).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count("%"); n != 1 {
		t.Errorf("%d marks of one machine", n)
	}
	if n, err := s.CountJobs(t.Context(), "mac:52:54:00:00:00:01", now.Add(-time.Hour)); err != nil || n != 0 {
		t.Errorf("%d jobs count, %v", n, err)
	}
	if _, err := s.db.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO jobs (id, machine, computer, name, client, advertisement, sequence, key, grant_id, identity, document, state, opened, seen)
		SELECT 'x' || i, 'mac:x' || i, '', '', '', 'A1', '', 'served x' || i, '', '{}', '{}', 'succeeded', i, i FROM n`, maxMarks+50); err != nil {
		t.Fatal(err)
	}
	mark(99, "mac:52:54:00:00:00:02")
	if n := count("%"); n != maxMarks+1 {
		t.Errorf("%d marks are kept, want %d", n, maxMarks+1)
	}
}
