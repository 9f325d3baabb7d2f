package dhcp

import (
	"sync"
	"sync/atomic"
	"time"
)

// patience is how long an answer may take before somebody else reads on, in the worst
// case twice of it.
const patience = 5 * time.Millisecond

// desk shares a port among workers. One of them reads and answers by itself, since to
// hand a question over takes longer than most answers. If an answer takes longer than
// patience, its worker is relieved: another one reads on, and the first leaves when it is
// done. So a slow decision holds up no other, as long as there are workers.
type desk struct {
	work func() // reads and answers until it is relieved or the port is closed
	most int    // workers at once

	serial atomic.Uint64 // of the last answer that was begun
	busy   atomic.Uint64 // serial of the answer that who reads is busy with, 0 while it reads
	looked atomic.Bool   // look is to come

	mu      sync.Mutex
	timer   *time.Timer
	workers int
	closed  bool
	seen    uint64 // serial at the last look
	wg      sync.WaitGroup
}

// open starts the first worker.
func (d *desk) open() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timer = time.AfterFunc(patience, d.look)
	d.looked.Store(true)
	d.hire()
}

// close waits for the workers, whose port must be closed, and lets nobody in.
func (d *desk) close() {
	d.mu.Lock()
	d.closed = true
	d.timer.Stop()
	d.mu.Unlock()
	d.wg.Wait()
}

// hire starts a worker. The caller holds the lock.
func (d *desk) hire() {
	d.workers++
	d.wg.Go(func() {
		d.work()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.workers--
	})
}

// begin says that who reads begins an answer.
func (d *desk) begin() (serial uint64) {
	serial = d.serial.Add(1)
	d.busy.Store(serial)
	if !d.looked.Load() && d.looked.CompareAndSwap(false, true) {
		d.timer.Reset(patience)
	}
	return serial
}

// end says whether the worker is to read on: it has not been relieved.
func (d *desk) end(serial uint64) bool { return d.busy.CompareAndSwap(serial, 0) }

// relieve lets another worker read on, if there is one left.
func (d *desk) relieve(serial uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.relieveLocked(serial)
}

func (d *desk) relieveLocked(serial uint64) {
	if !d.closed && d.workers < d.most && d.busy.CompareAndSwap(serial, 0) {
		d.hire()
	}
}

// look relieves who is busy with the same answer as at the last look. It comes again as
// long as there is something to do; an idle box is not woken.
func (d *desk) look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	last, busy := d.serial.Load(), d.busy.Load()
	if busy != 0 && busy == d.seen {
		d.relieveLocked(busy)
	}
	quiet := busy == 0 && last == d.seen
	d.seen = last
	if quiet {
		d.looked.Store(false)
		// An answer may have begun before the line above.
		quiet = d.busy.Load() == 0 || !d.looked.CompareAndSwap(false, true)
	}
	if !quiet && !d.closed {
		d.timer.Reset(patience)
	}
}
