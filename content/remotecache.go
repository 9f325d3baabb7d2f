package content

import "context"

// nearby is how many chunks out of order still count as in order.
const nearby = 16

// want finds a chunk or starts to fetch it, and what will be read next.
func (r *Remote) want(i int) *cached {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		ready := make(chan struct{})
		close(ready)
		return &cached{ready: ready, err: context.Canceled}
	}
	// The kernel reads ahead with several requests that overtake each other.
	switch {
	case i >= r.next && i < r.next+nearby:
		r.inOrder++
		r.next = i + 1
	case i < r.next-nearby || i >= r.next+nearby:
		r.inOrder = 0
		r.next = i + 1
	}
	c := r.chunks[i]
	if c == nil {
		r.start(i, r.window(i))
		c = r.chunks[i]
	} else if c.place != nil {
		r.recent.MoveToFront(c.place)
	}
	r.readAhead(i)
	return c
}

// window says where a request for chunk i and those after it ends: further
// the longer the file has been read in order.
func (r *Remote) window(i int) int {
	limit := int64(chunkMax) << min(r.inOrder, 16)
	if r.inOrder == 0 || r.pending > r.cache/2 {
		limit = 1
	}
	return r.reach(i, min(limit, r.ahead))
}

// reach is the end of the chunks from i on that are not yet wanted, up to
// limit bytes but at least one.
func (r *Remote) reach(i int, limit int64) int {
	to := i
	for n := int64(0); to < len(r.file.Chunks) && n < limit && r.chunks[to] == nil; to++ {
		n += r.file.Chunks[to].Length
	}
	return to
}

// readAhead starts the next request when a reader in order has less than half
// of its window before it.
func (r *Remote) readAhead(i int) {
	if r.inOrder < 2 || r.pending > r.cache/2 {
		return
	}
	var before int64
	to := i + 1
	for ; to < len(r.file.Chunks) && r.chunks[to] != nil && before < r.ahead; to++ {
		before += r.file.Chunks[to].Length
	}
	if before < r.ahead/2 && to < len(r.file.Chunks) && r.chunks[to] == nil {
		r.start(to, r.window(to))
	}
}

// start fetches [from, to) in the background. The lock is held.
func (r *Remote) start(from, to int) {
	run := make([]*cached, 0, to-from)
	for i := from; i < to; i++ {
		c := &cached{index: i, ready: make(chan struct{})}
		r.chunks[i] = c
		r.held += r.file.Chunks[i].Length
		r.pending += r.file.Chunks[i].Length
		run = append(run, c)
	}
	r.shrink()
	r.work.Go(func() { r.fetch(run) })
}

// shrink forgets what was not read for the longest time. The lock is held.
func (r *Remote) shrink() {
	for r.held > r.cache && r.recent.Len() > 0 {
		c := r.recent.Remove(r.recent.Back()).(*cached)
		delete(r.chunks, c.index)
		r.held -= r.file.Chunks[c.index].Length
	}
}
