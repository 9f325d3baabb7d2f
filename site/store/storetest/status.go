package storetest

import (
	"cmp"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
)

func events(t *testing.T, s store.Store) {
	write(t, s, func(x store.Tx) error { return x.SetNextEvent("CEN00001", "s1", 8) })
	write(t, s, func(x store.Tx) error { return x.SetNextEvent("CEN00001", "s1", 9) })
	read(t, s, func(x store.Tx) error {
		for state, want := range map[string]uint64{"s1": 9, "s2": 1} {
			got, err := x.NextEvent("CEN00001", state)
			wantErr(t, err, nil)
			same(t, got, want)
		}
		return nil
	})
}

func message(job string, n uint64, id status.MessageID, at time.Duration) status.Message {
	return status.Message{Job: job, Number: n, ID: id, Time: day.Add(at), Computer: "ward7-pc1", Advertisement: "adv"}
}

func messages(t *testing.T, s store.Store) {
	one, two := message("j1", 1, status.SequenceStarted, 0), message("j2", 1, status.SequenceStarted, 1)
	two.Computer = "ward7-pc2"
	again := one
	again.Output = "other"
	write(t, s, func(x store.Tx) error {
		return errors.Join(x.AddMessage("CEN00001", one), x.AddMessage("CEN00001", two), x.AddMessage("CEN00001", again))
	})
	read(t, s, func(x store.Tx) error {
		box, err := x.JobBox("j1")
		wantErr(t, err, nil)
		same(t, box, "CEN00001")
		_, err = x.JobBox("j9")
		wantErr(t, err, store.ErrNotFound)
		all, err := x.Messages(store.MessageFilter{Advertisement: "adv"})
		wantErr(t, err, nil)
		same(t, all, []store.StoredMessage{{Sequence: all[0].Sequence, Box: "CEN00001", Message: one}, {Sequence: all[1].Sequence, Box: "CEN00001", Message: two}})
		for name, c := range map[string]struct {
			f    store.MessageFilter
			want int
		}{
			"computer": {store.MessageFilter{Computer: "ward7-pc2"}, 1}, "job": {store.MessageFilter{Job: "j1"}, 1},
			"after": {store.MessageFilter{After: all[0].Sequence}, 1}, "limit": {store.MessageFilter{Limit: 1}, 1},
			"none": {store.MessageFilter{Job: "j9"}, 0},
		} {
			got, err := x.Messages(c.f)
			if err != nil || len(got) != c.want {
				t.Errorf("%s: %d messages, %v; want %d", name, len(got), err, c.want)
			}
		}
		return nil
	})
}

func jobs(t *testing.T, s store.Store) {
	last := message("j1", 3, status.RebootInitiated, 3)
	last.Step, last.Action, last.Group, last.Sequence = 4, "Restart", "Install", "Debian"
	end := message("j2", 2, status.SequenceFailed, 11)
	end.ExitCode, end.Computer = 7, "ward7-pc2"
	write(t, s, func(x store.Tx) error { // the last one arrives before the second
		return errors.Join(x.AddMessage("b", message("j1", 1, status.SequenceStarted, 1)), x.AddMessage("b", last),
			x.AddMessage("b", message("j1", 2, status.ActionCompleted, 2)),
			x.AddMessage("b", message("j2", 1, status.SequenceStarted, 10)), x.AddMessage("b", end),
			x.AddMessage("b", message("j2", 2, status.ActionCompleted, 99)), // and one twice
			x.AddMessage("b", message("j0", 1, status.SequenceFailed, 0)), x.AddMessage("b", message("j0", 2, status.SequenceStarted, 12)))
	})
	running := status.Job{Job: "j1", Box: "b", Computer: "ward7-pc1", Advertisement: "adv", Sequence: "Debian", Started: day.Add(1), Seen: day.Add(3),
		Last: status.RebootInitiated, Step: 4, Action: "Restart", Group: "Install"}
	again := status.Job{Job: "j0", Box: "b", Computer: "ward7-pc1", Advertisement: "adv", Started: day, Seen: day.Add(12),
		Last: status.SequenceStarted} // it failed, and goes on at the step that failed
	failed := status.Job{Job: "j2", Box: "b", Computer: "ward7-pc2", Advertisement: "adv", Started: day.Add(10), Seen: day.Add(11),
		Last: status.SequenceFailed, ExitCode: 7, Ended: status.SequenceFailed}
	read(t, s, func(x store.Tx) error {
		for name, c := range map[string]struct {
			f    store.JobFilter
			want []status.Job
		}{
			"all": {store.JobFilter{}, []status.Job{failed, running, again}}, "computer": {store.JobFilter{Computer: "ward7-pc1"}, []status.Job{running, again}},
			"advertisement": {store.JobFilter{Advertisement: "other"}, nil}, "job": {store.JobFilter{Job: "j2"}, []status.Job{failed}}, "since": {store.JobFilter{Since: day.Add(12)}, []status.Job{running, again}},
		} {
			got, err := x.Jobs(c.f)
			wantErr(t, err, nil)
			t.Log(name)
			same(t, got, c.want)
		}
		latest, err := x.Latest()
		wantErr(t, err, nil)
		slices.SortFunc(latest, func(a, b status.Job) int { return cmp.Compare(a.Computer, b.Computer) })
		same(t, latest, []status.Job{{Computer: "ward7-pc1", Advertisement: "adv", Started: running.Started, Seen: running.Seen},
			{Computer: "ward7-pc2", Advertisement: "adv", Started: failed.Started, Seen: failed.Seen, Ended: failed.Ended}})
		return nil
	})
}

func flight(t *testing.T, s store.Store) {
	write(t, s, func(x store.Tx) error {
		for i, client := range []string{"a", "b", "a"} {
			if err := x.AddFlight("box", status.FlightEvent{Client: client, Bytes: int64(i), Time: day, What: "tftp"}); err != nil {
				return err
			}
		}
		return nil
	})
	read(t, s, func(x store.Tx) error {
		got, err := x.Flight("a", 10)
		wantErr(t, err, nil)
		same(t, got, []status.FlightEvent{{Client: "a", Time: day, What: "tftp"}, {Client: "a", Bytes: 2, Time: day, What: "tftp"}})
		got, err = x.Flight("", 1)
		same(t, got[0].Bytes, int64(2))
		wantErr(t, err, nil)
		after, err := x.FlightAfter(1, 1)
		same(t, after, []store.StoredFlight{{Sequence: 2, Box: "box", FlightEvent: status.FlightEvent{Client: "b", Bytes: 1, Time: day, What: "tftp"}}})
		wantErr(t, err, nil)
		m, f, err := x.Newest()
		same(t, []int64{m, f}, []int64{0, 3})
		return err
	})
}
