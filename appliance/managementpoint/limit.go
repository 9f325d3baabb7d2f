package managementpoint

import (
	"context"
	"sync"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/recent"
	"golang.org/x/time/rate"
)

// A source that shows no certificate may ask so often: an agent asks a
// handful of times, a classroom behind one address some more.
const (
	perSource  = 5 // a second
	burst      = 60
	maxSources = 4096
)

// limiter counts requests per source. The zero value is ready.
type limiter struct {
	mu      sync.Mutex
	sources recent.Map[string, *rate.Limiter]
}

func (l *limiter) allow(source string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.sources.Get(source)
	if !known {
		b = rate.NewLimiter(perSource, burst)
	}
	l.sources.Put(source, b, maxSources)
	return b.AllowN(now, 1)
}

// Jobs without a grant cost nobody anything but the word of whoever claims, and a
// grant comes back when its job ended before the first write: they are counted,
// so that made-up machines, and one that fails at each start, cannot fill the box.
const (
	maxOfMachine = 20  // of one machine in an hour
	maxUnknown   = 200 // of all machines that are not known or provisional, in an hour
)

// often says that too many jobs were opened of late.
func (p *Point) often(ctx context.Context, v Verdict) *api.Error {
	limits := map[string]int{v.Machine: maxOfMachine}
	if v.Computer == nil || v.Computer.Provisional {
		limits[""] = maxUnknown
	}
	for machine, limit := range limits {
		n, err := p.Store.CountJobs(ctx, machine, p.Now().Add(-time.Hour))
		switch {
		case err != nil:
			return internal(err)
		case n >= limit:
			return api.Errorf(api.CodeTooMany, "", "%d jobs were opened in the last hour, more are not", n)
		}
	}
	return nil
}
