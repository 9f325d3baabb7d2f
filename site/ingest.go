package site

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/bootward/bootward/site/store"
)

// maxTogether is how many batches of boxes share one commit.
const maxTogether = 64

// ingest lets batches of many boxes share a commit: while one is on its way to the
// disk, those that come meanwhile wait for the next together. The zero value is ready.
type ingest struct {
	mu      sync.Mutex
	waiting []*share
	running bool
}

// share is one batch. do may be run again: it sets all that it tells.
type share struct {
	do   func(store.Tx) error
	done chan error
}

// try runs do. A batch that panics fails: it stands in nobody's request, where that would be
// caught, and must not end the site.
func (o *share) try(x store.Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("events of a box: panic: %v\n%s", p, debug.Stack())
		}
	}()
	return o.do(x)
}

// write runs do in a transaction, maybe together with others, and returns when it is
// on the disk. It is done even if ctx ends.
func (g *ingest) write(ctx context.Context, s store.Store, do func(store.Tx) error) error {
	one := &share{do: do, done: make(chan error, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, one)
	if !g.running {
		g.running = true
		go g.run(context.WithoutCancel(ctx), s)
	}
	g.mu.Unlock()
	return <-one.done
}

// run writes what waits until nothing does.
func (g *ingest) run(ctx context.Context, s store.Store) {
	for {
		g.mu.Lock()
		n := min(len(g.waiting), maxTogether)
		batch := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		g.running = n > 0
		g.mu.Unlock()
		if n == 0 {
			return
		}
		writeTogether(ctx, s, batch)
	}
}

// writeTogether writes a batch in one transaction. One that fails takes none of the
// others with it: they are written without it.
func writeTogether(ctx context.Context, s store.Store, batch []*share) {
	for len(batch) > 0 {
		failed := -1
		err := s.Write(ctx, func(x store.Tx) error {
			for i, one := range batch {
				if err := one.try(x); err != nil {
					failed = i
					return err
				}
			}
			return nil
		})
		if err != nil && failed >= 0 {
			batch[failed].done <- err
			batch = slices.Delete(batch, failed, failed+1)
			continue
		}
		for _, one := range batch {
			one.done <- err
		}
		return
	}
}
