package tftp

import "time"

const (
	maxWindow  = 64               // larger ones are cut to this
	firstBurst = 16               // blocks that leave together at first
	pause      = time.Millisecond // between the bursts of one window
)

// window decides which blocks go out and what an ACK means (RFC 7440 section 4). It
// does no I/O. Blocks are counted from 1; on the wire their numbers roll over to 0.
//
// A client acknowledges after the number of blocks that was agreed on, so a sender that
// held some of them back would wait for an ACK that never comes. What shrinks on loss is
// therefore the burst: the blocks that leave together. A window goes out in bursts with
// pauses, in which a client that missed a block is heard. One block in each pause is
// 11 Mbit/s, eight are 93. The burst is halved when something is lost; it doubles with
// each whole window before the first loss, and grows by one block after it.
type window struct {
	size  uint64 // agreed with the client
	base  uint64 // the oldest block that is not acknowledged
	next  uint64 // the block to be sent next
	high  uint64 // the first block that was never sent
	final uint64 // the last block, 0 while unknown
	burst uint64
	lossy bool // something was lost in this transfer

	begun time.Time     // when the block at base was last sent
	again bool          // blocks in flight were sent before: their ACK times nothing
	trip  time.Duration // from a window's first block to its ACK, smoothed; 0 while unknown
}

func newWindow(size int) window {
	return window{size: uint64(size), base: 1, next: 1, high: 1, burst: min(uint64(size), firstBurst)}
}

// done reports whether the final block was acknowledged.
func (w *window) done() bool { return w.final != 0 && w.base > w.final }

// ready is the number of blocks, from next on, that go out now. None means to wait for
// the client.
func (w *window) ready() int {
	end := w.base + w.size
	if w.final != 0 {
		end = min(end, w.final+1)
	}
	return int(min(w.burst, end-w.next))
}

// sent notes that n blocks went out, the last of them the final one perhaps, and
// returns how many of them had been sent before.
func (w *window) sent(n int, final bool, now time.Time) (resent int) {
	if w.next == w.base {
		w.begun = now
	}
	resent = int(min(w.high-w.next, uint64(n)))
	w.again = w.again || resent > 0
	w.next += uint64(n)
	w.high = max(w.high, w.next)
	if final {
		w.final = w.next - 1
	}
	return resent
}

// ack takes an ACK and reports whether it changed anything. It may name any block that was
// ever sent: after a silence it can come for the blocks before, while they go out again.
func (w *window) ack(block uint16, now time.Time) bool {
	n := uint64(block - uint16(w.base-1))
	switch then := w.base + n; {
	case then > w.high: // long acknowledged, or never sent
		return false
	case n == 0:
		// So a client says that the window's first block is missing. In lock-step it
		// is a doubled ACK, and answering it would double every block from then on
		// (RFC 1123 section 4.2.3.1). Within a round trip it is an echo of what was
		// in flight when the loss was first heard of.
		if w.size == 1 || w.next == w.base || now.Sub(w.begun) < w.trip {
			return false
		}
		w.lost()
	case then >= w.next:
		w.grow(now)
		w.base, w.next = then, then
	default:
		w.base = then
		w.lost()
	}
	return true
}

// grow takes the ACK of all that is in flight, before it is noted.
func (w *window) grow(now time.Time) {
	if !w.again {
		w.measure(now.Sub(w.begun))
	}
	w.again = false
	if w.next < w.base+w.size && (w.final == 0 || w.next <= w.final) {
		return // the client was heard before the window was out
	}
	if w.lossy {
		w.burst++
	} else {
		w.burst *= 2
	}
	w.burst = min(w.burst, w.size)
}

// lost goes back to the oldest block that is not acknowledged: the client missed it, or was
// silent for too long.
func (w *window) lost() {
	w.next = w.base
	w.burst = max(w.burst/2, 1)
	w.lossy = true
}

// measure takes the time that an ACK took, smoothed as in RFC 6298.
func (w *window) measure(d time.Duration) {
	if w.trip == 0 {
		w.trip = d
	}
	w.trip += (d - w.trip) / 8
}
