package appliance

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/joblog"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/status"
)

// follower is written to by one goroutine and looked at by another.
type follower struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (f *follower) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case f.more <- struct{}{}:
	default:
	}
	return f.text.Write(p)
}

func (f *follower) wait(ctx context.Context, t *testing.T, text string) {
	t.Helper()
	for {
		f.mu.Lock()
		got := f.text.String()
		f.mu.Unlock()
		if got == text {
			return
		}
		select {
		case <-f.more:
		case <-ctx.Done():
			t.Fatalf("got %q, want %q", got, text)
		}
	}
}

// TestLogOfAJob: an agent sends its log, a technician reads it and follows it to the
// end of the job. Nobody writes into the log of another job.
func TestLogOfAJob(t *testing.T) {
	d := newDoor(t)
	logs := must[*joblog.Keeper](t)(joblog.Open(filepath.Join(t.TempDir(), "logs")))
	d.point.Logs, d.desk.Logs = logs, logs
	d.listen()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	job, tech := d.peer(d.running("ward7-pc1"), ""), d.client("bob")
	send := func(offset, text string, want int, answer string) {
		t.Helper()
		if code, raw := job.ask("POST", "/v1/job/log?offset="+offset, text); code != want || !strings.Contains(string(raw), answer) {
			t.Errorf("%q at %s: %d %s", text, offset, code, raw)
		}
	}
	var none *api.Error
	if _, _, err := tech.Log(ctx, "ward7-pc1", 0, false, &bytes.Buffer{}); !errors.As(err, &none) || none.Code != api.CodeNotFound {
		t.Errorf("before there is a log: %v", err)
	}
	send("0", "one\r\n", http.StatusOK, `{"next":5}`)
	send("9", "too far", http.StatusOK, `{"next":5}`)
	send("-1", "x", http.StatusBadRequest, "offset")
	send("5", strings.Repeat("x", api.MaxLogChunk+1), http.StatusBadRequest, "at most")

	seen := &follower{more: make(chan struct{}, 1)}
	done := make(chan error, 1)
	go func() {
		_, _, err := tech.Log(ctx, "ward7-pc1", 0, true, seen)
		done <- err
	}()
	seen.wait(ctx, t, "one\r\n")
	send("5", "two\r\n", http.StatusOK, `{"next":10}`)
	seen.wait(ctx, t, "one\r\ntwo\r\n")
	fatal(t, d.store.EndJob(ctx, "ward7-pc1", store.JobAbandoned, "over", time.Now(), status.FlightEvent{Time: time.Now(), Client: wardMAC}))
	if err := <-done; err != nil {
		t.Error(err)
	}
	send("10", "the end", http.StatusOK, `{"next":17}`) // the tail comes behind the end
	var rest bytes.Buffer
	if id, next, err := tech.Log(ctx, "ward7-pc1", 5, false, &rest); id != "ward7-pc1" || next != 17 || err != nil || rest.String() != "two\r\nthe end" {
		t.Errorf("%s to %d, %v: %q", id, next, err, rest.String())
	}
}

// TestFollowersAreCounted: those who follow logs share the number of open streams with those
// who read events, and who is not a technician any more does not take that for the end of the log.
func TestFollowersAreCounted(t *testing.T) {
	d := newDoor(t)
	logs := must[*joblog.Keeper](t)(joblog.Open(filepath.Join(t.TempDir(), "logs")))
	d.desk.Logs = logs
	d.listen()
	d.running("ward7-pc1")
	must[int64](t)(logs.Append("ward7-pc1", 0, false, []byte("one")))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tech, ended := d.client("bob"), make(chan error, 16)
	for range 16 {
		seen := &follower{more: make(chan struct{}, 1)}
		go func() {
			_, _, err := tech.Log(ctx, "ward7-pc1", 0, true, seen)
			ended <- err
		}()
		seen.wait(ctx, t, "one")
	}
	var many *api.Error
	if _, _, err := tech.Log(ctx, "ward7-pc1", 0, true, &bytes.Buffer{}); !errors.As(err, &many) || many.Code != api.CodeTooMany {
		t.Errorf("one more: %v", err)
	}
	if _, _, err := tech.Log(ctx, "ward7-pc1", 0, false, &bytes.Buffer{}); err != nil {
		t.Errorf("one who does not follow: %v", err)
	}
	fatal(t, tech.SignOut(ctx))
	must[int64](t)(logs.Append("ward7-pc1", 3, false, []byte("two")))
	for range 16 {
		if err := <-ended; err == nil {
			t.Error("a follower who was signed out takes it for the end of the log")
		}
	}
}
