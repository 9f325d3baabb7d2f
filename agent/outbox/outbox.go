// Package outbox keeps the status messages of a job until its box has them.
//
// A message has its number and is on stable storage before Report returns. Run
// sends in order, in batches, again and again, until the box says that it has
// them; what is sent twice counts once, by (job, number). A box that is gone is
// waited for, and said so. It is the only sender of a job.
package outbox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd/status"
)

// Store is the file that keeps the messages, one a line.
type Store interface {
	// Read returns the file; one that is missing is an error.
	Read(name string) ([]byte, error)
	// Write replaces the file.
	Write(name string, data []byte) error
	// Append adds a line and returns when it is on stable storage.
	Append(name string, line []byte) error
}

// Sender brings messages to the box.
type Sender interface {
	Status(ctx context.Context, b api.StatusBatch) (api.StatusAck, error)
}

// Limits of sending.
const (
	batch        = 100              // messages of one request
	firstPause   = time.Second      // after a failure; doubled up to
	longestPause = 30 * time.Second //
	patience     = time.Minute      // of one request
)

// Outbox is the queue of one job. It is safe for concurrent use.
type Outbox struct {
	job    string
	file   string
	store  Store
	sender Sender
	// Lost, if given, is told when the box cannot be reached, with the reason,
	// and with nil when it is back.
	Lost func(error)

	mu       sync.Mutex
	messages []status.Message // element i has number i+1
	next     uint64           // the first number that the box does not have
	unsure   bool             // next is to be asked for: an earlier run may have sent some
	progress *status.Progress
	stop     error         // the box refuses for good
	ended    error         // see End
	changed  chan struct{} // closed and made anew on each change
	wake     chan struct{}
}

// Open reads the queue of a job. Messages below acked are known to be at the
// box. A last line that a power cut tore is dropped.
func Open(store Store, file, job string, acked uint64, sender Sender) (*Outbox, error) {
	o := &Outbox{job: job, file: file, store: store, sender: sender, next: max(acked, 1), changed: make(chan struct{}), wake: make(chan struct{}, 1)}
	raw, err := store.Read(file)
	if err != nil {
		raw = nil // nothing was reported yet
	}
	var good int
	for line := range bytes.Lines(raw) {
		var m status.Message
		if json.Unmarshal(line, &m) != nil || m.Number != uint64(len(o.messages)+1) || line[len(line)-1] != '\n' {
			break
		}
		o.messages = append(o.messages, m)
		good += len(line)
	}
	if good < len(raw) {
		if err := store.Write(file, raw[:good]); err != nil {
			return nil, fmt.Errorf("status messages: %w", err)
		}
	}
	o.unsure = o.next == 1 && len(o.messages) > 0
	if uint64(len(o.messages))+1 < o.next {
		return nil, fmt.Errorf("status messages: the box has %d, the job folder %d; the folder is an old one", o.next-1, len(o.messages))
	}
	return o, nil
}

// Report numbers a message and keeps it.
func (o *Outbox) Report(m status.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	m.Job, m.Number = o.job, uint64(len(o.messages)+1)
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := o.store.Append(o.file, line); err != nil {
		return err
	}
	o.messages = append(o.messages, m)
	o.poke()
	return nil
}

// Last is what the newest message says; 0 if there is none.
func (o *Outbox) Last() status.MessageID {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.messages) == 0 {
		return 0
	}
	return o.messages[len(o.messages)-1].ID
}

// Progress sets how far the running step is; the newest is sent once a second
// at most, and none is kept.
func (o *Outbox) Progress(p status.Progress) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p.Job = o.job
	o.progress = &p
	o.poke()
}

func (o *Outbox) poke() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Pending counts the messages that the box does not have yet.
func (o *Outbox) Pending() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.messages) - int(o.next-1)
}

// Flush waits until the box has every message that was reported, or ctx ends,
// or the box refuses them for good.
func (o *Outbox) Flush(ctx context.Context) error {
	for {
		o.mu.Lock()
		left, stop, changed := len(o.messages)-int(o.next-1), cmp.Or(o.ended, o.stop), o.changed
		o.mu.Unlock()
		switch {
		case left <= 0:
			return nil
		case stop != nil:
			return fmt.Errorf("%d status messages: %w", left, stop)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d status messages are not at the box: %w", left, ctx.Err())
		case <-changed:
		}
	}
}

// End says that nothing can be sent any more, and why: Flush does not wait.
func (o *Outbox) End(why error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = why
	o.turn()
}

// Run sends until ctx ends, when it returns nil.
func (o *Outbox) Run(ctx context.Context) error {
	pause, lost := firstPause, false
	o.poke()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-o.wake:
		}
		b := o.take()
		if len(b.Messages) == 0 && b.Progress == nil && !o.asks() {
			continue
		}
		err := o.send(ctx, b)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			if lost && o.Lost != nil {
				o.Lost(nil)
			}
			pause, lost = firstPause, false
			if o.Pending() == 0 && !supervisor.Sleep(ctx, time.Second) { // once a second at most
				return nil
			}
		default:
			if !lost && o.Lost != nil {
				o.Lost(err)
			}
			lost = true
			if !supervisor.Sleep(ctx, pause/2+rand.N(pause/2)) {
				return nil
			}
			pause = min(2*pause, longestPause)
		}
		if o.Pending() > 0 {
			o.mu.Lock()
			o.poke()
			o.mu.Unlock()
		}
	}
}

// asks says whether an empty batch is to be sent, to learn what the box has.
func (o *Outbox) asks() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.unsure
}

func (o *Outbox) take() api.StatusBatch {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.unsure {
		return api.StatusBatch{}
	}
	from := min(int(o.next-1), len(o.messages))
	b := api.StatusBatch{Messages: o.messages[from:min(from+batch, len(o.messages))], Progress: o.progress}
	o.progress = nil
	return b
}

func (o *Outbox) send(ctx context.Context, b api.StatusBatch) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ack, err := o.sender.Status(ctx, b)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stop = nil
	if err != nil {
		if api.Final(err) {
			o.stop = err
		}
		o.turn()
		return err
	}
	if ack.Next > uint64(len(o.messages))+1 {
		return fmt.Errorf("the box says that it has %d messages of %d", ack.Next-1, len(o.messages))
	}
	if len(b.Messages) > 0 && ack.Next <= b.Messages[0].Number {
		o.next = max(ack.Next, 1)
		return fmt.Errorf("the box took no message: it waits for number %d", ack.Next)
	}
	o.next, o.unsure = max(ack.Next, o.next), false
	o.turn()
	return nil
}

// turn wakes those that wait in Flush.
func (o *Outbox) turn() {
	close(o.changed)
	o.changed = make(chan struct{})
}
