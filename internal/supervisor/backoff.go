package supervisor

import (
	"context"
	"math/rand/v2"
	"time"
)

// Delays between attempts unless Backoff says otherwise.
const (
	DefaultFirst = 500 * time.Millisecond
	DefaultMax   = time.Minute
)

// Backoff gives growing, jittered delays. The zero value is ready.
type Backoff struct {
	First, Max time.Duration // 0: DefaultFirst, DefaultMax
	step       time.Duration
}

// Next returns the next delay: between half of the step and the step, which
// doubles each time up to Max.
func (b *Backoff) Next() time.Duration {
	first, most := b.First, b.Max
	if first <= 0 {
		first = DefaultFirst
	}
	if most <= 0 {
		most = DefaultMax
	}
	switch {
	case b.step == 0:
		b.step = first
	case b.step < most:
		b.step *= 2
	}
	b.step = min(b.step, most)
	return b.step/2 + rand.N(b.step/2+1)
}

// Reset makes the next delay the first one again.
func (b *Backoff) Reset() { b.step = 0 }

// Sleep waits for d; false if ctx ended before.
func Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
