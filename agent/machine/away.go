package machine

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/supervisor"
)

// How a step waits for a box that is away, or that answers with an error which passes. A target
// that is half written is of no use to anybody, so it waits as long as its certificate can last; the
// time limit of the step, and a person at the machine, may end it before.
const (
	longestAway = 8 * time.Hour
	awayPause   = 5 * time.Second  // between tries
	awayFirst   = 10 * time.Second // before the first line: a connection may break
	awaySay     = 5 * time.Minute  // between lines
	awaySearch  = 30 * time.Second // between searches for the box at another address
)

// away is what is known of a box that does not answer. The zero value is one that does.
type away struct {
	mu                    sync.Mutex
	since, said, searched time.Time
}

// wait waits before another try for content that could not be had, and says so when it
// begins and every few minutes. since is when it failed first, without anything more that came whole: bytes alone
// say that the box is there, and not that it ever gives what is wanted. It gives up with the reason when that is too
// long ago, or ctx ends.
func (m *Supply) wait(ctx context.Context, since time.Time, reason error) error {
	text, search := m.away.note(time.Now(), reason)
	if text != "" {
		m.Say(text)
	}
	if lasts := time.Since(since); lasts > longestAway {
		return fmt.Errorf("given up after %s without the box: %w", lasts.Round(time.Minute), reason)
	}
	if search && m.Search != nil {
		m.Search(ctx)
	}
	if !supervisor.Sleep(ctx, awayPause) {
		return fmt.Errorf("%w; %w", context.Cause(ctx), reason)
	}
	return nil
}

// note notes a failure, and says what to show and whether to search.
func (a *away) note(now time.Time, reason error) (text string, search bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since.IsZero() {
		a.since, a.said, a.searched = now, time.Time{}, now
		return "", false
	}
	switch {
	case a.said.IsZero() && now.Sub(a.since) >= awayFirst:
		a.said = now
		text = fmt.Sprintf("the box does not give its content; waiting, nothing is lost: %s", reason)
	case !a.said.IsZero() && now.Sub(a.said) >= awaySay:
		a.said = now
		text = fmt.Sprintf("still waiting for the box, for %s: %s", now.Sub(a.since).Round(time.Minute), reason)
	}
	if search = now.Sub(a.searched) >= awaySearch; search {
		a.searched = now
	}
	return text, search
}

// back notes that the box answers, and says for how long it did not; 0 if nothing was said of
// that.
func (a *away) back(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since.IsZero() {
		return 0
	}
	gone := now.Sub(a.since)
	if a.said.IsZero() {
		gone = 0
	}
	a.since, a.said = time.Time{}, time.Time{}
	return gone
}

// watched is the source of a Supply that notices when the box is back.
type watched struct{ m *Supply }

// Manifest implements content.Source. It waits for a box that is away.
func (w watched) Manifest(ctx context.Context, digest string) ([]byte, error) {
	since := time.Now()
	for {
		raw, err := w.m.Source.Manifest(ctx, digest)
		if err == nil {
			w.back()
			return raw, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%w; %w", context.Cause(ctx), err)
		}
		if api.Final(err) {
			return nil, err
		}
		if err := w.m.wait(ctx, since, err); err != nil {
			return nil, err
		}
	}
}

// Range implements content.Source. It does not wait: who streams counts the silence.
func (w watched) Range(ctx context.Context, sha256 string, offset, length int64) (io.ReadCloser, error) {
	r, err := w.m.Source.Range(ctx, sha256, offset, length)
	if err != nil {
		return nil, err
	}
	return &watchedBody{r, w}, nil
}

// watchedBody counts a box as back when bytes come, not when it answers.
type watchedBody struct {
	io.ReadCloser
	watched
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.back()
	}
	return n, err
}

func (w watched) back() {
	if gone := w.m.away.back(time.Now()); gone > 0 {
		w.m.Say(fmt.Sprintf("the box is back after %s; going on", gone.Round(time.Second)))
	}
}
