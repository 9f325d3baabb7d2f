package managementpoint

import (
	"sync"
	"time"

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
	sources map[string]*rate.Limiter
}

func (l *limiter) allow(source string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sources == nil || len(l.sources) >= maxSources {
		l.sources = map[string]*rate.Limiter{}
	}
	b := l.sources[source]
	if b == nil {
		b = rate.NewLimiter(perSource, burst)
		l.sources[source] = b
	}
	return b.AllowN(now, 1)
}
