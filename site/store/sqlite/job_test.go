package sqlite

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
)

// TestJobsOfOldMessages opens a database from before there was a table of jobs: the
// jobs are those that the messages would have made.
func TestJobsOfOldMessages(t *testing.T) {
	at := time.Date(2026, 12, 1, 18, 0, 0, 123e6, time.UTC)
	messages := []status.Message{
		{Job: "j1", Number: 1, ID: status.SequenceStarted, Time: at, Computer: "pc1", Advertisement: "adv", Sequence: "Debian"},
		{Job: "j1", Number: 3, ID: status.SequenceFailed, Time: at.Add(2 * time.Second), ExitCode: 7, Computer: "pc1", Advertisement: "adv", Sequence: "Debian"},
		{Job: "j1", Number: 2, ID: status.ActionFailed, Time: at.Add(time.Second), Step: 4, Action: "a", Group: "g", ExitCode: 5, Computer: "pc1", Advertisement: "adv", Sequence: "Debian"},
		{Job: "j2", Number: 1, ID: status.ActionCompleted, Time: at, Step: 4, Action: "a", Group: "g", Computer: "pc2", Advertisement: "adv"},
	}
	file := filepath.Join(t.TempDir(), "old.db")
	db, err := sql.Open("sqlite", dsn(file, "immediate"))
	if err != nil {
		t.Fatal(err)
	}
	for n, name := range []string{"0001_start", "0002_token_by", "0003_who_gets_what", "0004_people_and_secrets", "0005_credentials_made"} {
		if err := migrateOne(t.Context(), db, "migrations/"+name+".sql", n+1); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range messages {
		document, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("INSERT INTO messages (box, job, number, message_id, computer, advertisement, document) VALUES (?, ?, ?, ?, ?, ?, ?)",
			"box", m.Job, int64(m.Number), int64(m.ID), m.Computer, m.Advertisement, document); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var got [2][]status.Job
	for i, name := range []string{file, filepath.Join(t.TempDir(), "new.db")} {
		s, err := Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if i == 1 {
			err = s.Write(t.Context(), func(x store.Tx) error {
				for _, m := range messages {
					if err := x.AddMessage("box", m); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err == nil {
			err = s.Read(t.Context(), func(x store.Tx) (err error) {
				got[i], err = x.Jobs(store.JobFilter{})
				return err
			})
		}
		if err != nil {
			t.Fatal(fmt.Errorf("%s: %w", name, err))
		}
	}
	if d := cmp.Diff(got[1], got[0]); d != "" || len(got[0]) != 2 {
		t.Errorf("migrated against new: %s", d)
	}
}

// TestJobsOfABatch: what a batch says of its jobs is what its messages say one by one, whose jobs
// they are is known in the midst of it, and a run of messages of a job is one row that is written once.
func TestJobsOfABatch(t *testing.T) {
	at := time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)
	var messages []status.Message
	for i, n := range []uint64{2, 1, 4, 3, 5} {
		for _, job := range []string{"j1", "j2"} {
			id := status.ActionCompleted
			if n == 5 {
				id = status.SequenceFailed
			}
			messages = append(messages, status.Message{Job: job, Number: n, ID: id, Time: at.Add(time.Duration(n) * time.Second), Step: int(n), Computer: fmt.Sprint("pc", i)})
		}
	}
	runs := slices.Clone(messages)
	slices.SortStableFunc(runs, func(a, b status.Message) int { return strings.Compare(a.Job, b.Job) })
	var got [3][]status.Job
	for i, batches := range [][][]status.Message{slices.Collect(slices.Chunk(messages, 1)), {messages}, {runs}} {
		s, err := Open(t.Context(), filepath.Join(t.TempDir(), "jobs.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := s.write.Exec("CREATE TABLE writes (job TEXT); CREATE TRIGGER a AFTER INSERT ON jobs BEGIN INSERT INTO writes VALUES (new.job); END; CREATE TRIGGER b AFTER UPDATE ON jobs BEGIN INSERT INTO writes VALUES (new.job); END"); err != nil {
			t.Fatal(err)
		}
		for _, batch := range batches {
			err := s.Write(t.Context(), func(x store.Tx) error {
				for _, m := range batch {
					box := "box"
					if owner, err := x.JobBox(m.Job); err == nil {
						if box = "another"; owner != "box" {
							t.Errorf("job %s is of %q", m.Job, owner)
						}
					}
					if err := x.AddMessage(box, m); err != nil {
						return err
					}
				}
				if i == 2 {
					_, err := x.Jobs(store.JobFilter{}) // sees what the batch has added
					return err
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Read(t.Context(), func(x store.Tx) (err error) { got[i], err = x.Jobs(store.JobFilter{}); return err }); err != nil {
			t.Fatal(err)
		}
		if n := 0; i == 2 {
			if err := s.read.QueryRow("SELECT count(*) FROM writes").Scan(&n); err != nil || n != 2 {
				t.Errorf("two runs made %d writes, %v", n, err)
			}
		}
	}
	for i := 1; i < 3; i++ {
		if d := cmp.Diff(got[0], got[i]); d != "" || len(got[i]) != 2 {
			t.Errorf("batch %d against one by one: %s", i, d)
		}
	}
}
