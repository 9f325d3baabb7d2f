package site

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
)

// counting counts the transactions that write.
type counting struct {
	store.Store
	mu sync.Mutex
	n  int
}

func (c *counting) Write(ctx context.Context, f func(store.Tx) error) error {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	return c.Store.Write(ctx, f)
}

// TestIngestTogether: batches that come at the same time share a commit, and one that
// is refused takes none of the others with it.
func TestIngestTogether(t *testing.T) {
	r := newRig(t)
	const boxes = 20
	yaml := ""
	for i := range boxes {
		yaml += fmt.Sprintf("kind: Box\nname: box%d\n---\n", i)
	}
	r.apply(yaml)
	var ids []string
	for i := range boxes {
		p, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", fmt.Sprintf("/v1/boxes/box%d/token", i), nil).Token, "s")
		ids = append(ids, p.id)
	}
	counted := &counting{Store: r.store}
	r.store = counted
	defer func() { r.store = counted.Store }()
	held, release := make(chan struct{}), make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() { // a first one that holds the others up
		if err := r.ingest.write(t.Context(), counted, func(store.Tx) error { close(held); <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-held
	for i, id := range ids {
		work.Go(func() {
			state, want := "s", error(nil)
			if i == 7 {
				state, want = "another life", errors.New("refused")
			}
			ack, err := r.TakeEvents(t.Context(), id, api.EventBatch{StateID: state, Events: []api.BoxEvent{{Number: 1, Status: &status.Message{Job: id, Number: 1, ID: status.SequenceStarted, Computer: "pc"}}}})
			if (err != nil) != (want != nil) || err == nil && ack.Next != 2 {
				t.Errorf("box %d: %+v, %v", i, ack, err)
			}
		})
	}
	for { // until all of them wait
		r.ingest.mu.Lock()
		n := len(r.ingest.waiting)
		r.ingest.mu.Unlock()
		if n == boxes {
			break
		}
		runtime.Gosched()
	}
	close(release)
	work.Wait()
	if counted.n != 3 { // the first, all together, and all but the one that is refused
		t.Errorf("%d transactions", counted.n)
	}
	if got := must[api.Messages](t, r.person(), "GET", "/v1/messages?computer=pc", nil).Messages; len(got) != boxes-1 {
		t.Errorf("%d messages", len(got))
	}
}

// TestIngestPanics: a batch that panics is an error of its box, and the site goes on.
func TestIngestPanics(t *testing.T) {
	r := newRig(t)
	if err := r.ingest.write(t.Context(), r.store, func(store.Tx) error { panic("a fault") }); err == nil || !strings.Contains(err.Error(), "a fault") {
		t.Errorf("a batch that panics: %v", err)
	}
	if err := r.ingest.write(t.Context(), r.store, func(store.Tx) error { return nil }); err != nil {
		t.Errorf("the one behind it: %v", err)
	}
}
