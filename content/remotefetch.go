package content

import (
	"errors"
	"fmt"
	"time"
)

// fetch gets a run of chunks, tries again what fails, and settles each. Only
// the first that cannot be had fails with its reason: somebody waits for it.
// The others may have been read ahead; whoever wants them asks again.
func (r *Remote) fetch(run []*cached) {
	room := func(n int64) []byte { return make([]byte, n) }
	var since time.Time // of the failures without one more chunk
	for tries, wrong := 1, 0; len(run) > 0; tries++ {
		first, left := run[0].index, run
		err := stream(r.ctx, r.src, &r.file, first, first+len(run), room, func(i int, data []byte) error {
			if left[0].index != i {
				return ErrChunk // the one before was wrong: go back to it
			}
			r.settle(left[0], data, nil)
			left = left[1:]
			return nil
		})
		if len(left) < len(run) {
			tries, wrong, since, run = 0, 0, time.Time{}, left
		}
		if len(run) == 0 {
			return
		}
		if since.IsZero() {
			since = time.Now()
		}
		bad := errors.Is(err, ErrChunk)
		if bad {
			wrong++
		}
		if own := r.own(bad, wrong, since, err); own != nil {
			if err := own(); err != nil {
				r.fail(run, err)
				return
			}
			tries--
			continue
		}
		if bad {
			tries += 4
		}
		if err == nil || tries >= r.tries || final(err) || r.ctx.Err() != nil {
			r.fail(run, fmt.Errorf("given up after %d tries: %w", tries, errors.Join(r.ctx.Err(), err)))
			return
		}
		if pauseErr := pause(r.ctx, max(tries, 1)); pauseErr != nil {
			r.fail(run, pauseErr)
			return
		}
	}
}

// own is what the options want to be done before another try, nil if this is not theirs.
func (r *Remote) own(bad bool, wrong int, since time.Time, err error) func() error {
	switch {
	case err == nil || final(err) || r.ctx.Err() != nil:
		return nil
	case bad && r.wrong != nil:
		return func() error { return r.wrong(r.ctx, wrong, err) }
	case !bad && r.wait != nil:
		return func() error { return r.wait(r.ctx, since, err) }
	}
	return nil
}

func (r *Remote) fail(run []*cached, err error) {
	for _, c := range run {
		r.settle(c, nil, err)
		err = errAgain
	}
}

// settle makes a chunk known to those that wait. A failed one is forgotten,
// so that the next read tries anew.
func (r *Remote) settle(c *cached, data []byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.data, c.err = data, err
	r.pending -= r.file.Chunks[c.index].Length
	if err != nil {
		if !errors.Is(err, errAgain) {
			r.last = err
		}
		delete(r.chunks, c.index)
		r.held -= r.file.Chunks[c.index].Length
	} else {
		c.place = r.recent.PushFront(c)
		r.shrink()
	}
	close(c.ready)
}
