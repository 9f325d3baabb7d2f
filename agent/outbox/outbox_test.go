package outbox

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
)

// box is a management point that can be gone, and that keeps what it was told.
type box struct {
	mu   sync.Mutex
	gone error
	got  []uint64
	dups int
	acks bool // answers are lost although the messages arrived
	prog int
}

func (b *box) Status(_ context.Context, s api.StatusBatch) (api.StatusAck, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone != nil {
		return api.StatusAck{}, b.gone
	}
	if s.Progress != nil {
		b.prog++
	}
	for _, m := range s.Messages {
		if m.Number <= uint64(len(b.got)) {
			b.dups++
			continue
		}
		b.got = append(b.got, m.Number)
	}
	if b.acks {
		b.acks = false
		return api.StatusAck{}, errors.New("connection reset")
	}
	return api.StatusAck{Next: uint64(len(b.got)) + 1}, nil
}

func (b *box) set(err error) { b.mu.Lock(); b.gone = err; b.mu.Unlock() }

func folder(t *testing.T) *job.Folder {
	t.Helper()
	f, err := job.Create(filepath.Join(t.TempDir(), "job"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestHourWithoutBox: nothing is lost or counted twice while the box is gone for
// an hour, and the loss is said once.
func TestHourWithoutBox(t *testing.T) {
	f := folder(t)
	synctest.Test(t, func(t *testing.T) {
		b := &box{gone: errors.New("no route to host"), acks: true}
		o, err := Open(f, job.FileStatus, "j", 1, b)
		if err != nil {
			t.Fatal(err)
		}
		var said []bool
		o.Lost = func(err error) { said = append(said, err != nil) }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- o.Run(ctx) }()
		for range 250 {
			if err := o.Report(status.Message{ID: status.ActionCompleted}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		b.set(nil)
		if err := o.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if len(b.got) != 250 || len(said) < 2 || !said[0] || said[len(said)-1] {
			t.Errorf("%d messages, %d doubles, said %v", len(b.got), b.dups, said)
		}
	})
}

// TestRestart: messages survive a restart, a torn line does not, and numbers go
// on.
func TestRestart(t *testing.T) {
	f, b := folder(t), &box{}
	o, err := Open(f, job.FileStatus, "j", 1, b)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := o.Report(status.Message{ID: status.ActionCompleted}); err != nil {
			t.Fatal(err)
		}
	}
	raw, _ := f.Read(job.FileStatus)
	if err := f.Write(job.FileStatus, append(raw, `{"job":"j","num`...)); err != nil {
		t.Fatal(err)
	}
	b.got = []uint64{1, 2}
	if o, err = Open(f, job.FileStatus, "j", 3, b); err != nil {
		t.Fatal(err)
	}
	if err := o.Report(status.Message{ID: status.SequenceCompleted}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go o.Run(ctx)
	if err := o.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if len(b.got) != 4 || b.dups != 0 {
		t.Errorf("%v, %d doubles", b.got, b.dups)
	}
	if _, err := Open(f, job.FileStatus, "j", 9, b); err == nil {
		t.Error("a folder that lacks messages was taken")
	}
}

// TestRefused: Flush does not wait for a box that said no.
func TestRefused(t *testing.T) {
	b := &box{gone: api.Errorf(api.CodeForbidden, "job j", "the job is closed")}
	o, err := Open(folder(t), job.FileStatus, "j", 1, b)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Report(status.Message{ID: status.SequenceFailed}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go o.Run(ctx)
	var e *api.Error
	if err := o.Flush(ctx); !errors.As(err, &e) || e.Code != api.CodeForbidden {
		t.Errorf("got %v", err)
	}
}

// TestEnd: nobody waits for a box that will take no more.
func TestEnd(t *testing.T) {
	o, err := Open(folder(t), job.FileStatus, "j", 1, &box{gone: errors.New("no route to host")})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Report(status.Message{ID: status.ActionCompleted}); err != nil {
		t.Fatal(err)
	}
	over := errors.New("the job has ended")
	go o.End(over)
	if err := o.Flush(t.Context()); !errors.Is(err, over) {
		t.Error(err)
	}
}

// TestProgress: a thousand reports in a second are a few requests.
func TestProgress(t *testing.T) {
	f := folder(t)
	synctest.Test(t, func(t *testing.T) {
		b := &box{}
		o, err := Open(f, job.FileStatus, "j", 1, b)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go o.Run(ctx)
		for i := range 5000 {
			o.Progress(status.Progress{Done: int64(i)})
			time.Sleep(time.Millisecond)
		}
		cancel()
		synctest.Wait()
		if b.prog < 3 || b.prog > 7 {
			t.Errorf("%d requests in five seconds", b.prog)
		}
	})
}

// FuzzOpen: whatever a power cut left of the file, its good part is kept, and
// what is reported next stands behind it.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("{\"number\":1}\n{\"number\":2}\n{\"numb"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		store := folder(t)
		if err := store.Write("status.jsonl", raw); err != nil {
			t.Fatal(err)
		}
		o, err := Open(store, "status.jsonl", "j-1", 1, &box{})
		if err != nil {
			t.Fatal(err)
		}
		before := o.Pending()
		if err := o.Report(status.Message{ID: status.SequenceStarted}); err != nil {
			t.Fatal(err)
		}
		if again, err := Open(store, "status.jsonl", "j-1", 1, &box{}); err != nil || again.Pending() != before+1 {
			t.Fatalf("%d messages, then one more, then %d, %v", before, again.Pending(), err)
		}
	})
}
