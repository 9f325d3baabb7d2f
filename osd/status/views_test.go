package status

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ward is two advertisements: one with machines in every state, one that is new; and
// jobs of a third that is gone.
func ward() ([]Target, []Job, []Wait) {
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	job := func(id, computer string, started time.Duration, last, ended MessageID, code int) Job {
		return Job{Job: id, Box: "ward7-box", Computer: computer, Advertisement: "Ward 7 gets Debian 12", Started: at.Add(started), Seen: at.Add(started + time.Minute),
			Last: last, Step: 4, Action: "Apply Operating System", Group: "Install", ExitCode: code, Ended: ended}
	}
	gone := job("j9", "ward7-pc9", 0, SequenceCompleted, SequenceCompleted, 0)
	gone.Advertisement = "CEN00099"
	byID := job("j5", "ward7-pc5", time.Hour, SequenceCompleted, SequenceCompleted, 0)
	byID.Advertisement = "CEN20016"
	return []Target{
			{ID: "CEN20016", Name: "Ward 7 gets Debian 12", Sequence: "Ward PC, Debian 12", Collection: "Ward 7",
				Computers: []string{"ward7-pc1", "ward7-pc2", "ward7-pc3", "ward7-pc4", "ward7-pc5"}},
			{ID: "CEN20017", Name: "=cmd()", Computers: []string{"ward8-pc1"}},
		}, []Job{
			job("j2", "ward7-pc1", time.Hour, ActionCompleted, 0, 0), // again, behind a failure
			job("j1", "ward7-pc1", 0, SequenceFailed, SequenceFailed, 16389),
			job("j3", "ward7-pc2", 0, SequenceFailed, SequenceFailed, 16389),
			job("j4", "ward7-pc3", 0, SequenceFailed, SequenceFailed, 1), // and waits now
			job("j6", "ward7-stranger", 0, ActionFailed, 0, 5),
			byID, gone,
		}, []Wait{{Computer: "ward7-pc3", Advertisement: "Ward 7 gets Debian 12", Code: "482-913", Box: "ward7-box", Since: at.Add(2 * time.Hour)},
			{Computer: "ward7-pc1", Advertisement: "Ward 7 gets Debian 12", Code: "111-222", Since: at}} // runs already
}

func TestHomepage(t *testing.T) {
	targets, jobs, waits := ward()
	h := NewHomepage(targets, jobs, waits)
	want := map[string]Counts{
		"Ward 7 gets Debian 12": {Running: 2, Succeeded: 1, Failed: 1, Waiting: 1, NoStatus: 1, Machines: 6},
		"=cmd()":                {NoStatus: 1, Machines: 1},
		"CEN00099":              {Succeeded: 1, Machines: 1},
	}
	got := map[string]Counts{}
	for _, r := range h.Rows {
		got[r.Name] = r.Counts
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(Counts{Running: 2, Succeeded: 2, Failed: 1, Waiting: 1, NoStatus: 2, Machines: 8}, h.Total); d != "" {
		t.Error(d)
	}
	golden(t, "homepage", h.Table())
}

func TestAdvertisementStatus(t *testing.T) {
	targets, jobs, waits := ward()
	a := NewAdvertisementStatus(targets[0], jobs, waits)
	if len(a.Machines) != 6 || a.Total != (Counts{Running: 2, Succeeded: 1, Failed: 1, Waiting: 1, NoStatus: 1, Machines: 6}) {
		t.Errorf("%d machines, %+v", len(a.Machines), a.Total)
	}
	golden(t, "advertisement", a.Table())
}

func TestMessagesTable(t *testing.T) {
	golden(t, "messages", MessagesTable(history()))
}

// golden holds a table against its files: 80 columns, one line for each row, CSV.
func golden(t *testing.T, name string, table Table) {
	t.Helper()
	for file, write := range map[string]func(*strings.Builder) error{
		name + "-80.txt":  func(b *strings.Builder) error { return table.WriteText(b, 80) },
		name + "-all.txt": func(b *strings.Builder) error { return table.WriteText(b, 0) },
		name + ".csv":     func(b *strings.Builder) error { return table.WriteCSV(b) },
	} {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile("testdata/"+file, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), b.String()); d != "" {
			t.Errorf("%s: %s", file, d)
		}
		for n, line := range strings.Split(b.String(), "\n") {
			if strings.HasSuffix(file, "-80.txt") && runes(line) > 80 {
				t.Errorf("%s:%d has %d columns", file, n+1, runes(line))
			}
		}
	}
}

func TestChanged(t *testing.T) {
	before, now := Table{Rows: [][]string{{"a", "1"}, {"b", "1"}}}, Table{Rows: [][]string{{"a", "1"}, {"b", "2"}, {"c", ""}}}
	if d := cmp.Diff([][]string{{"b", "2"}, {"c", ""}}, now.Changed(before)); d != "" {
		t.Error(d)
	}
}

func TestFilter(t *testing.T) {
	m := Message{Job: "j", Computer: "pc", Advertisement: "adv", ID: ActionFailed, ExitCode: 5}
	for _, tt := range []struct {
		f    Filter
		want bool
	}{
		{Filter{}, true}, {Filter{Computer: "pc", Advertisement: "adv", Job: "j", Failures: true, IDs: []MessageID{1, ActionFailed}}, true},
		{Filter{Computer: "other"}, false}, {Filter{Advertisement: "other"}, false}, {Filter{Job: "other"}, false}, {Filter{IDs: []MessageID{1}}, false},
	} {
		if got := tt.f.Takes(m); got != tt.want {
			t.Errorf("%+v: %v", tt.f, got)
		}
	}
	if (Filter{Failures: true}).Takes(Message{ID: ActionCompleted}) {
		t.Error("a message without a failure is taken for one")
	}
}
