package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site"
	"github.com/bootward/bootward/site/client"
)

// TestStatusVerbs: every verb of status, at the site and at the box.
func TestStatusVerbs(t *testing.T) {
	r := newRig(t)
	address, memory := r.atBox(nil)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	at := time.Now()
	message := func(n uint64, id status.MessageID, code int) status.Message {
		return status.Message{Job: "job1", Number: n, Time: at, ID: id, Step: int(n), Action: "Apply", ExitCode: code, Computer: "ward7-pc1", Advertisement: "Install"}
	}
	check(memory.OpenJob(t.Context(), store.Job{ID: "job1", Machine: "computer:C1", Name: "ward7-pc1", Client: "52:54:00:77:00:11", Key: "k1", Sequence: "Debian",
		Document: api.Job{ID: "job1", Computer: "ward7-pc1", Advertisement: "Install", Sequence: policy.Sequence{Name: "Debian"}}, Opened: at}, ""))
	_, err := memory.Append(t.Context(), "job1", []status.Message{message(1, status.ActionCompleted, 0), message(2, status.ActionFailed, 50)}, at)
	check(err)
	r.take("s", api.BoxEvent{Number: 1, Status: new(message(1, status.ActionCompleted, 0))}, api.BoxEvent{Number: 2, Status: new(message(2, status.ActionFailed, 50))})

	pin := filepath.Join(t.TempDir(), "pin")
	check(os.WriteFile(pin, []byte(boxPIN), 0o600))
	for place, before := range map[string][]string{"site": nil, "box": {"--box", address, "--as", "bob", "--pin-file", pin}} {
		for _, c := range []struct {
			args []string
			want string
		}{
			{[]string{"homepage"}, "Install             1         0"}, {[]string{"homepage", "--csv"}, "Install,1,0,0,0,0,1,"},
			{[]string{"unprovisioned"}, "ward7-pc1"}, {[]string{"unprovisioned", "--csv"}, "ward7-pc1,"},
			{[]string{"jobs"}, "ward7-pc1"}, {[]string{"jobs", "--csv"}, "ward7-pc1,running,"},
			{[]string{"messages", "--failures"}, "11135"}, {[]string{"messages", "--csv", "--id", "11134"}, "11134,successfully completed an action,Apply"},
			{[]string{"report", "ward7-pc1", "Install"}, "11135"}, {[]string{"report", "ward7-pc1", "--csv"}, "Last Status Message ID"},
		} {
			out, _ := r.want(exitDone, append(append(before[:len(before):len(before)], "status"), c.args...)...)
			if !strings.Contains(out, c.want) {
				t.Errorf("%s: %v: %q is not in\n%s", place, c.args, c.want, out)
			}
		}
		if out, _ := r.want(exitDone, append(append(before[:len(before):len(before)], "--json", "status"), "homepage")...); !strings.Contains(out, `"running": 1`) {
			t.Errorf("%s: %s", place, out)
		}
		r.want(exitFailed, append(append(before[:len(before):len(before)], "status"), "advertisement", "nothing")...)
		for _, args := range [][]string{{"--json", "status", "homepage", "--csv"}, {"--json", "status", "jobs", "--csv"}, {"--json", "status", "log", "ward7-pc1"}, {"status", "log", "ward7-pc1", "--csv"},
			{"status", "timeline", "ward7-pc1", "--csv"}, {"status", "timeline", "ward7-pc1", "-w"}} {
			r.want(exitUsage, append(before[:len(before):len(before)], args...)...)
		}
	}
	if out, _ := r.want(exitDone, "status", "messages", "--failures"); strings.Contains(out, "11134") {
		t.Errorf("--failures: %s", out)
	}
}

// take gives the site events, as its box does.
func (r *rig) take(state string, events ...api.BoxEvent) {
	r.t.Helper()
	s, err := site.Open(r.t.Context(), r.dir, site.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	defer s.Close()
	boxes, err := s.Boxes(r.t.Context(), "ann")
	if err == nil {
		_, err = s.TakeEvents(r.t.Context(), boxes[0].ID, api.EventBatch{StateID: state, Events: events})
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// lines is a writer that tells when a text was written.
type lines struct {
	mu  sync.Mutex
	b   bytes.Buffer
	new chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.new <- struct{}{}:
	default:
	}
	return l.b.Write(p)
}

func (l *lines) wait(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	for {
		l.mu.Lock()
		got := l.b.String()
		l.mu.Unlock()
		if strings.Contains(got, text) {
			return
		}
		select {
		case <-l.new:
		case <-ctx.Done():
			t.Fatalf("%q did not come:\n%s", text, got)
		}
	}
}

// stream is a source whose stream the test writes.
type stream struct {
	*client.Client
	events chan status.Event
}

func (s *stream) Events(ctx context.Context, after string, _ url.Values, take func(status.Event) error) (string, error) {
	if err := take(status.Event{}); err != nil {
		return after, err
	}
	for {
		select {
		case e, ok := <-s.events:
			if !ok {
				return after, io.EOF
			}
			if err := take(e); err != nil {
				return after, err
			}
		case <-ctx.Done():
			return after, ctx.Err()
		}
	}
}

// TestWatch: what is watched is shown at once, and each change has one line.
func TestWatch(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out := &lines{new: make(chan struct{}, 1)}
	a := newApp(strings.NewReader(""), out, io.Discard, func(string) string { return "" })
	a.status.watch = true
	from, n := &stream{events: make(chan status.Event)}, 0
	done := make(chan error, 1)
	go func() {
		done <- a.show(ctx, from, nil, func() (view, error) {
			n++
			return view{table: status.Table{Columns: []status.Column{{Head: "NAME"}, {Head: "N"}}, Rows: [][]string{{"same", "0"}, {"counts", fmt.Sprint(n)}}}}, nil
		})
	}()
	out.wait(t, ctx, "counts 1")
	from.events <- status.Event{Flight: &status.FlightEvent{}}
	out.wait(t, ctx, "counts  2\n")
	if got := out.b.String(); strings.Count(got, "same") != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("shown: %q", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// refused is a source whose stream opens once and is refused from then on.
type refused struct {
	stream
	opened bool
}

func (r *refused) Events(_ context.Context, after string, _ url.Values, take func(status.Event) error) (string, error) {
	if r.opened {
		return after, api.Errorf(api.CodeUnauthorized, "", "the session has ended, or never was")
	}
	r.opened = true
	return after, take(status.Event{})
}

// TestWatchEnds: who is signed out does not watch for ever what nobody tells him.
func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		a := newApp(strings.NewReader(""), io.Discard, io.Discard, func(string) string { return "" })
		a.status.watch = true
		err := a.show(ctx, &refused{}, nil, func() (view, error) { return view{}, nil })
		if !api.Final(err) {
			t.Errorf("the watch ended with %v", err)
		}
	})
}
