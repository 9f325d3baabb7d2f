package joblog

import (
	"context"
	"time"

	"github.com/bootward/bootward/internal/supervisor"
)

// Source is where Follow reads. It may be called by several goroutines at once.
type Source interface {
	// Read returns bytes from an offset on, and the offset of the first, which is a
	// later one where those before are gone; none behind the end. ErrNone.
	Read(job string, offset int64) (data []byte, at int64, err error)
	// Changed is closed when something was added to any log.
	Changed() <-chan struct{}
}

// Reading is a log that is read, and perhaps followed. What its functions return ends it.
type Reading struct {
	Job    string
	Offset int64 // of the first byte that is wanted
	// Runs says whether the job may still write; nil: what is there is all.
	Runs func() bool
	// Moved is closed when Runs may have another answer.
	Moved func() <-chan struct{}
	// Begin is told once, before all, where the first byte stands.
	Begin func(at int64) error
	Write func(data []byte) error
	// Idle is called when all that is there was written, and each Beat from then on.
	Idle func() error
	// Woken is called behind each wait.
	Woken func() error
	Beat  time.Duration
	Pause time.Duration // between two looks
}

// Follow reads a log to its end: nil, also when ctx ends.
func Follow(ctx context.Context, from Source, r Reading) error {
	begun := false
	for {
		added, over := from.Changed(), r.Runs == nil
		var moved <-chan struct{}
		if !over {
			moved = r.Moved()
			over = !r.Runs()
		}
		data, at, err := from.Read(r.Job, r.Offset)
		if err == nil && !begun {
			err, begun = r.Begin(at), true
		}
		if err == nil && len(data) > 0 {
			r.Offset = at + int64(len(data))
			err = r.Write(data)
		} else if err == nil && over {
			return nil
		} else if err == nil {
			err = r.wait(ctx, added, moved)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// wait returns when there may be more.
func (r *Reading) wait(ctx context.Context, added, moved <-chan struct{}) error {
	if err := r.Idle(); err != nil {
		return err
	}
	if !supervisor.Sleep(ctx, r.Pause) {
		return nil
	}
	beat := time.NewTimer(r.Beat)
	defer beat.Stop()
	select {
	case <-added:
	case <-moved:
	case <-beat.C:
	case <-ctx.Done():
		return nil
	}
	return r.Woken()
}
