package appliance

import (
	"context"
	"errors"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/joblog"
	"github.com/bootward/bootward/appliance/sitelink"
	"github.com/bootward/bootward/appliance/store"
)

// logPause is the shortest time between two looks at a log that is sent to the site.
const logPause = 500 * time.Millisecond

// jobLog writes the log of a job of this box for somebody at the site.
func (b *Box) jobLog(ctx context.Context, wanted api.LogWanted, begin func(at int64) (sitelink.LogWriter, error)) error {
	if _, err := b.store.Job(ctx, wanted.Job); errors.Is(err, store.ErrNotFound) {
		return api.Errorf(api.CodeNotFound, "log", "it has no job of that ID")
	} else if err != nil {
		return err
	}
	var out sitelink.LogWriter
	nothing := func() error { return nil }
	r := joblog.Reading{Job: wanted.Job, Offset: max(0, wanted.Offset), Woken: nothing, Beat: api.LogBeat, Pause: logPause,
		Begin: func(at int64) (err error) { out, err = begin(at); return err },
		Write: func(data []byte) error { _, err := out.Write(data); return err },
		Idle:  func() error { return out.Flush() },
	}
	if wanted.Follow {
		r.Moved, r.Runs = b.store.Changed, func() bool {
			j, err := b.store.Job(ctx, wanted.Job)
			return err == nil && j.State == store.JobOpen
		}
	}
	err := joblog.Follow(ctx, b.logs, r)
	if errors.Is(err, joblog.ErrNone) {
		return api.Errorf(api.CodeNotFound, "log", "it keeps no log of this job")
	}
	return err
}
