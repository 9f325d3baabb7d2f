package appliance

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"golang.org/x/time/rate"
)

// recorder keeps what the protocol servers see, without holding them up: what
// comes faster than it may be kept is dropped and counted. Anybody on the
// segment can send packets; the disk must not fill with them.
type recorder struct {
	store *store.Store
	now   func() time.Time
	queue chan func(context.Context) error
	limit *rate.Limiter
	ear   ear

	mu     sync.Mutex
	lost   int
	calls  map[string]time.Time  // the agents' last questions, by MAC
	alarms map[string]time.Time  // alarms that were raised, by text
	homes  map[netip.Addr]string // MACs of machines that said which address they have
}

const (
	recordRate  = 20 // entries a second in the long run
	recordBurst = 500
	alarmAgain  = 10 * time.Minute
	callAgain   = time.Minute
)

func newRecorder(s *store.Store, now func() time.Time) *recorder {
	return &recorder{store: s, now: now, queue: make(chan func(context.Context) error, 256),
		limit: rate.NewLimiter(recordRate, recordBurst), alarms: map[string]time.Time{}}
}

// run writes until ctx ends. An entry that cannot be kept is lost: PXE goes on
// answering when the disk is full.
func (r *recorder) run(ctx context.Context) error {
	for {
		select {
		case do := <-r.queue:
			if err := do(ctx); err != nil && ctx.Err() == nil {
				r.drop()
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *recorder) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost++
}

// Lost counts the entries that were not kept.
func (r *recorder) Lost() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

func (r *recorder) put(do func(context.Context) error) {
	if !r.limit.Allow() {
		r.drop()
		return
	}
	select {
	case r.queue <- do:
	default:
		r.drop()
	}
}

func (r *recorder) event(e status.FlightEvent) {
	e.Time = r.now()
	r.put(func(ctx context.Context) error { return r.store.Record(ctx, e) })
}

// boot remembers that a machine asked, and what it got.
func (r *recorder) boot(mac, guid, outcome string) {
	now := r.now()
	r.put(func(ctx context.Context) error { return r.store.SawBoot(ctx, mac, guid, outcome, now) })
}

// alarm records an alarm, the same one at most every ten minutes.
func (r *recorder) alarm(mac, job, text string) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, known := r.alarms[text]; known && now.Sub(last) < alarmAgain {
		return
	}
	e := status.FlightEvent{Time: r.now(), Client: mac, Job: job, What: "alarm", Text: text}
	select { // beside the limit: a flood of packets must not hide who sends it
	case r.queue <- func(ctx context.Context) error { return r.store.Record(ctx, e) }:
	default: // it is raised again when the queue has room
		r.lost++
		return
	}
	if len(r.alarms) > 100 {
		clear(r.alarms)
	}
	r.alarms[text] = now
}

// called records that an agent asks what its machine may run, once while it goes on
// asking.
func (r *recorder) called(mac string) {
	mac, err := osd.NormalizeMAC(mac)
	if err != nil {
		return
	}
	now := r.now()
	r.mu.Lock()
	last, known := r.calls[mac]
	if r.calls == nil || len(r.calls) >= maxHearing {
		r.calls = map[string]time.Time{}
	}
	r.calls[mac] = now
	r.mu.Unlock()
	if !known || now.Sub(last) > callAgain {
		r.event(status.FlightEvent{Client: mac, What: status.FlightAgent, Text: "the agent asks what this machine may run"})
	}
}

// recent returns the alarms of the last day.
func (r *recorder) recent() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for text, at := range r.alarms {
		if time.Since(at) < 24*time.Hour {
			all = append(all, text)
		}
	}
	return all
}
