package tftp

import (
	"testing"
	"time"
)

// step is something that happens to a window, and what it is to do next.
type step struct {
	ack   int // -1: none comes, -2: it sends what it wants to
	after time.Duration
	taken bool
	next  uint64
	ready int
}

func TestWindow(t *testing.T) {
	const send, silence = -2, -1
	long := time.Minute
	for _, tc := range []struct {
		name  string
		size  int
		final uint64
		steps []step
	}{
		{"lock-step", 1, 3, []step{{send, 0, true, 2, 0}, {1, 0, true, 2, 1}, {send, 0, true, 3, 0}, {1, long, false, 3, 0}, {silence, 0, true, 2, 1},
			{send, 0, true, 3, 0}, {2, 0, true, 3, 1}, {send, 0, true, 4, 0}, {3, 0, true, 4, 0}}},
		{"a window in bursts that double", 64, 1000, []step{{send, 0, true, 17, 16}, {send, 0, true, 33, 16}, {send, 0, true, 49, 16}, {send, 0, true, 65, 0},
			{64, 0, true, 65, 32}, {send, 0, true, 97, 32}, {send, 0, true, 129, 0}, {128, 0, true, 129, 64}}},
		{"the middle is lost", 8, 1000, []step{{send, 0, true, 9, 0}, {3, 0, true, 4, 4}, {send, 0, true, 8, 4}, {send, 0, true, 12, 0},
			{11, 0, true, 12, 5}}},
		{"the first is lost", 8, 1000, []step{{send, 0, true, 9, 0}, {8, time.Millisecond, true, 9, 8}, {send, 0, true, 17, 0},
			{8, 0, false, 17, 0}, {8, time.Millisecond, true, 9, 4}}},
		{"loss after loss ends at one block", 4, 1000, []step{{send, 0, true, 5, 0}, {silence, 0, true, 1, 2}, {silence, 0, true, 1, 1}, {silence, 0, true, 1, 1}}},
		{"a gap is heard in a pause", 64, 1000, []step{{send, 0, true, 17, 16}, {5, 0, true, 6, 8}, {send, 0, true, 14, 8}}},
		{"an ACK that was late", 8, 1000, []step{{send, 0, true, 9, 0}, {silence, 0, true, 1, 4}, {send, 0, true, 5, 4}, {8, 0, true, 9, 4},
			{send, 0, true, 13, 4}, {9, 0, true, 10, 2}, {send, 0, true, 12, 2}, {12, 0, true, 13, 2}}},
		{"the last window is short", 8, 3, []step{{send, 0, true, 4, 0}, {3, 0, true, 4, 0}}},
		{"ACKs of nothing", 4, 1000, []step{{send, 0, true, 5, 0}, {5, long, false, 5, 0}, {65535, long, false, 5, 0}, {4, 0, true, 5, 4}, {2, 0, false, 5, 4}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, now := newWindow(tc.size), time.Unix(0, 0)
			for i, s := range tc.steps {
				now = now.Add(s.after)
				taken := true
				switch s.ack {
				case send:
					n := min(w.ready(), int(tc.final+1-w.next))
					w.sent(n, w.next+uint64(n) > tc.final, now)
				case silence:
					w.lost()
				default:
					taken = w.ack(uint16(s.ack), now)
				}
				if taken != s.taken || w.next != s.next || w.ready() != s.ready {
					t.Fatalf("step %d: taken %t, next %d, ready %d; want %+v", i, taken, w.next, w.ready(), s)
				}
			}
			if want := w.base == tc.final+1; w.done() != want {
				t.Errorf("done is %t at %d of %d", w.done(), w.base, tc.final)
			}
		})
	}
}

// FuzzWindow lets a client say anything: the window stays one, and only what was sent is
// ever acknowledged.
func FuzzWindow(f *testing.F) {
	f.Add(uint8(63), uint16(100), []byte{0, 0, 0, 0, 1, 64, 0, 3, 0, 1, 65, 2, 0})
	f.Add(uint8(0), uint16(3), []byte{0, 1, 1, 0, 1, 2, 0, 1, 3})
	f.Add(uint8(7), uint16(60000), []byte{0, 1, 3, 0, 2, 0, 0, 3, 255})
	f.Fuzz(func(t *testing.T, size uint8, blocks uint16, events []byte) {
		w, now := newWindow(int(size)%maxWindow+1), time.Unix(0, 0)
		final := uint64(blocks) + 1
		for i := 0; i+1 < len(events) && !w.done(); i += 2 {
			now = now.Add(time.Duration(events[i]) * 100 * time.Microsecond)
			switch base := w.base; events[i] % 4 {
			case 0:
				if n := min(w.ready(), int(final+1-w.next)); n > 0 {
					w.sent(n, w.next+uint64(n) > final, now)
				}
			case 1:
				w.ack(uint16(base)-1+uint16(events[i+1]), now)
			case 2:
				w.lost()
			case 3:
				w.ack(uint16(events[i+1])<<8, now)
			}
			if w.base > w.next || w.next > w.base+w.size || w.high < w.next || w.next > final+1 || w.burst < 1 || w.burst > w.size || w.ready() < 0 {
				t.Fatalf("after event %d: %+v", i/2, w)
			}
		}
	})
}
