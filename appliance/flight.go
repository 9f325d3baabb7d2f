package appliance

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/internal/recent"
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
	calls  recent.Map[string, time.Time]  // the agents' last questions, by MAC
	alarms recent.Map[string, raised]     // alarms
	homes  recent.Map[netip.Addr, string] // MACs of machines that said which address they have
}

const (
	recordRate  = 20 // entries a second in the long run
	recordBurst = 500
	alarmAgain  = 10 * time.Minute
	maxAlarms   = 100
	callAgain   = time.Minute
)

func newRecorder(s *store.Store, now func() time.Time) *recorder {
	return &recorder{store: s, now: now, queue: make(chan func(context.Context) error, 256),
		limit: rate.NewLimiter(recordRate, recordBurst)}
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
	r.eventOf(func() string { return e.Client }, e)
}

// eventOf records an event of a client that must be looked up: only for what is kept.
func (r *recorder) eventOf(client func() string, e status.FlightEvent) {
	e.Time = r.now()
	r.put(func(ctx context.Context) error {
		e.Client = client()
		return r.store.Record(ctx, e)
	})
}

// boot remembers that a machine asked, and what it got.
func (r *recorder) boot(mac, guid, outcome string) {
	now := r.now()
	r.put(func(ctx context.Context) error { return r.store.SawBoot(ctx, mac, guid, outcome, now) })
}

// raised is an alarm, and when it was raised.
type raised struct {
	text string
	at   time.Time
}

// alarm records an alarm, the same one at most every ten minutes.
func (r *recorder) alarm(mac, job, text string) { r.alarmOnce(text, mac, job, text) }

// alarmOnce is alarm for texts that hold what anybody can make up: once says what counts
// as the same one.
func (r *recorder) alarmOnce(once, mac, job, text string) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, known := r.alarms.Get(once); known && now.Sub(last.at) < alarmAgain {
		return
	}
	e := status.FlightEvent{Time: r.now(), Client: mac, Job: job, What: "alarm", Text: text}
	select { // beside the limit: a flood of packets must not hide who sends it
	case r.queue <- func(ctx context.Context) error { return r.store.Record(ctx, e) }:
	default: // it is raised again when the queue has room
		r.lost++
		return
	}
	r.alarms.Put(once, raised{text, now}, maxAlarms)
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
	last, known := r.calls.Get(mac)
	r.calls.Put(mac, now, maxHearing)
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
	for _, a := range r.alarms.All() {
		if time.Since(a.at) < 24*time.Hour {
			all = append(all, a.text)
		}
	}
	return all
}
