package sqlite

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
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
