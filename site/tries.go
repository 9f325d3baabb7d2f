package site

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/bootward/bootward/internal/recent"
)

// tries bounds failed sign-ins for each source. Its memory is bounded too: when it
// is full, the source that has been quiet for longest gets its tries back.
type tries struct {
	every rate.Limit
	burst int

	mu sync.Mutex
	by recent.Map[string, *rate.Limiter]
}

const (
	maxSources = 1024
	wrongBurst = 30               // wrong sign-ins of one source at once,
	wrongEvery = 10 * time.Second // and one more each time this has passed
)

func newTries() *tries {
	return &tries{every: rate.Every(wrongEvery), burst: wrongBurst}
}

// allow counts a failure, and says whether it is one of few.
func (t *tries) allow(source string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, known := t.by.Get(source)
	if !known {
		l = rate.NewLimiter(t.every, t.burst)
	}
	t.by.Put(source, l, maxSources)
	return l.AllowN(now, 1)
}

// sourceOf is the address of who sent a request; of IPv6 the /64, because a host
// has as many addresses in it as it likes.
func sourceOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	a, err := netip.ParseAddr(host)
	if err != nil || a.Unmap().Is4() {
		return host
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return p.String()
}
