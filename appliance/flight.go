package appliance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/httpboot"
	"github.com/bootward/bootward/appliance/network"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/appliance/serialconsole"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/appliance/tftp"
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

	mu     sync.Mutex
	lost   int
	alarms map[string]time.Time // alarms that were raised, by text
}

const (
	recordRate  = 20 // entries a second in the long run
	recordBurst = 500
	alarmAgain  = 10 * time.Minute
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
	last, known := r.alarms[text]
	again := !known || now.Sub(last) >= alarmAgain
	if again {
		if len(r.alarms) > 100 {
			clear(r.alarms)
		}
		r.alarms[text] = now
	}
	r.mu.Unlock()
	if again {
		r.event(status.FlightEvent{Client: mac, Job: job, What: "alarm", Text: text})
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

// observeDHCP records what the DHCP server saw and did.
func (b *Box) observeDHCP(e dhcp.Event) {
	why := strings.Join(e.Why, "; ")
	f := status.FlightEvent{Client: e.MAC.String()}
	switch e.Kind {
	case dhcp.Seen:
		f.What, f.Text = "dhcp-discover", fmt.Sprintf("asks on %s port %d", e.Interface, e.Port)
	case dhcp.Offered, dhcp.Acked:
		f.What, f.Text = "dhcp-offer", e.File
		if e.Client.IsValid() {
			f.Text = "address " + e.Client.String() + " " + e.File
		}
		f.Text = strings.TrimSpace(f.Text + " (" + why + ")")
	default:
		f.What, f.Text = "refused", string(e.Kind)+": "+why
	}
	b.flight.event(f)
}

// macOf finds the hardware address of a client on the segment.
func macOf(a netip.Addr) string {
	s, err := network.Read()
	if err != nil {
		return ""
	}
	return s.MAC(a).String()
}

func (b *Box) doneTFTP(t tftp.Transfer) {
	if t.Probe {
		return
	}
	text := transferText(t.Name, t.Bytes, t.Duration)
	switch {
	case t.Err != nil && pxe.MayLack(t.Name) && errors.Is(t.Err, fs.ErrNotExist):
		text = t.Name + ": not there, and need not be"
	case t.Err != nil:
		text += ": " + t.Err.Error()
	}
	b.flight.event(status.FlightEvent{Client: macOf(t.Client.Addr()), What: "tftp", Text: text, Bytes: t.Bytes, Millis: t.Duration.Milliseconds()})
}

func (b *Box) doneHTTP(t httpboot.Transfer) {
	text := transferText(t.ImageID+"/"+t.Name, t.Bytes, t.Duration)
	if !t.Complete {
		text += fmt.Sprintf(": broken off, status %d", t.Status)
	}
	mac := t.MAC.String()
	if mac == "" {
		mac = macOf(t.Client.Addr())
	}
	b.flight.event(status.FlightEvent{Client: mac, What: "http", Text: text, Bytes: t.Bytes, Millis: t.Duration.Milliseconds()})
}

func transferText(name string, n int64, took time.Duration) string {
	text := fmt.Sprintf("%s, %s", name, serialconsole.Bytes(n))
	if s := took.Seconds(); s > 0 {
		text += fmt.Sprintf(" in %.2f s, %s/s", s, serialconsole.Bytes(int64(float64(n)/s)))
	}
	return text
}
