package machine

import (
	"context"
	"sync"
)

// journal is an append-only list that many goroutines can wait on; none of them misses an entry.
type journal[T any] struct {
	mu      sync.Mutex
	entries []T
	changed chan struct{} // closed at the next change
	closed  bool
}

func newJournal[T any]() *journal[T] { return &journal[T]{changed: make(chan struct{})} }

func (j *journal[T]) add(entry T) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return
	}
	j.entries = append(j.entries, entry)
	close(j.changed)
	j.changed = make(chan struct{})
}

// close says that no entry will come.
func (j *journal[T]) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.closed {
		j.closed = true
		close(j.changed)
	}
}

// all returns the entries so far. They are not to be changed.
func (j *journal[T]) all() []T {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.entries[:len(j.entries):len(j.entries)]
}

// wait returns the first entry from index on that match accepts. Its boolean is false when the journal was closed
// without one; the error is the context's.
func (j *journal[T]) wait(ctx context.Context, from int, match func(T) bool) (entry T, ok bool, err error) {
	for {
		j.mu.Lock()
		entries, changed, closed := j.entries, j.changed, j.closed
		for ; from < len(entries); from++ {
			if match(entries[from]) {
				entry = entries[from]
				j.mu.Unlock()
				return entry, true, nil
			}
		}
		j.mu.Unlock()
		if closed {
			return entry, false, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return entry, false, ctx.Err()
		}
	}
}
